"""The queue's documents and what can be said of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from registre_cli.core.documents import Source


class Status(IntEnum):
    """`status_id` (contract, section 1); the names are the users' words."""

    PENDING = 1
    EXTRACTING = 2
    READY = 3
    FAILED = 4
    DONE = 5
    READING = 6

    @property
    def label(self) -> str:
        """The name that people know."""
        return _LABELS[self]


_LABELS = {
    Status.PENDING: "En attente",
    Status.EXTRACTING: "En traitement",
    Status.READY: "Complété",
    Status.FAILED: "Erreur",
    Status.DONE: "Extraction complété",
    Status.READING: "OCR en traitement",
}


class BlockReason(StrEnum):
    """Why a document at status 3 is not eligible; where several hold, the first counts."""

    UNSUPPORTED_SOURCE = "unsupported_source"
    NO_PATH = "no_path"
    ALREADY_HAS_TEXT = "already_has_text"
    MAX_ATTEMPTS = "max_attempts"
    BACKING_OFF = "backing_off"


class Outcome(StrEnum):
    """What a failure write did."""

    RETRIED = "retried"
    FAILED = "failed"
    LOST = "lost"


class LeaseState(StrEnum):
    """What a renewal found."""

    HELD = "held"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True)
class FencingToken:
    """Proof of a claim: a write under it changes nothing once the claim is someone else's."""

    document_id: str
    attempt: int
    worker_id: str


@dataclass(frozen=True)
class ClaimedDocument:
    """A document that is ours to read until the lease ends."""

    token: FencingToken
    number: str
    source: Source
    path: str
    max_attempts: int
    circonscription: str | None = None
    cadastre: str | None = None
    designation_secondaire: str | None = None
    acte_type: str | None = None


@dataclass(frozen=True)
class ReadingRecord:
    """What is stored of one finished reading; the JSON texts are valid JSON or null."""

    raw_text: str
    boosted_text: str
    confidence: float | None = None
    pages_json: str | None = None
    fields_json: str | None = None


@dataclass(frozen=True)
class Rescued:
    """A document whose worker was lost, and what became of it."""

    document_id: str
    number: str
    source: str
    worker_id: str | None
    attempt: int
    outcome: Outcome


@dataclass(frozen=True)
class WaitingWork:
    """What waits of one source: eligible documents and the usual seconds of one."""

    documents: int
    mean_seconds: float


@dataclass(frozen=True)
class SourceCounts:
    """How many documents of one source stand where."""

    waiting: int = 0
    eligible: int = 0
    blocked: int = 0
    in_progress: int = 0
    done: int = 0
    failed: int = 0


@dataclass(frozen=True)
class BlockedDocument:
    """A document at status 3 that nobody will claim, and why."""

    id: str
    document_number: str
    source: str
    reason: BlockReason


@dataclass(frozen=True)
class StaleDocument:
    """A document at status 6 whose lease is over."""

    id: str
    document_number: str
    source: str
    worker_id: str | None
    stale_seconds: float


@dataclass(frozen=True)
class RecentError:
    """One failed try."""

    id: str
    document_number: str
    source: str
    error: str
    at: datetime
    attempts: int
    final: bool


@dataclass(frozen=True)
class WaitingGroup:
    """Documents of one source at status 3 with the same reason, or none: those are eligible.

    `ready_to_claim` says whether a claim would find them; what is not may be eligible all the
    same, a retry whose delay is over. `oldest_seconds` counts since the oldest was created,
    `ready_seconds` since the longest waiting was ready, which is not told of what is ready.
    """

    ready_to_claim: bool
    source: str
    reason: BlockReason | None
    number: int
    oldest_seconds: float | None
    ready_seconds: float | None


@dataclass(frozen=True)
class Flow:
    """What came and what left, in the earlier and the later half of the last minutes."""

    came_earlier: int = 0
    came_later: int = 0
    left_earlier: int = 0
    left_later: int = 0
    done: int = 0

    @property
    def came(self) -> int:
        """Documents that became ready in the whole time."""
        return self.came_earlier + self.came_later

    @property
    def left(self) -> int:
        """Documents that were read or failed for good in the whole time."""
        return self.left_earlier + self.left_later


@dataclass(frozen=True)
class ErrorCause:
    """Failures that differ only in numbers and names; the example is the latest one."""

    number: int
    final: int
    error: str
    example_id: str


@dataclass(frozen=True)
class QueueRow:
    """One document as `queue list` shows it."""

    id: str
    source: str
    document_number: str
    status_id: int
    reason: BlockReason | None
    attempts: int
    max_attempts: int
    circonscription: str | None
    created_at: datetime | None
    completed_at: datetime | None
    confidence: float | None
    error: str | None


@dataclass(frozen=True)
class QueueDocument:
    """One document as `queue show` shows it."""

    row: QueueRow
    path: str | None
    cadastre: str | None
    designation_secondaire: str | None
    acte_type: str | None
    priority: int
    worker_id: str | None
    started_at: datetime | None
    lease_until: datetime | None
    not_before: datetime | None
    raw_text: str | None
    boosted_text: str | None
    pages_json: str | None
    fields_json: str | None
    history_json: str | None


@dataclass(frozen=True)
class NewDocument:
    """A document to be queued by `queue add`."""

    source: Source
    number: str
    path: str
    priority: int = 0
    circonscription: str | None = None
    cadastre: str | None = None
