"""Looking at one environment's queue: what waits, what is read, what fails, how fast."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import psycopg

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.settings import Environment
from registre_cli.queue.connection import Connection, connect, explain
from registre_cli.queue.counts import FLOW_WINDOW_SECONDS, counts_of, waiting_groups
from registre_cli.queue.migrate import schema_is_current
from registre_cli.queue.models import (
    BlockedDocument,
    BlockReason,
    ErrorCause,
    Flow,
    RecentError,
    SourceCounts,
    StaleDocument,
    WaitingGroup,
)
from registre_cli.queue.report import EnvironmentReport, LiveWorkers
from registre_cli.queue.sql import statement
from registre_cli.queue.store import DEFAULT_SECONDS

RECENT_ERRORS_SECONDS = 24 * 3600.0
_EXAMPLES_PER_REASON = 5
_SHOWN_ERRORS = 10
_SHOWN_CAUSES = 8
_SHOWN_STALE = 20
# The backlog grows where so many more came than left, in both halves of the window.
_GROWTH_LEAST = 5
_GROWTH_SHARE = 0.1


def inspect(environment: Environment, workers: LiveWorkers) -> EnvironmentReport:
    """Look at one environment; what cannot be reached is reported, never raised."""
    assert environment.database_url is not None
    base = EnvironmentReport(
        environment.name, environment.enabled, reachable=False, workers=workers
    )
    try:
        with connect(environment.database_url, application_name="registre check") as connection:
            reached = replace(base, reachable=True)
            if not schema_is_current(connection):
                return replace(reached, schema_current=False)
            with connection.transaction():
                connection.execute(statement("by_itself"))
                return _look(connection, reached)
    except RegistreError as error:
        return replace(base, unreachable_because=error)
    except psycopg.Error as error:
        return replace(base, unreachable_because=explain(error))


def usual_seconds(measured: Mapping[Source, float]) -> Mapping[Source, float]:
    """Return the seconds of one document of each kind, as measured or as a first guess."""
    return {source: measured.get(source) or DEFAULT_SECONDS[source] for source in Source}


def eta_seconds(
    counts: Mapping[str, SourceCounts], measured: Mapping[Source, float], workers: LiveWorkers
) -> float | None:
    """Return the seconds until what is eligible now is read at the measured speed of each kind.

    `None` is never: nobody reads one of the kinds that wait.
    """
    work = {
        source: counts.get(str(source), SourceCounts()).eligible * seconds
        for source, seconds in usual_seconds(measured).items()
    }
    serving = {source: workers.serving.get(source, 0) for source in Source}
    if any(work[source] and not serving[source] for source in Source) or not workers.total:
        return None
    # All together are no faster than everybody at everything, each kind no faster than those
    # who read it.
    alone = [work[source] / serving[source] for source in Source if work[source]]
    return round(max([sum(work.values()) / workers.total, *alone]), 1)


def is_growing(report: EnvironmentReport) -> bool:
    """Whether documents have come faster than they were read, for the whole window."""
    flow = report.flow
    return (
        report.workers.total > 0
        and report.workers.oldest_seconds >= FLOW_WINDOW_SECONDS
        and flow.came_earlier > flow.left_earlier
        and flow.came_later > flow.left_later
        and flow.came - flow.left >= max(_GROWTH_LEAST, _GROWTH_SHARE * flow.left)
    )


def _look(connection: Connection, base: EnvironmentReport) -> EnvironmentReport:
    waiting = waiting_groups(connection)
    counts = counts_of(connection, waiting)
    eligible = [group for group in waiting if group.reason is None]
    blocked_counts = _blocked_counts(waiting)
    measured = {
        Source(source): seconds
        for source, seconds in connection.execute(statement("mean_seconds")).fetchall()
        if source in set(Source)
    }
    flow = _flow(connection)
    activity = connection.execute(statement("last_activity")).fetchone()
    stale = connection.execute(statement("stale"), {"limit": _SHOWN_STALE}).fetchall()
    found = replace(
        base,
        counts=counts,
        blocked=_examples(connection, waiting),
        blocked_counts=blocked_counts,
        oldest_waiting_seconds=_most(group.oldest_seconds for group in eligible),
        ready_for_seconds=_most(_ready_seconds(connection, group) for group in eligible),
        stale=tuple(StaleDocument(*values) for _, *values in stale),
        stale_count=stale[0][0] if stale else 0,
        documents_per_minute=flow.done / (FLOW_WINDOW_SECONDS / 60),
        eta_seconds=eta_seconds(counts, measured, base.workers),
        flow=flow,
        last_activity_seconds=activity[0] if activity else None,
        mean_seconds=measured,
        recent_errors=tuple(
            RecentError(*values)
            for values in connection.execute(
                statement("recent_errors"),
                {"seconds": RECENT_ERRORS_SECONDS, "limit": _SHOWN_ERRORS},
            ).fetchall()
        ),
        error_causes=tuple(
            ErrorCause(*values)
            for values in connection.execute(
                statement("error_causes"),
                {"seconds": RECENT_ERRORS_SECONDS, "limit": _SHOWN_CAUSES},
            ).fetchall()
        ),
        first_eligible_path=_first_path(connection, eligible),
    )
    return replace(found, eta_seconds=None) if is_growing(found) else found


def _blocked_counts(waiting: Sequence[WaitingGroup]) -> dict[BlockReason, int]:
    counts: dict[BlockReason, int] = {}
    for group in waiting:
        if group.reason is not None:
            counts[group.reason] = counts.get(group.reason, 0) + group.number
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _examples(
    connection: Connection, waiting: Sequence[WaitingGroup]
) -> tuple[BlockedDocument, ...]:
    blocked_counts = _blocked_counts([group for group in waiting if not group.ready_to_claim])
    rows = connection.execute(
        statement("blocked"),
        {
            "reasons": [str(reason) for reason in blocked_counts],
            "limits": [min(number, _EXAMPLES_PER_REASON) for number in blocked_counts.values()],
        },
    ).fetchall()
    for group in waiting:
        if group.ready_to_claim and group.reason is not None:
            rows += connection.execute(
                statement("unsupported"),
                {"source": group.source, "limit": _EXAMPLES_PER_REASON},
            ).fetchall()
    found = [
        BlockedDocument(document_id, number, source, BlockReason(reason))
        for document_id, number, source, reason in rows
    ]
    return tuple(
        example
        for reason in BlockReason
        for example in [item for item in found if item.reason is reason][:_EXAMPLES_PER_REASON]
    )


def _ready_seconds(connection: Connection, group: WaitingGroup) -> float | None:
    if not group.ready_to_claim:
        return group.ready_seconds
    row = connection.execute(statement("ready_seconds"), {"source": group.source}).fetchone()
    return row[0] if row else None


def _flow(connection: Connection) -> Flow:
    row = connection.execute(statement("flow"), {"seconds": FLOW_WINDOW_SECONDS}).fetchone()
    assert row is not None
    left_earlier, left_later, gone_earlier, gone_later, done = row
    half = FLOW_WINDOW_SECONDS / 2
    return Flow(
        came_earlier=gone_earlier + _arrivals(connection, FLOW_WINDOW_SECONDS, half),
        came_later=gone_later + _arrivals(connection, half, 0),
        left_earlier=left_earlier,
        left_later=left_later,
        done=done,
    )


def _arrivals(connection: Connection, from_seconds: float, to_seconds: float) -> int:
    row = connection.execute(
        statement("arrivals"), {"from_seconds": from_seconds, "to_seconds": to_seconds}
    ).fetchone()
    return int(row[0]) if row else 0


def _first_path(connection: Connection, eligible: Sequence[WaitingGroup]) -> str | None:
    for group in eligible:
        row = connection.execute(statement("first_eligible"), {"source": group.source}).fetchone()
        if row is not None:
            return str(row[1])
    return None


def _most(numbers: Iterable[float | None]) -> float | None:
    return max((number for number in numbers if number is not None), default=None)
