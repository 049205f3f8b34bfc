"""Our additive schema changes: numbered `.sql` files under one advisory lock."""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import psycopg
from psycopg import sql as compose
from pydantic import SecretStr

from registre_cli.core.errors import ProblemFoundError
from registre_cli.queue.connection import Connection, connect

# Any number will do, as long as no other program uses it in this database.
_ADVISORY_LOCK = 7_263_548_101
# The lock on the table is short; where someone holds it long, we give up instead of queueing
# everybody else behind us.
_LOCK_TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    text: str


@dataclass(frozen=True)
class MigrationState:
    """One migration and when it was applied here, if it was."""

    version: int
    name: str
    applied_at: datetime | None


def migrations() -> tuple[Migration, ...]:
    """Return all migrations in the order in which they are applied."""
    folder = files("registre_cli.queue").joinpath("migrations")
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return tuple(
        Migration(int(entry.name[:4]), entry.name[5:-4], entry.read_text("utf-8"))
        for entry in found
    )


def migrate(dsn: SecretStr) -> tuple[Migration, ...]:
    """Apply what is missing and return it; safe when many do it at once.

    Everything happens in one transaction: it is all there or nothing is. Raises
    ProblemFoundError where the table is locked by others or the rights are missing.
    """
    with connect(dsn, application_name="registre migrate") as connection:
        try:
            with connection.transaction():
                connection.execute("SET LOCAL statement_timeout = 0")
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
                connection.execute(
                    compose.SQL("SET LOCAL lock_timeout = {}").format(
                        compose.Literal(f"{_LOCK_TIMEOUT_SECONDS}s")
                    )
                )
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS registre_migrations ("
                    "version integer PRIMARY KEY, name text NOT NULL, "
                    "applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
                )
                missing = _missing(connection)
                for migration in missing:
                    connection.execute(migration.text.encode())
                    connection.execute(
                        "INSERT INTO registre_migrations (version, name) VALUES (%s, %s)",
                        [migration.version, migration.name],
                    )
        except psycopg.errors.LockNotAvailable as error:
            raise ProblemFoundError(
                "the table is locked by another program; nothing was changed",
                fix="end long transactions on extraction_queue and run registre db migrate again",
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise ProblemFoundError(
                f"the rights do not suffice to migrate: {error.diag.message_primary}",
                fix="run registre db migrate once as the owner of extraction_queue",
            ) from error
    return missing


def migration_states(connection: Connection) -> tuple[MigrationState, ...]:
    """Return each migration with the time at which it was applied."""
    applied = _applied(connection)
    return tuple(
        MigrationState(migration.version, migration.name, applied.get(migration.version))
        for migration in migrations()
    )


def schema_is_current(connection: Connection) -> bool:
    """Whether nothing is missing."""
    return not _missing(connection)


def _missing(connection: Connection) -> tuple[Migration, ...]:
    applied = _applied(connection)
    return tuple(migration for migration in migrations() if migration.version not in applied)


def _applied(connection: Connection) -> dict[int, datetime]:
    row = connection.execute("SELECT to_regclass('registre_migrations')").fetchone()
    if row is None or row[0] is None:
        return {}
    rows = connection.execute("SELECT version, applied_at FROM registre_migrations").fetchall()
    return dict(rows)
