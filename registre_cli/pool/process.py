"""The supervisor's end of one worker: its process, its pipe and what it last said."""

import contextlib
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Semaphore

import psutil

from registre_cli.core.documents import Source
from registre_cli.pool.ledger import Account
from registre_cli.pool.messages import Claimed, Order, Report, Wake
from registre_cli.pool.models import WorkerState, WorkerStatus
from registre_cli.pool.worker import WorkerSetup, run_worker


@dataclass
class WorkerProcess:
    """One worker as the supervisor knows it. `slot` is its place in the pool, kept over lives."""

    slot: int
    setup: WorkerSetup
    process: BaseProcess
    pipe: Pipe
    mode: Source
    started_at: float = field(default_factory=time.monotonic)
    state: WorkerState = WorkerState.IDLE
    since: float = field(default_factory=time.monotonic)
    document: Claimed | None = None
    page: int = 0
    pages: int = 0
    correcting: bool = False
    # When the step that the worker is at must be over; `None` where it may take its time.
    deadline: float | None = None
    ready: bool = False
    # There was news while it had a document: when it says that it found nothing, it may have
    # looked before the news.
    missed_news: bool = False
    documents_done: int = 0
    documents_failed: int = 0
    # Why we killed it, in words for the document's error.
    sentence: str | None = None
    rss_bytes: int = 0
    # The most since its document was claimed.
    peak_rss_bytes: int = 0
    cpu_percent: float = 0.0
    _observed: psutil.Process | None = None

    @property
    def worker_id(self) -> str:
        """The name under which it claims."""
        return self.setup.worker_id

    def tell(self, order: Order) -> None:
        """Send an order; a worker that is gone is noticed by its sentinel."""
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            self.pipe.send(order)

    def reports(self) -> list[Report]:
        """Take everything that the worker has said so far."""
        said: list[Report] = []
        with contextlib.suppress(EOFError, ConnectionError):
            while self.pipe.poll():
                said.append(self.pipe.recv())
        return said

    def enter(self, state: WorkerState) -> None:
        """Note a new state and since when it holds."""
        if state is not self.state:
            self.state, self.since = state, time.monotonic()

    def hear_of_news(self) -> None:
        """Let it look at the queue after this moment: now if it idles, else before it next does."""
        if self.state is WorkerState.IDLE:
            self.tell(Wake())
        else:
            self.missed_news = True

    def find_nothing(self) -> None:
        """Let it rest, or look once more where news came before we knew that it idles."""
        self.enter(WorkerState.IDLE)
        if self.missed_news:
            self.missed_news = False
            self.tell(Wake())

    def step(self) -> str:
        """Say what the worker does with its document, for a reason."""
        if self.correcting:
            return "correcting the text"
        return "a page" if self.page else "opening the document"

    def where(self) -> str:
        """Say at which page the worker is, for a reason: ` on page 3`."""
        if self.correcting:
            return " after the last page"
        return f" on page {self.page}" if self.page else " before the first page"

    def kill(self, sentence: str) -> None:
        """End the process at once; `sentence` is the cause that the document will name."""
        self.sentence = self.sentence or sentence
        self.process.kill()

    def measure(self) -> None:
        """Note memory and CPU of the process."""
        try:
            if self._observed is None:
                self._observed = psutil.Process(self.process.pid)
            self.rss_bytes = self._observed.memory_info().rss
            self.peak_rss_bytes = max(self.peak_rss_bytes, self.rss_bytes)
            self.cpu_percent = self._observed.cpu_percent()
        except psutil.Error:
            self._observed = None

    def status(self) -> WorkerStatus:
        """Return what people see."""
        return WorkerStatus(
            worker_id=self.worker_id,
            pid=self.process.pid or 0,
            mode=self.mode,
            state=self.state,
            environment=self.document.environment if self.document else None,
            document_id=self.document.token.document_id if self.document else None,
            document_number=self.document.number if self.document else None,
            page=self.page,
            pages=self.pages,
            since_seconds=round(time.monotonic() - self.since, 1),
            documents_done=self.documents_done,
            documents_failed=self.documents_failed,
            rss_bytes=self.rss_bytes,
            cpu_percent=self.cpu_percent,
        )


def start_worker(
    context: ForkServerContext,
    slot: int,
    setup: WorkerSetup,
    permits: Semaphore | None,
    account: Account,
) -> WorkerProcess:
    """Start a worker process from the fork server."""
    ours, theirs = context.Pipe()
    process = context.Process(
        target=run_worker, args=(theirs, setup, permits, account), name=setup.worker_id, daemon=True
    )
    process.start()
    theirs.close()
    return WorkerProcess(slot, setup, process, ours, setup.mode)
