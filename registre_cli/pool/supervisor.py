"""The supervisor: one thread, one loop, from a pool's first worker to its last.

It waits for reports, for the ends of processes, for signals and for the clock. It never waits
for a database or for Redis: the household and the herald do.
"""

import os
import secrets
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import wait
from queue import SimpleQueue

from registre_cli.core.log import get_logger
from registre_cli.core.sd_notify import take_notifier
from registre_cli.core.settings import Settings
from registre_cli.ocr.engines import chosen_engines
from registre_cli.pool.balance import Balance
from registre_cli.pool.crew import Crew
from registre_cli.pool.herald import Herald
from registre_cli.pool.household import Household
from registre_cli.pool.messages import Idle, Pause, Stop, Wake
from registre_cli.pool.models import PoolStatus, PoolSummary, WorkerState
from registre_cli.pool.options import Observer, PoolOptions
from registre_cli.pool.orders import PoolOrder
from registre_cli.pool.porter import Porter, Slot
from registre_cli.pool.service import ServiceReport
from registre_cli.pool.signals import Signals

_TICK_SECONDS = 0.25
# Set by a deploy, so that its health gate knows its own pool among all that live.
RELEASE_VARIABLE = "REGISTRE_RELEASE"


class Supervisor:
    """One pool: it fills the crew, keeps it balanced, obeys people, and ends in order."""

    def __init__(self, settings: Settings, options: PoolOptions, observer: Observer) -> None:
        self._settings = settings
        self._options = options
        self._observer = observer
        self._host = socket.gethostname()
        self._pool_id = f"{self._host}-{os.getpid()}-{secrets.token_hex(2)}"
        self._started_at = datetime.now(UTC)
        self._balance = Balance(self._pool_id, options)
        # Taken before any process is started: none may speak in our name.
        self._service = ServiceReport(take_notifier())
        self._signals = Signals()
        self._household = Household(
            settings,
            options.environments,
            retry_delay_base_seconds=options.retry_delay_base_seconds,
            on_news=self._signals.news,
        )
        self._porter = Porter(settings, self._pool_id, options.room)
        self._crew = Crew(self._pool_id, settings, options, self._household, self._porter.note)
        self._size = options.size
        self._orders: SimpleQueue[PoolOrder] = SimpleQueue()
        self._herald = Herald(settings, self._pool_id, options.size, self._orders.put)
        self._engines = chosen_engines(settings)
        self._fallbacks = tuple(
            f"reading with {engine}" for engine in self._engines if engine.is_fallback
        )
        self._paused = False
        self._stopping_since: float | None = None
        self._rebalance_at = 0.0
        self._burst_check_pending = False

    def run(self) -> PoolSummary:
        """Run until told to stop, or in burst mode until nothing is eligible."""
        self._crew.start_fork_server()
        started = time.monotonic()
        with self._signals:
            self._household.start()
            self._herald.start()
            self._porter.start()
            get_logger().info(
                "Pool started",
                pool_id=self._pool_id,
                size=self._size,
                environments=list(self._household.environments),
                allocation={str(s): count for s, count in self._balance.allocation.items()},
                version=version("registre-cli"),
                engines=[str(engine) for engine in self._engines],
            )
            try:
                self._loop()
            finally:
                self._end()
        summary = replace(
            self._crew.tally.summary(seconds=round(time.monotonic() - started, 3)),
            spent=self._crew.ledger.spent(),
            halted_by=self._crew.halt,
        )
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
        return PoolStatus(
            pool_id=self._pool_id,
            host=self._host,
            version=version("registre-cli"),
            started_at=self._started_at,
            size=self._size,
            environments=self._household.environments,
            paused=self._paused,
            borrow=self._options.borrow,
            allocation=self._balance.allocation,
            workers=tuple(worker.status() for _, worker in sorted(self._crew.workers.items())),
            spent=self._crew.ledger.spent(),
            notes=(
                *self._porter.notes(),
                *self._household.notes(),
                *self._herald.notes(),
                *self._fallbacks,
            ),
            release=os.environ.get(RELEASE_VARIABLE),
            documents_claimed=self._crew.documents_claimed,
            waiting_for_room=self._porter.waiting_for_room,
        )

    def _loop(self) -> None:
        next_tick = 0.0
        while self._stopping_since is None or self._crew.workers:
            self._hear(max(next_tick - time.monotonic(), 0.0))
            self._crew.bury_the_dead()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + _TICK_SECONDS
                self._tick()

    def _tick(self) -> None:
        self._obey_people()
        if self._stopping_since is None:
            self._find_room()
            self._rebalance_when_due()
            self._stop_when_finished()
        elif time.monotonic() - self._stopping_since > self._settings.ocr_stop_grace_seconds:
            self._crew.kill_all("the pool stops and the page did not end in time")
        self._crew.enforce_limits()
        status = self.status()
        if self._porter.admitted is not None:
            # Starting the first workers takes long; the watchdog's time begins after it.
            self._service.tell(status, crew_is_full=self._crew_is_full)
        self._herald.publish(status)
        self._observer.show(status, self._household.glance(), self._herald.usage)

    def _find_room(self) -> None:
        """Run a worker in every slot that has a place, and in no other."""
        workers = self._crew.workers
        modes = self._balance.planned_modes(
            self._size, {slot: worker.mode for slot, worker in workers.items()}
        )
        slots = tuple(Slot(n, mode, n in workers) for n, mode in sorted(modes.items()))
        self._porter.want(slots, self._crew.rss_bytes)
        admitted = self._porter.admitted
        if admitted is None:
            return
        admitted = frozenset(slot for slot in admitted if slot < self._size)
        if len(admitted) != self._balance.size:
            self._balance.resize(len(admitted))
            self._rebalance()
        self._crew.dismiss(lambda slot: slot not in admitted)
        self._crew.fill(
            admitted,
            lambda: self._balance.missing_mode(workers.values()),
            self._signals,
            paused=self._paused,
        )

    @property
    def _crew_is_full(self) -> bool:
        """Whether every worker that has a place is there and has looked at the queue."""
        return self._porter.admitted is not None and self._crew.is_full(self._balance.size)

    def _hear(self, timeout: float) -> None:
        """Wait for reports, ends of processes, signals and news, and take them."""
        by_pipe = {worker.pipe: worker for worker in self._crew.workers.values()}
        sentinels = [worker.process.sentinel for worker in self._crew.workers.values()]
        ran_dry = False
        for item in wait([*by_pipe, *sentinels, self._signals.reader], timeout):
            if item in by_pipe:
                worker = by_pipe[item]
                for report in worker.reports():
                    ran_dry |= isinstance(report, Idle) and worker.state is not WorkerState.IDLE
                    self._crew.note(worker, report)
        news = self._signals.take_news()
        someone_idles = self._crew.someone_idles
        # Whoever idles looks first; whether it should look elsewhere is thought of meanwhile.
        if news:
            for worker in self._crew.workers.values():
                worker.hear_of_news()
        if self._stopping_since is None and (ran_dry or (news and someone_idles)):
            self._rebalance()

    def _rebalance_when_due(self) -> None:
        if time.monotonic() >= self._rebalance_at:
            interval = self._settings.ocr_rebalance_interval_ms / 1000
            self._rebalance_at = time.monotonic() + interval
            self._household.look()
            self._rebalance()

    def _rebalance(self) -> None:
        self._balance.rebalance(self._crew.workers.values(), self._household.work())

    def _obey_people(self) -> None:
        while not self._orders.empty():
            self._obey_order(self._orders.get())
        for order in self._observer.orders():
            self._obey_order(order)
        if self._crew.halt is not None and self._stopping_since is None:
            self._stop(self._crew.halt.message)
        asked = self._signals.stops_asked
        if asked >= 1 and self._stopping_since is None:
            self._stop("a signal or an order asked for it")
        if asked >= 2:
            self._crew.kill_all("the pool was told to stop at once")

    def _obey_order(self, order: PoolOrder) -> None:
        """Do what a person ordered through Redis."""
        get_logger().info("Order taken", pool_id=self._pool_id, order=order.what, size=order.size)
        match order.what:
            case "stop":
                self._signals.ask_to_stop()
            case "pause" | "resume":
                self._paused = order.what == "pause"
                self._crew.tell(Pause(self._paused))
            case "scale":
                self._scale(max(order.size or 1, 1))

    def _scale(self, size: int) -> None:
        """Change the size; workers beyond it stop politely."""
        self._size = size
        self._crew.dismiss(lambda slot: slot >= size)
        self._find_room()
        self._rebalance()

    def _stop_when_finished(self) -> None:
        """End a burst when nothing is eligible, and a pool that may claim no more."""
        all_there = self._crew_is_full and len(self._crew.workers) == self._balance.size
        if self._paused or not (all_there and self._crew.everyone_idles):
            self._burst_check_pending = False
        elif self._options.max_documents is not None and (
            self._options.max_documents == self._crew.tally.claims
        ):
            self._stop("the documents asked for were taken")
        elif self._options.burst:
            self._end_burst_when_nothing_is_eligible()

    def _end_burst_when_nothing_is_eligible(self) -> None:
        """Idle workers saw nothing; believe it once each environment says so afterwards."""
        if not self._burst_check_pending:
            self._burst_check_pending = True
            self._household.look(forget=True)
        elif not self._household.has_looked:
            return
        elif any(work.documents for work in self._household.work().values()):
            self._burst_check_pending = False
            self._crew.tell(Wake())
        else:
            self._stop("nothing is eligible any more")

    def _stop(self, why: str) -> None:
        self._stopping_since = time.monotonic()
        self._crew.stopping = True
        get_logger().info("Pool stopping", pool_id=self._pool_id, reason=why)
        self._service.stopping()
        for worker in self._crew.workers.values():
            worker.enter(WorkerState.STOPPING)
            worker.tell(Stop())

    def _end(self) -> None:
        """Leave nothing running and nothing unwritten, as far as the database answers."""
        if self._crew.workers:
            self._crew.stopping = True
            self._crew.kill_all("the pool ended")
            for worker in self._crew.workers.values():
                worker.process.join()
            self._crew.bury_the_dead()
        self._household.close()
        self._porter.close()
        self._herald.close()
        self._service.close()
