"""Counting the queue."""

from collections import defaultdict
from collections.abc import Mapping

from registre_cli.queue.connection import Connection
from registre_cli.queue.models import SourceCounts, Status
from registre_cli.queue.sql import statement


def counts_of(connection: Connection) -> Mapping[str, SourceCounts]:
    """Return how many documents of each `document_source` stand where."""
    by_status: dict[str, dict[int, int]] = defaultdict(dict)
    for source, status, number in connection.execute(statement("counts")).fetchall():
        by_status[source][status] = number
    eligible: dict[str, int] = {}
    for source, reason, number, _ in connection.execute(statement("waiting_by_reason")).fetchall():
        if reason is None:
            eligible[source] = number
    return {
        source: SourceCounts(
            waiting=numbers.get(Status.READY, 0),
            eligible=eligible.get(source, 0),
            blocked=numbers.get(Status.READY, 0) - eligible.get(source, 0),
            in_progress=numbers.get(Status.READING, 0),
            done=numbers.get(Status.DONE, 0),
            failed=numbers.get(Status.FAILED, 0),
        )
        for source, numbers in by_status.items()
    }
