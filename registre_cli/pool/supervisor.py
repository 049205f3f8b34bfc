"""The supervisor: it starts workers, watches them, and writes down what the dead cannot.

One thread, one loop: it waits for reports, for the ends of processes, for signals and for
the clock. It never waits for a database or for Redis; the stewards and the herald do.
"""

import multiprocessing
import os
import secrets
import signal
import socket
import time
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Semaphore
from queue import SimpleQueue

from registre_cli.capacity.minimums import fit_minimums
from registre_cli.core.documents import Source
from registre_cli.core.errors import WrongUsageError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Environment, Settings
from registre_cli.pool.allocation import Allocation, allocate
from registre_cli.pool.exits import EXIT_MISCONFIGURED, describe_exit
from registre_cli.pool.herald import Herald
from registre_cli.pool.job_log import log_claimed, log_finished, log_lost, log_processing
from registre_cli.pool.messages import (
    Claimed,
    Ended,
    Finished,
    Idle,
    Leaving,
    Limited,
    Logged,
    PageStarted,
    Pause,
    Report,
    SetMode,
    Stop,
    Storing,
    Wake,
)
from registre_cli.pool.models import PoolStatus, PoolSummary, QueueGlance, WorkerState
from registre_cli.pool.options import Observer, PoolOptions
from registre_cli.pool.orders import PoolOrder
from registre_cli.pool.process import WorkerProcess, start_worker
from registre_cli.pool.respawn import Respawn
from registre_cli.pool.signals import Signals
from registre_cli.pool.steward import Ear, Steward
from registre_cli.pool.tally import Tally
from registre_cli.pool.worker import WorkerSetup
from registre_cli.queue.models import WaitingWork
from registre_cli.storage.storage import FETCH_TIMEOUT_SECONDS

_TICK_SECONDS = 0.25
# The engine's own time-out comes first; what does not obey is killed so much later.
_KILL_GRACE_SECONDS = 5.0
_LAST_WRITES_SECONDS = 5.0
_BYTES_IN_MB = 1_000_000


class Supervisor:
    """One pool, from its first worker to its last."""

    def __init__(self, settings: Settings, options: PoolOptions, observer: Observer) -> None:
        self._settings = settings
        self._options = options
        self._observer = observer
        self._size = options.size
        self._minimums = fit_minimums(options.size, options.min_index, options.min_acte)
        self._host = socket.gethostname()
        self._pool_id = f"{self._host}-{os.getpid()}-{secrets.token_hex(2)}"
        self._started_at = datetime.now(UTC)
        self._tally = Tally()
        self._workers: dict[int, WorkerProcess] = {}
        self._respawns: dict[int, Respawn] = {}
        self._lives = 0
        self._allocation: Allocation = allocate(self._size, self._minimums, {})
        self._paused = False
        self._stopping_since: float | None = None
        self._rebalance_at = 0.0
        self._burst_check_pending = False
        self._signals = Signals()
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._permits: Semaphore | None = (
            self._context.Semaphore(options.max_documents)
            if options.max_documents is not None
            else None
        )
        self._stewards = [self._steward(environment) for environment in options.environments]
        self._ears = [
            Ear(environment.name, environment.database_url, self._signals.news)
            for environment in options.environments
            if environment.database_url is not None
        ]
        self._orders: SimpleQueue[PoolOrder] = SimpleQueue()
        self._herald = Herald(settings, self._pool_id, options.size, self._orders.put)

    def run(self) -> PoolSummary:
        """Run until told to stop, or in burst mode until nothing is eligible."""
        self._start_fork_server()
        started = time.monotonic()
        with self._signals:
            for steward in self._stewards:
                steward.start()
            for ear in self._ears:
                ear.start()
            self._herald.start()
            get_logger().info(
                "Pool started",
                pool_id=self._pool_id,
                size=self._size,
                environments=[steward.environment for steward in self._stewards],
                allocation={str(source): count for source, count in self._allocation.items()},
                version=version("registre-cli"),
            )
            try:
                self._loop()
            finally:
                self._end()
        summary = self._tally.summary(seconds=round(time.monotonic() - started, 3))
        get_logger().info(
            "Pool stopped",
            pool_id=self._pool_id,
            documents_done=summary.documents_done,
            documents_failed=summary.documents_failed,
            seconds=summary.seconds,
        )
        return summary

    def status(self) -> PoolStatus:
        """Return the pool as people see it."""
        notes = [
            f"{steward.environment}: {steward.away_because}"
            for steward in self._stewards
            if steward.away_because
        ]
        notes += [
            f"{ear.environment}: behind a transaction pooler, new documents are found by polling"
            for ear in self._ears
            if ear.deaf
        ]
        notes += self._herald.notes()
        return PoolStatus(
            pool_id=self._pool_id,
            host=self._host,
            version=version("registre-cli"),
            started_at=self._started_at,
            size=self._size,
            environments=tuple(steward.environment for steward in self._stewards),
            paused=self._paused,
            borrow=self._options.borrow,
            allocation=self._allocation,
            workers=tuple(worker.status() for _, worker in sorted(self._workers.items())),
            notes=tuple(notes),
        )

    # The loop.

    def _loop(self) -> None:
        next_tick = 0.0
        while True:
            timeout = max(next_tick - time.monotonic(), 0.0)
            self._hear(timeout)
            self._bury_the_dead()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + _TICK_SECONDS
                self._tick()
            if self._stopping_since is not None and not self._workers:
                return

    def _tick(self) -> None:
        self._obey_people()
        if self._stopping_since is None:
            self._fill_slots()
            self._rebalance_when_due()
            self._stop_when_finished()
        elif time.monotonic() - self._stopping_since > self._settings.ocr_stop_grace_seconds:
            self._kill_all("the pool stops and the page did not end in time")
        self._enforce_limits()
        status = self.status()
        self._herald.publish(status)
        self._observer.show(status, self._glance(), self._herald.usage)

    def _hear(self, timeout: float) -> None:
        """Wait for reports, ends of processes, signals and news, and take them."""
        by_pipe = {worker.pipe: worker for worker in self._workers.values()}
        sentinels = [worker.process.sentinel for worker in self._workers.values()]
        ready = wait([*by_pipe, *sentinels, self._signals.reader], timeout)
        for item in ready:
            if item in by_pipe:
                worker = by_pipe[item]
                for report in worker.reports():
                    self._note(worker, report)
        if self._signals.take_news():
            self._rebalance_if_someone_idles()
            for worker in self._workers.values():
                if worker.state is WorkerState.IDLE:
                    worker.tell(Wake())

    def _note(self, worker: WorkerProcess, report: Report) -> None:
        """Take one report into account."""
        match report:
            case Idle():
                ran_dry = worker.state is not WorkerState.IDLE
                worker.ready = True
                worker.enter(WorkerState.IDLE)
                if ran_dry:
                    self._rebalance_if_someone_idles()
            case Claimed():
                worker.document, worker.page, worker.pages = report, 0, 0
                worker.ready = True
                worker.state, worker.since = WorkerState.WORKING, time.monotonic()
                worker.deadline = (
                    time.monotonic()
                    + FETCH_TIMEOUT_SECONDS
                    + self._settings.ocr_page_timeout
                    + _KILL_GRACE_SECONDS
                )
                log_claimed(worker, report)
            case PageStarted(page, pages):
                if worker.page == 0 and worker.document is not None:
                    log_processing(worker, worker.document, pages)
                worker.page, worker.pages = page, pages
                worker.state = WorkerState.WORKING
                worker.deadline = self._page_deadline()
            case Limited():
                worker.state = WorkerState.LIMITED
                # Whoever waits for the budget has not begun to read.
                worker.deadline = self._page_deadline() + report.seconds
            case Storing():
                worker.deadline = None
            case Finished():
                self._note_finished(worker, report)
            case Leaving():
                get_logger().info(
                    "Worker renewed", worker_id=worker.worker_id, reason=report.reason
                )
            case Logged(level, event, fields):
                getattr(get_logger(), level)(event, **{"worker_id": worker.worker_id, **fields})

    def _note_finished(self, worker: WorkerProcess, finished: Finished) -> None:
        if worker.document is not None:
            log_finished(worker, worker.document, finished)
        self._tally.count(finished)
        worker.documents_done += finished.ended is Ended.DONE
        worker.documents_failed += finished.ended in {Ended.FAILED, Ended.RETRIED}
        worker.document, worker.page, worker.pages, worker.deadline = None, 0, 0, None
        if worker.state is not WorkerState.STOPPING:
            worker.state, worker.since = WorkerState.WORKING, time.monotonic()
        self._respawns.pop(worker.slot, None)

    def _page_deadline(self) -> float:
        return time.monotonic() + self._settings.ocr_page_timeout + _KILL_GRACE_SECONDS

    # Workers come and go.

    def _fill_slots(self) -> None:
        for slot in range(self._size):
            if slot in self._workers:
                continue
            respawn = self._respawns.get(slot)
            if respawn is None or respawn.is_due():
                self._workers[slot] = self._start(slot)

    def _start(self, slot: int) -> WorkerProcess:
        self._lives += 1
        setup = WorkerSetup(
            settings=self._settings,
            environments=self._options.environments,
            worker_id=f"{self._pool_id}-w{slot + 1}.{self._lives}",
            mode=self._missing_mode(),
            borrow=self._options.borrow,
            paused=self._paused,
            pool_size=self._size,
            retry_delay_base_seconds=self._options.retry_delay_base_seconds,
            open_reader=self._options.open_reader,
        )
        with self._signals.blocked():
            worker = start_worker(self._context, slot, setup, self._permits)
        get_logger().info(
            "Worker started",
            worker_id=worker.worker_id,
            pid=worker.process.pid,
            mode=str(worker.mode),
        )
        return worker

    def _missing_mode(self) -> Source:
        """Return the source that lacks a worker most."""
        serving = [worker.mode for worker in self._workers.values()]
        return max(Source, key=lambda source: self._allocation[source] - serving.count(source))

    def _bury_the_dead(self) -> None:
        """Settle what the dead left, and plan their successors."""
        for slot, worker in list(self._workers.items()):
            if worker.process.is_alive():
                continue
            for report in worker.reports():
                self._note(worker, report)
            del self._workers[slot]
            exit_code = worker.process.exitcode
            if worker.document is not None:
                self._settle_for(worker, exit_code)
            elif exit_code != 0 and self._stopping_since is None:
                log_lost(worker, worker.sentence or describe_exit(exit_code))
            if exit_code != 0:
                self._respawns.setdefault(slot, Respawn()).failed(
                    hopeless=exit_code == EXIT_MISCONFIGURED
                )
            worker.pipe.close()
            worker.process.close()

    def _settle_for(self, worker: WorkerProcess, exit_code: int | None) -> None:
        """Write down the try of a worker that died at its document."""
        document = worker.document
        assert document is not None
        steward = next(
            steward for steward in self._stewards if steward.environment == document.environment
        )
        if self._stopping_since is not None:
            steward.give_back(document.token, "the pool stops")
            self._note_finished(worker, Finished(Ended.GIVEN_BACK, "the pool stops"))
            return
        cause = worker.sentence or f"worker ended by {describe_exit(exit_code)}"
        reason = f"{cause}{worker.where()}"
        log_lost(worker, reason)
        steward.fail(document.token, reason)
        is_last = document.token.attempt >= document.max_attempts
        self._note_finished(worker, Finished(Ended.FAILED if is_last else Ended.RETRIED, reason))
        self._respawns.setdefault(worker.slot, Respawn())

    def _enforce_limits(self) -> None:
        limit = self._settings.ocr_worker_max_rss_mb
        for worker in self._workers.values():
            worker.measure()
            if worker.rss_bytes > limit * _BYTES_IN_MB:
                worker.kill(f"the memory limit of {limit} MB was passed")
            elif worker.deadline is not None and time.monotonic() > worker.deadline:
                step = "a page" if worker.page else "opening the document"
                worker.kill(f"{step} took longer than {self._settings.ocr_page_timeout:g} s")

    # Who serves what.

    def _rebalance_when_due(self) -> None:
        if time.monotonic() >= self._rebalance_at:
            self._rebalance_at = time.monotonic() + self._settings.ocr_rebalance_interval_ms / 1000
            for steward in self._stewards:
                steward.look()
            self._rebalance()

    def _rebalance_if_someone_idles(self) -> None:
        if self._stopping_since is None and any(
            worker.state is WorkerState.IDLE for worker in self._workers.values()
        ):
            self._rebalance()

    def _rebalance(self) -> None:
        """Share the workers anew and tell those whose mode changes."""
        wanted = allocate(self._size, self._minimums, self._work())
        if wanted != self._allocation:
            get_logger().info(
                "Pool rebalanced",
                pool_id=self._pool_id,
                allocation={str(source): count for source, count in wanted.items()},
            )
        self._allocation = wanted
        serving = dict.fromkeys(Source, 0)
        for worker in self._workers.values():
            serving[worker.mode] += 1
        # An idle worker changes before a busy one: it has nothing to finish.
        for worker in sorted(self._workers.values(), key=lambda w: w.state is not WorkerState.IDLE):
            other = next(source for source in Source if source is not worker.mode)
            if serving[worker.mode] > wanted[worker.mode] and serving[other] < wanted[other]:
                serving[worker.mode] -= 1
                serving[other] += 1
                self._change_mode(worker, other)

    def _change_mode(self, worker: WorkerProcess, mode: Source) -> None:
        get_logger().info(
            "Worker mode changed",
            worker_id=worker.worker_id,
            mode=str(mode),
            previous_mode=str(worker.mode),
        )
        worker.mode = mode
        worker.tell(SetMode(mode))

    def _work(self) -> dict[Source, WaitingWork]:
        """Add up what waits in all environments."""
        total = {}
        for source in Source:
            seen = [s.backlog.work[source] for s in self._stewards if s.backlog is not None]
            documents = sum(work.documents for work in seen)
            seconds = sum(work.documents * work.mean_seconds for work in seen)
            total[source] = WaitingWork(documents, seconds / documents if documents else 0.0)
        return total

    # The end.

    def _obey_people(self) -> None:
        while not self._orders.empty():
            self._obey_order(self._orders.get())
        asked = self._signals.stops_asked
        if asked >= 1 and self._stopping_since is None:
            self._stop("a signal asked for it")
        if asked >= 2:
            self._kill_all("the pool was told to stop at once")

    def _obey_order(self, order: PoolOrder) -> None:
        """Do what a person ordered through Redis."""
        get_logger().info("Order taken", pool_id=self._pool_id, order=order.what, size=order.size)
        match order.what:
            case "stop":
                self._signals.ask_to_stop()
            case "pause" | "resume":
                self._paused = order.what == "pause"
                for worker in self._workers.values():
                    worker.tell(Pause(self._paused))
            case "scale":
                self._scale(max(order.size or 1, 1))

    def _scale(self, size: int) -> None:
        """Change the size; minimums that no longer fit shrink, workers beyond it stop politely."""
        self._size = size
        try:
            self._minimums = fit_minimums(size, self._options.min_index, self._options.min_acte)
        except WrongUsageError:
            self._minimums = fit_minimums(size, None, None)
        for slot, worker in self._workers.items():
            if slot >= size:
                worker.enter(WorkerState.STOPPING)
                worker.tell(Stop())
        self._rebalance()

    def _stop_when_finished(self) -> None:
        """End a burst when nothing is eligible, and a pool that may claim no more."""
        idle = len(self._workers) == self._size and all(
            worker.ready and worker.state is WorkerState.IDLE for worker in self._workers.values()
        )
        if not idle or self._paused:
            self._burst_check_pending = False
            return
        if self._permits is not None and self._options.max_documents == self._tally.claims:
            self._stop("the documents asked for were taken")
        elif self._options.burst:
            self._end_burst_when_nothing_is_eligible()

    def _end_burst_when_nothing_is_eligible(self) -> None:
        """Idle workers saw nothing; believe it once each environment says so afterwards."""
        if not self._burst_check_pending:
            self._burst_check_pending = True
            for steward in self._stewards:
                steward.backlog = None
                steward.look()
            return
        backlogs = [steward.backlog for steward in self._stewards]
        if any(backlog is None for backlog in backlogs):
            return
        if any(work.documents for work in self._work().values()):
            self._burst_check_pending = False
            for worker in self._workers.values():
                worker.tell(Wake())
        else:
            self._stop("nothing is eligible any more")

    def _stop(self, why: str) -> None:
        self._stopping_since = time.monotonic()
        get_logger().info("Pool stopping", pool_id=self._pool_id, reason=why)
        for worker in self._workers.values():
            worker.enter(WorkerState.STOPPING)
            worker.tell(Stop())

    def _kill_all(self, sentence: str) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
        for worker in self._workers.values():
            worker.kill(sentence)

    def _end(self) -> None:
        """Leave nothing running and nothing unwritten, as far as the database answers."""
        if self._workers:
            self._kill_all("the pool ended")
            for worker in self._workers.values():
                worker.process.join()
            self._bury_the_dead()
        for ear in self._ears:
            ear.close()
        for steward in self._stewards:
            if not steward.close(_LAST_WRITES_SECONDS):
                get_logger().warning(
                    "Documents left to their leases", environment=steward.environment
                )
        self._herald.close()

    # Parts.

    def _start_fork_server(self) -> None:
        """Start the process that workers are forked from, deaf to the group's signals."""
        from multiprocessing import forkserver

        self._context.set_forkserver_preload(["registre_cli.pool.worker"])
        deaf = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        before = [signal.signal(number, signal.SIG_IGN) for number in deaf]
        try:
            forkserver.ensure_running()
        finally:
            for number, handler in zip(deaf, before, strict=True):
                signal.signal(number, handler)

    def _steward(self, environment: Environment) -> Steward:
        assert environment.database_url is not None
        return Steward(
            environment.name,
            environment.database_url,
            lease_seconds=self._settings.ocr_lease_seconds,
            glance_seconds=min(self._settings.ocr_rebalance_interval_ms / 1000, 5.0),
            retry_delay_base_seconds=self._options.retry_delay_base_seconds,
            on_news=self._signals.news,
        )

    def _glance(self) -> tuple[QueueGlance, ...]:
        """Return the queue as the stewards last saw it."""
        return tuple(
            QueueGlance(
                steward.environment,
                source,
                counts.eligible,
                counts.in_progress,
                counts.done,
                counts.failed,
            )
            for steward in self._stewards
            if steward.backlog is not None
            for source in Source
            if (counts := steward.backlog.counts.get(str(source))) is not None
        )
