"""Counting the queue."""

from collections.abc import Mapping, Sequence

from registre_cli.core.documents import Source
from registre_cli.queue.connection import Connection
from registre_cli.queue.models import BlockReason, SourceCounts, Status, WaitingGroup
from registre_cli.queue.sql import statement

FLOW_WINDOW_SECONDS = 600.0


def waiting_groups(connection: Connection) -> tuple[WaitingGroup, ...]:
    """Return everything at status 3, by source and by the reason that blocks it."""
    rows = connection.execute(statement("waiting")).fetchall()
    return tuple(
        WaitingGroup(ready, source, None if reason is None else BlockReason(reason), *numbers)
        for ready, source, reason, *numbers in rows
    )


def counts_of(
    connection: Connection, waiting: Sequence[WaitingGroup] | None = None
) -> Mapping[str, SourceCounts]:
    """Return how many documents of each source that we read stand where.

    `waiting` saves counting what waits a second time.
    """
    groups = waiting_groups(connection) if waiting is None else waiting
    ended: dict[int, dict[Source, int]] = {
        status: dict(zip(Source, numbers, strict=True))
        for status, *numbers in connection.execute(statement("counts")).fetchall()
    }

    def at(status: Status, source: Source) -> int:
        return ended.get(status, {}).get(source, 0)

    return {
        str(source): SourceCounts(
            waiting=sum(group.number for group in groups if group.source == source),
            eligible=sum(g.number for g in groups if g.source == source and g.reason is None),
            blocked=sum(g.number for g in groups if g.source == source and g.reason is not None),
            in_progress=at(Status.READING, source),
            done=at(Status.DONE, source),
            failed=at(Status.FAILED, source),
        )
        for source in Source
    }
