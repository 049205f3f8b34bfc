"""What an environment's queue looks like, and what is wrong with it in words to act on."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import psycopg

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.settings import Environment
from registre_cli.queue.connection import Connection, connect, explain
from registre_cli.queue.counts import counts_of
from registre_cli.queue.migrate import schema_is_current
from registre_cli.queue.models import (
    BlockedDocument,
    BlockReason,
    RecentError,
    SourceCounts,
    StaleDocument,
)
from registre_cli.queue.sql import statement
from registre_cli.queue.store import DEFAULT_SECONDS

THROUGHPUT_WINDOW_SECONDS = 600.0
RECENT_ERRORS_SECONDS = 24 * 3600.0
_SHOWN_BLOCKED = 20
_SHOWN_ERRORS = 10
_SHOWN_STALE = 20
# Nothing was claimed for so many times the usual seconds of a document: the pool is stalled.
_STALLED_TIMES = 10
_STALLED_LEAST_SECONDS = 120.0


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


# code, message, fix → problem
MakeProblem = Callable[[str, str, str], Problem]


@dataclass(frozen=True)
class LiveWorkers:
    """The workers that serve one environment, of every host; `limited` wait for a budget."""

    by_mode: Mapping[Source, int] = field(default_factory=dict)
    serving: Mapping[Source, int] = field(default_factory=dict)
    limited: int = 0
    paused: int = 0

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
    counts: Mapping[str, SourceCounts] = field(default_factory=dict)
    blocked: tuple[BlockedDocument, ...] = ()
    blocked_counts: Mapping[BlockReason, int] = field(default_factory=dict)
    oldest_waiting_seconds: float | None = None
    stale: tuple[StaleDocument, ...] = ()
    workers: LiveWorkers = field(default_factory=LiveWorkers)
    documents_per_minute: float = 0.0
    eta_seconds: float | None = None
    last_activity_seconds: float | None = None
    mean_seconds: Mapping[Source, float] = field(default_factory=dict)
    recent_errors: tuple[RecentError, ...] = ()

    @property
    def eligible(self) -> int:
        """Documents that a worker could claim now."""
        return sum(counts.eligible for counts in self.counts.values())


def inspect(environment: Environment, workers: LiveWorkers) -> EnvironmentReport:
    """Look at one environment; what cannot be reached is reported, never raised."""
    assert environment.database_url is not None
    base = EnvironmentReport(environment.name, environment.enabled, reachable=False)
    try:
        with connect(environment.database_url, application_name="registre check") as connection:
            if not schema_is_current(connection):
                return _reached(base, schema_current=False, workers=workers)
            return _look(connection, base, workers)
    except RegistreError as error:
        return _unreached(base, error, workers)
    except psycopg.OperationalError as error:
        return _unreached(base, explain(error), workers)


def diagnose(report: EnvironmentReport) -> Iterable[Problem]:
    """Say what is wrong, the worst first."""
    name = report.name
    error, warning = _problems_of(name)
    if report.unreachable_because is not None:
        cause = report.unreachable_because
        yield error("unreachable", cause.message, cause.fix or "check the database URL")
        return
    if not report.schema_current:
        yield error(
            "schema_outdated",
            f"the database of {name} lacks changes that the pool needs",
            f"registre db migrate --env {name}",
        )
        return
    waiting = report.eligible
    if waiting and not report.enabled:
        yield error(
            "environment_disabled",
            f"{_documents(waiting)} and {name} is disabled",
            f"set OCR_{name.upper()}=true and restart the pool",
        )
    elif waiting and report.workers.total == 0:
        yield error(
            "no_workers",
            f"{_documents(waiting)} and no worker serves {name}",
            f"registre pool run --env {name}",
        )
    elif waiting:
        yield from _diagnose_pool(report)
    if report.stale:
        yield error(
            "stale_leases",
            f"{len(report.stale)} documents are at status 6 and nobody reads them",
            f"registre queue release --stale --env {name} (a running pool does it by itself)",
        )
    if report.blocked_counts:
        reasons = ", ".join(f"{n} {reason}" for reason, n in report.blocked_counts.items())
        yield warning(
            "blocked_documents",
            f"{sum(report.blocked_counts.values())} waiting documents are blocked: {reasons}",
            _fix_blocked(report),
        )


def _problems_of(environment: str) -> tuple[MakeProblem, MakeProblem]:
    """Return what makes an error and what makes a warning of one environment."""

    def make(severity: Severity) -> MakeProblem:
        return lambda code, message, fix: Problem(code, severity, environment, message, fix)

    return make(Severity.ERROR), make(Severity.WARNING)


def _diagnose_pool(report: EnvironmentReport) -> Iterable[Problem]:
    name, workers = report.name, report.workers
    error, warning = _problems_of(name)
    for source in Source:
        waiting = report.counts.get(str(source), SourceCounts()).eligible
        if waiting and not workers.serving.get(source):
            yield error(
                "mode_unserved",
                f"{waiting} {source} documents wait and no worker reads {source} in {name}",
                f"registre pool run --env {name} --min-{source} 1",
            )
    if workers.paused == workers.total:
        yield warning(
            "stalled",
            f"{_documents(report.eligible)} and every worker of {name} is paused",
            "registre pool resume",
        )
    elif workers.limited == workers.total:
        yield warning(
            "limiter_exhausted",
            f"all {workers.total} workers of {name} wait for the budget of an engine",
            "raise OCR_RPM or OCR_TPM, or wait",
        )
    else:
        usual = max(report.mean_seconds.values(), default=max(DEFAULT_SECONDS.values()))
        patience = max(usual * _STALLED_TIMES, _STALLED_LEAST_SECONDS)
        quiet = report.last_activity_seconds
        if (
            quiet is not None
            and quiet > patience
            and (report.oldest_waiting_seconds or 0) > patience
        ):
            yield error(
                "stalled",
                f"{_documents(report.eligible)}, {workers.total} workers live, and none has "
                f"claimed anything for {quiet / 60:.0f} minutes",
                "registre pool status; then read the pool's log",
            )


def _look(
    connection: Connection, base: EnvironmentReport, workers: LiveWorkers
) -> EnvironmentReport:
    counts = dict(counts_of(connection))
    oldest: float | None = None
    blocked_counts: dict[BlockReason, int] = {}
    for _, reason, number, age in connection.execute(statement("waiting_by_reason")).fetchall():
        if reason is None:
            oldest = max(oldest or 0.0, age or 0.0)
        else:
            key = BlockReason(reason)
            blocked_counts[key] = blocked_counts.get(key, 0) + number
    measured: dict[Source, float] = {
        Source(source): seconds
        for source, seconds in connection.execute(statement("mean_seconds")).fetchall()
        if source in set(Source)
    }
    finished = sum(
        number
        for _, number in connection.execute(
            statement("throughput"), {"seconds": THROUGHPUT_WINDOW_SECONDS}
        ).fetchall()
    )
    row = connection.execute(statement("last_claim")).fetchone()
    return _reached(
        base,
        counts={source: counts.get(source, SourceCounts()) for source in map(str, Source)},
        blocked=tuple(
            BlockedDocument(document_id, number, source, BlockReason(reason))
            for document_id, number, source, reason in connection.execute(
                statement("blocked"), {"limit": _SHOWN_BLOCKED}
            ).fetchall()
        ),
        blocked_counts=blocked_counts,
        oldest_waiting_seconds=oldest,
        stale=tuple(
            StaleDocument(*values)
            for values in connection.execute(statement("stale"), {"limit": _SHOWN_STALE}).fetchall()
        ),
        workers=workers,
        documents_per_minute=finished / (THROUGHPUT_WINDOW_SECONDS / 60),
        eta_seconds=_eta(counts, measured, workers),
        last_activity_seconds=row[0] if row else None,
        mean_seconds=measured,
        recent_errors=tuple(
            RecentError(*values)
            for values in connection.execute(
                statement("recent_errors"),
                {"seconds": RECENT_ERRORS_SECONDS, "limit": _SHOWN_ERRORS},
            ).fetchall()
        ),
    )


def _eta(
    counts: Mapping[str, SourceCounts], measured: Mapping[Source, float], workers: LiveWorkers
) -> float | None:
    """Return the seconds until the backlog is read at the measured speed; `None` is never."""
    if workers.total == 0:
        return None
    seconds = sum(
        counts.get(str(source), SourceCounts()).eligible
        * measured.get(source, DEFAULT_SECONDS[source])
        for source in Source
    )
    return round(seconds / workers.total, 1)


def _reached(base: EnvironmentReport, **found: object) -> EnvironmentReport:
    return replace(base, reachable=True, **found)  # type: ignore[arg-type]


def _unreached(
    base: EnvironmentReport, error: RegistreError, workers: LiveWorkers
) -> EnvironmentReport:
    return replace(base, unreachable_because=error, workers=workers)


def _documents(number: int) -> str:
    return "1 document waits" if number == 1 else f"{number} documents wait"


def _fix_blocked(report: EnvironmentReport) -> str:
    fixes = {
        BlockReason.UNSUPPORTED_SOURCE: "nothing: we do not read this source",
        BlockReason.NO_PATH: "let the extractor store the PDF and its supabase_path",
        BlockReason.ALREADY_HAS_TEXT: "registre queue retry ID to read it again",
        BlockReason.MAX_ATTEMPTS: "registre queue retry ID once the cause is mended",
        BlockReason.BACKING_OFF: "nothing: it is tried again by itself",
    }
    return "; ".join(f"{reason}: {fixes[reason]}" for reason in report.blocked_counts)
