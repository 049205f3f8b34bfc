"""The audit record: one line for each deploy that ended, whatever its end."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ValidationError

from registre_cli.deploy.journal import Kind
from registre_cli.deploy.managers.base import ManagerName
from registre_cli.deploy.site import Site

_APPEND = 'cat >> "$1" && { sync "$1" 2>/dev/null || sync; }'


class Ending(StrEnum):
    """How a deploy ended."""

    HEALTHY = "healthy"
    ROLLED_BACK = "rolled back"
    # Its roll-back failed too: a person must look.
    BROKEN = "broken"


class Record(BaseModel, frozen=True):
    """One deploy that ended; `gap_seconds` is how long no pool worked, where that is known."""

    at: datetime
    kind: Kind
    release: str
    previous: str | None
    manager: ManagerName
    operator: str
    ending: Ending
    seconds: float
    gap_seconds: float | None = None
    step: str | None = None
    error: str | None = None


def append_record(site: Site, record: Record) -> None:
    """Add one line, on the disk before this returns."""
    line = record.model_dump_json() + "\n"
    site.must(
        ["sh", "-c", _APPEND, "sh", str(site.history)],
        "the history cannot be written",
        stdin=line.encode(),
    )


def read_history(site: Site) -> tuple[Record, ...]:
    """Return every deploy that ended, oldest first; a line torn by a full disk is left out."""
    content = site.transport.get(site.history) or b""
    records = []
    for line in content.splitlines():
        try:
            records.append(Record.model_validate_json(line))
        except ValidationError:
            continue
    return tuple(records)


def last_healthy(records: Sequence[Record], besides: str | None) -> str | None:
    """Return the release that was last healthy, other than this one."""
    healthy = [record.release for record in records if record.ending is Ending.HEALTHY]
    return next((release for release in reversed(healthy) if release != besides), None)
