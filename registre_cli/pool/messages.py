"""What supervisor and worker tell each other over their pipe."""

from dataclasses import dataclass, field
from enum import StrEnum

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.queue.models import FencingToken


class Ended(StrEnum):
    """How a document left a worker."""

    DONE = "done"
    RETRIED = "retried"
    FAILED = "failed"
    GIVEN_BACK = "given back"
    LOST = "lost"


# From the supervisor to a worker.


@dataclass(frozen=True)
class SetMode:
    """Serve this source first from the next document on."""

    mode: Source


@dataclass(frozen=True)
class Wake:
    """Look at the queue: there may be work."""


@dataclass(frozen=True)
class Pause:
    """Take no new document until told otherwise."""

    paused: bool


@dataclass(frozen=True)
class Stop:
    """Finish the page, give the document back, end."""


Order = SetMode | Wake | Pause | Stop

# From a worker to the supervisor.


@dataclass(frozen=True)
class Idle:
    """Nothing to claim, in no environment that answers."""


@dataclass(frozen=True)
class Claimed:
    """A document is ours."""

    environment: str
    token: FencingToken
    number: str
    source: Source
    max_attempts: int


@dataclass(frozen=True)
class PageStarted:
    """The reading reached a page."""

    page: int
    pages: int


@dataclass(frozen=True)
class Correcting:
    """All pages are read; the rules correct the text now."""


@dataclass(frozen=True)
class Limited:
    """The worker waits for an engine's budget."""

    engine: str
    seconds: float


@dataclass(frozen=True)
class Asking:
    """An engine is asked now: whatever was waited for is there."""

    engine: str


@dataclass(frozen=True)
class Storing:
    """The text is ready; what follows waits for the database as long as it takes."""


@dataclass(frozen=True)
class Finished:
    """The document left the worker."""

    ended: Ended
    reason: str | None = None
    pages: int = 0
    seconds: float = 0.0
    chars: int = 0
    confidence: float | None = None
    pages_by_engine: dict[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    rss_bytes: int = 0


@dataclass(frozen=True)
class Halted:
    """No worker can go on: the pool has to stop, with this error."""

    error: RegistreError


@dataclass(frozen=True)
class Crashed:
    """The worker ends by an error that nobody expected; `cause` is for the document's reason."""

    cause: str


@dataclass(frozen=True)
class Leaving:
    """The worker ends by itself between documents, to be replaced by a fresh one."""

    reason: str


@dataclass(frozen=True)
class Logged:
    """A log line of the worker."""

    level: str
    event: str
    fields: dict[str, object] = field(default_factory=dict)


Report = (
    Idle
    | Claimed
    | PageStarted
    | Correcting
    | Limited
    | Asking
    | Storing
    | Finished
    | Halted
    | Crashed
    | Leaving
    | Logged
)
