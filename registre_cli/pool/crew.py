"""The worker processes of a pool: started, heard, limited, and buried with their debts settled."""

import multiprocessing
import signal
import time
from collections.abc import Callable, Collection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Semaphore

from registre_cli.capacity.classes import DocumentUsage
from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.core.temporary import require_room_for_sockets
from registre_cli.pool.estates import Estate
from registre_cli.pool.exits import EXIT_MISCONFIGURED, describe_exit
from registre_cli.pool.household import Household
from registre_cli.pool.job_log import log_claimed, log_finished, log_lost, log_processing
from registre_cli.pool.ledger import Ledger
from registre_cli.pool.messages import (
    Asking,
    Claimed,
    Correcting,
    Crashed,
    Ended,
    Finished,
    Halted,
    Idle,
    Leaving,
    Limited,
    Logged,
    Order,
    PageStarted,
    Report,
    Stop,
    Storing,
)
from registre_cli.pool.models import WorkerState
from registre_cli.pool.options import PoolOptions
from registre_cli.pool.process import WorkerProcess, start_worker
from registre_cli.pool.respawn import Respawn
from registre_cli.pool.signals import Signals
from registre_cli.pool.tally import Tally
from registre_cli.pool.worker import WorkerSetup
from registre_cli.storage.storage import FETCH_TIMEOUT_SECONDS

# The engine's own time-out comes first; what does not obey is killed so much later.
_KILL_GRACE_SECONDS = 5.0
_BYTES_IN_MB = 1_000_000


class Crew:
    """The workers by their slots; `stopping` decides what becomes of a dead worker's document."""

    def __init__(
        self,
        pool_id: str,
        settings: Settings,
        options: PoolOptions,
        household: Household,
        on_read: Callable[[DocumentUsage], None],
    ) -> None:
        self._pool_id = pool_id
        self._settings = settings
        self._options = options
        self._household = household
        self._on_read = on_read
        self._respawns: dict[int, Respawn] = {}
        self._lives = 0
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._permits: Semaphore | None = (
            self._context.Semaphore(options.max_documents)
            if options.max_documents is not None
            else None
        )
        self.ledger = Ledger(self._context, options.max_cost_usd)
        # Why no worker can go on.
        self.halt: RegistreError | None = None
        self.workers: dict[int, WorkerProcess] = {}
        self.tally = Tally()
        self.documents_claimed = 0
        self.stopping = False

    def start_fork_server(self) -> None:
        """Start the process that workers are forked from, deaf to the group's signals.

        Raises ConfigurationError where its socket has no room.
        """
        from multiprocessing import forkserver

        require_room_for_sockets()
        self._context.set_forkserver_preload(["registre_cli.pool.worker"])
        deaf = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        before = [signal.signal(number, signal.SIG_IGN) for number in deaf]
        try:
            forkserver.ensure_running()
        finally:
            for number, handler in zip(deaf, before, strict=True):
                signal.signal(number, handler)

    def fill(
        self,
        slots: Collection[int],
        missing_mode: Callable[[], Source],
        signals: Signals,
        *,
        paused: bool,
    ) -> None:
        """Start a worker in each of these slots that is free and due."""
        for slot in sorted(slots):
            respawn = self._respawns.get(slot)
            if slot in self.workers or not (respawn is None or respawn.is_due()):
                continue
            try:
                self.workers[slot] = self._start(slot, len(slots), missing_mode(), signals, paused)
            except OSError as error:
                # No process or file handle left on this host: the others go on, we try again.
                get_logger().warning(
                    "Worker cannot start", pool_id=self._pool_id, reason=error.strerror
                )
                self._respawns.setdefault(slot, Respawn()).failed()

    def tell(self, order: Order) -> None:
        """Send an order to every worker."""
        for worker in self.workers.values():
            worker.tell(order)

    def dismiss(self, slots: Callable[[int], bool]) -> None:
        """Tell the workers of these slots to end after their page."""
        for slot, worker in self.workers.items():
            if slots(slot) and worker.state is not WorkerState.STOPPING:
                worker.enter(WorkerState.STOPPING)
                worker.tell(Stop())

    @property
    def rss_bytes(self) -> int:
        """The memory of all workers together."""
        return sum(worker.rss_bytes for worker in self.workers.values())

    def is_full(self, size: int) -> bool:
        """Whether every worker of `size` is there and has looked at the queue."""
        return len(self.workers) >= size and all(w.ready for w in self.workers.values())

    @property
    def someone_idles(self) -> bool:
        """Whether a worker has nothing to do."""
        return any(worker.state is WorkerState.IDLE for worker in self.workers.values())

    @property
    def everyone_idles(self) -> bool:
        """Whether every worker has looked at the queue and found nothing."""
        return all(
            worker.ready and worker.state is WorkerState.IDLE for worker in self.workers.values()
        )

    def note(self, worker: WorkerProcess, report: Report) -> None:
        """Take one report of a worker into account."""
        match report:
            case Idle():
                worker.ready = True
                worker.find_nothing()
            case Claimed():
                worker.ready = True
                self.documents_claimed += 1
                worker.document, worker.page, worker.pages = report, 0, 0
                worker.correcting, worker.peak_rss_bytes = False, worker.rss_bytes
                worker.state, worker.since = WorkerState.WORKING, time.monotonic()
                worker.deadline = self._page_deadline() + FETCH_TIMEOUT_SECONDS
                log_claimed(worker, report)
            case PageStarted(page, pages):
                if worker.page == 0 and worker.document is not None:
                    log_processing(worker, worker.document, pages)
                worker.page, worker.pages = page, pages
                worker.state = WorkerState.WORKING
                worker.deadline = self._page_deadline()
            case Correcting():
                worker.correcting = True
                # A rule of a person may never end, as little as a page.
                worker.deadline = self._page_deadline()
            case Limited():
                worker.state = WorkerState.LIMITED
                # Whoever waits for the budget has not begun to read.
                worker.deadline = self._page_deadline() + report.seconds
            case Asking():
                worker.state = WorkerState.WORKING
                worker.deadline = self._page_deadline()
            case Storing():
                worker.deadline = None
            case Halted(error):
                self.halt = self.halt or error
            case Finished():
                self._note_finished(worker, report)
            case Crashed(cause):
                worker.sentence = worker.sentence or f"worker ended by {cause}"
            case Leaving():
                get_logger().info(
                    "Worker renewed", worker_id=worker.worker_id, reason=report.reason
                )
            case Logged(level, event, fields):
                getattr(get_logger(), level)(event, **{"worker_id": worker.worker_id, **fields})

    def bury_the_dead(self) -> None:
        """Settle what the dead left, and plan their successors."""
        for slot, worker in list(self.workers.items()):
            if worker.process.is_alive():
                continue
            for report in worker.reports():
                self.note(worker, report)
            del self.workers[slot]
            exit_code = worker.process.exitcode
            if worker.document is not None:
                self._settle_for(worker, worker.document, exit_code)
            elif exit_code != 0:
                self._open_estate_of(worker, exit_code)
            if exit_code != 0:
                self._respawns.setdefault(slot, Respawn()).failed(
                    hopeless=exit_code == EXIT_MISCONFIGURED
                )
            worker.pipe.close()
            worker.process.close()

    def enforce_limits(self) -> None:
        """End workers that pass their memory limit or the deadline of their step."""
        limit = self._settings.ocr_worker_max_rss_mb
        for worker in self.workers.values():
            worker.measure()
            if worker.rss_bytes > limit * _BYTES_IN_MB:
                worker.kill(f"the memory limit of {limit} MB was passed")
            elif worker.deadline is not None and time.monotonic() > worker.deadline:
                worker.kill(
                    f"{worker.step()} took longer than {self._settings.ocr_page_timeout:g} s"
                )

    def kill_all(self, sentence: str) -> None:
        """End every worker now; their documents are settled when they are buried."""
        for worker in self.workers.values():
            worker.kill(sentence)

    def _start(
        self, slot: int, size: int, mode: Source, signals: Signals, paused: bool
    ) -> WorkerProcess:
        self._lives += 1
        setup = WorkerSetup(
            settings=self._settings,
            environments=self._options.environments,
            worker_id=f"{self._pool_id}-w{slot + 1}.{self._lives}",
            mode=mode,
            borrow=self._options.borrow,
            paused=paused,
            pool_size=size,
            retry_delay_base_seconds=self._options.retry_delay_base_seconds,
            open_reader=self._options.open_reader,
        )
        with signals.blocked():
            worker = start_worker(
                self._context, slot, setup, self._permits, self.ledger.account(slot)
            )
        get_logger().info(
            "Worker started",
            worker_id=worker.worker_id,
            pid=worker.process.pid,
            mode=str(worker.mode),
        )
        return worker

    def _note_finished(self, worker: WorkerProcess, finished: Finished) -> None:
        if worker.document is not None:
            log_finished(worker, worker.document, finished)
            if finished.ended is Ended.DONE:
                # A quick document may have come and gone between two measures of ours.
                peak = max(worker.peak_rss_bytes, finished.rss_bytes)
                source = worker.document.source
                usage = DocumentUsage(source, finished.seconds, finished.cpu_seconds, peak)
                self._on_read(usage)
        self.tally.count(finished)
        worker.documents_done += finished.ended is Ended.DONE
        worker.documents_failed += finished.ended in {Ended.FAILED, Ended.RETRIED}
        worker.document, worker.page, worker.pages, worker.deadline = None, 0, 0, None
        worker.correcting = False
        if worker.state is not WorkerState.STOPPING:
            worker.state, worker.since = WorkerState.WORKING, time.monotonic()
        self._respawns.pop(worker.slot, None)

    def _settle_for(self, worker: WorkerProcess, document: Claimed, exit_code: int | None) -> None:
        """Write down the try of a worker that died at its document."""
        if self.stopping:
            self._household.give_back(document.environment, document.token, "the pool stops")
            self._note_finished(worker, Finished(Ended.GIVEN_BACK, "the pool stops"))
            return
        reason = f"{_cause(worker, exit_code)}{worker.where()}"
        log_lost(worker, reason)
        self._household.fail(document.environment, document.token, reason)
        is_last = document.token.attempt >= document.max_attempts
        self._note_finished(worker, Finished(Ended.FAILED if is_last else Ended.RETRIED, reason))

    def _open_estate_of(self, worker: WorkerProcess, exit_code: int | None) -> None:
        """See to what a worker took that died before it could tell."""
        if self.stopping:
            self._household.open_estate(Estate(worker.worker_id, "the pool stops", give_back=True))
            return
        log_lost(worker, worker.sentence or describe_exit(exit_code))
        cause = _cause(worker, exit_code)
        self._household.open_estate(Estate(worker.worker_id, cause, give_back=False))

    def _page_deadline(self) -> float:
        return time.monotonic() + self._settings.ocr_page_timeout + _KILL_GRACE_SECONDS


def _cause(worker: WorkerProcess, exit_code: int | None) -> str:
    return worker.sentence or f"worker ended by {describe_exit(exit_code)}"
