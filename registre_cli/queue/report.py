"""What `queue check` found: one environment's queue, the workers that serve it, the problems."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.queue.models import (
    BlockedDocument,
    BlockReason,
    ErrorCause,
    Flow,
    RecentError,
    SourceCounts,
    StaleDocument,
)


class Severity(StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    code: str
    severity: Severity
    environment: str | None
    message: str
    fix: str


@dataclass(frozen=True)
class PoolElsewhere:
    """A living pool that does not serve the environment."""

    pool_id: str
    host: str
    environments: tuple[str, ...]


@dataclass(frozen=True)
class LiveWorkers:
    """The workers that serve one environment, of every host.

    `serving` counts who may read a source, `limited` who waits for a budget, `idle` who has
    nothing to do. `known` is false where no Redis tells who lives.
    """

    by_mode: Mapping[Source, int] = field(default_factory=dict)
    serving: Mapping[Source, int] = field(default_factory=dict)
    limited: int = 0
    paused: int = 0
    idle: int = 0
    oldest_seconds: float = 0.0
    elsewhere: tuple[PoolElsewhere, ...] = ()
    known: bool = True

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.by_mode.values())


@dataclass(frozen=True)
class EnvironmentReport:
    """One environment as `queue check` shows it."""

    name: str
    enabled: bool
    reachable: bool
    schema_current: bool = True
    unreachable_because: RegistreError | None = None
    storage_away: RegistreError | None = None
    counts: Mapping[str, SourceCounts] = field(default_factory=dict)
    blocked: tuple[BlockedDocument, ...] = ()
    blocked_counts: Mapping[BlockReason, int] = field(default_factory=dict)
    oldest_waiting_seconds: float | None = None
    # How long the longest waiting document has been ready, as far as the table tells.
    ready_for_seconds: float | None = None
    # Examples; how many there are is `stale_count`.
    stale: tuple[StaleDocument, ...] = ()
    stale_count: int = 0
    workers: LiveWorkers = field(default_factory=LiveWorkers)
    documents_per_minute: float = 0.0
    eta_seconds: float | None = None
    flow: Flow = field(default_factory=Flow)
    last_activity_seconds: float | None = None
    mean_seconds: Mapping[Source, float] = field(default_factory=dict)
    recent_errors: tuple[RecentError, ...] = ()
    error_causes: tuple[ErrorCause, ...] = ()
    first_eligible_path: str | None = None

    @property
    def eligible(self) -> int:
        """Documents that a worker could claim now."""
        return sum(counts.eligible for counts in self.counts.values())
