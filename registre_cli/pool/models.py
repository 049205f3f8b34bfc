"""The pool as people and programs see it (contract, section 3: `pool status --json`)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.ocr.models import NOTHING_SPENT, Spent


class WorkerState(StrEnum):
    """What a worker is doing."""

    IDLE = "idle"
    WORKING = "working"
    LIMITED = "limited"
    STOPPING = "stopping"


@dataclass(frozen=True)
class WorkerStatus:
    """One worker now; `since_seconds` is how long it has been in its state or at its document."""

    worker_id: str
    pid: int
    mode: Source
    state: WorkerState
    environment: str | None
    document_id: str | None
    document_number: str | None
    page: int
    pages: int
    since_seconds: float
    documents_done: int
    documents_failed: int
    rss_bytes: int
    cpu_percent: float


@dataclass(frozen=True)
class PoolStatus:
    """One pool of one host."""

    pool_id: str
    host: str
    version: str
    started_at: datetime
    size: int
    environments: tuple[str, ...]
    paused: bool
    borrow: bool
    allocation: dict[Source, int]
    workers: tuple[WorkerStatus, ...]
    # What its engines have cost since it started, those of failed tries included.
    spent: Spent = NOTHING_SPENT
    # What a person must know: a fallback, a database that is away.
    notes: tuple[str, ...] = ()
    # The deploy that started it; a pool started by hand has none.
    release: str | None = None
    documents_claimed: int = 0
    # Workers of `size` that do not run because the host has no room for them.
    waiting_for_room: int = 0


@dataclass(frozen=True)
class PoolSummary:
    """What a pool did in its life; failed are documents that ended, retried are failed tries.

    `spent` counts every try; `halted_by` is why it had to stop, `None` where it was told to.
    """

    documents_done: int = 0
    documents_failed: int = 0
    tries_failed: int = 0
    given_back: int = 0
    pages: int = 0
    seconds: float = 0.0
    confidences: tuple[float, ...] = field(default=(), repr=False)
    pages_by_engine: dict[str, int] = field(default_factory=dict)
    spent: Spent = NOTHING_SPENT
    halted_by: RegistreError | None = None

    @property
    def mean_confidence(self) -> float | None:
        """The mean over the documents that were read, 0 to 100."""
        if not self.confidences:
            return None
        return sum(self.confidences) / len(self.confidences)


@dataclass(frozen=True)
class QueueGlance:
    """One line of the live view: where the documents of one source stand."""

    environment: str
    source: Source
    eligible: int
    in_progress: int
    done: int
    failed: int
