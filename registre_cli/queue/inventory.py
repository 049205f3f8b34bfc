"""What our migrations made, and what of it is no longer there.

A migration that was recorded says what was once done; an index that somebody dropped, or a
trigger that somebody disabled, is found only by looking.
"""

import re
from dataclasses import dataclass

from registre_cli.queue.connection import Connection
from registre_cli.queue.migrate import migrations
from registre_cli.queue.sql import statement

_COLUMN = re.compile(r"ADD COLUMN IF NOT EXISTS (\w+)")
_INDEX = re.compile(r"CREATE INDEX IF NOT EXISTS (\w+)[^;]*;")
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+)[^;]*;")


@dataclass(frozen=True)
class MissingPart:
    """A part of our schema that is gone or out of order; `mend` is SQL or a command."""

    kind: str
    name: str
    mend: str


def missing_parts(connection: Connection) -> tuple[MissingPart, ...]:
    """Return the columns, indexes and triggers of our migrations that do not work here."""
    text = "\n".join(migration.text for migration in migrations())
    row = connection.execute(statement("inventory")).fetchone()
    assert row is not None
    columns, indexes, broken_indexes, triggers, disabled_triggers = map(set, row)
    missing = [
        MissingPart("column", name, f"add {name} again as in the migrations")
        for name in _COLUMN.findall(text)
        if name not in columns
    ]
    for match in _INDEX.finditer(text):
        name, create = match[1], _one_line(match[0])
        if name in broken_indexes:
            missing.append(MissingPart("valid index", name, f"REINDEX INDEX CONCURRENTLY {name};"))
        elif name not in indexes:
            missing.append(MissingPart("index", name, create))
    for match in _TRIGGER.finditer(text):
        name, create = match[1], _one_line(match[0])
        if name in disabled_triggers:
            mend = f"ALTER TABLE extraction_queue ENABLE TRIGGER {name};"
            missing.append(MissingPart("enabled trigger", name, mend))
        elif name not in triggers:
            missing.append(MissingPart("trigger", name, create))
    return tuple(missing)


def _one_line(create: str) -> str:
    return " ".join(create.split())
