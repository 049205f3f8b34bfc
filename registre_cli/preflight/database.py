"""Checks of one environment's PostgreSQL and storage."""

import time

import psycopg

from registre_cli.core.documents import Source
from registre_cli.core.errors import DocumentError, StorageAwayError
from registre_cli.core.settings import Environment, Settings
from registre_cli.preflight.check import Finding, failed, passed, skipped, warned
from registre_cli.queue.connection import Connection, connect, is_pooled
from registre_cli.queue.inventory import missing_parts
from registre_cli.queue.migrate import migration_states, schema_is_current
from registre_cli.queue.notifications import Listener
from registre_cli.queue.sql import statement
from registre_cli.storage import open_storage

_OLDEST_POSTGRES = 120_000
_LARGEST_CLOCK_DIFFERENCE_SECONDS = 30.0


def reach(environment: Environment) -> Finding:
    """Check that PostgreSQL answers, which one it is, and its clock against ours."""
    with _connected(environment) as connection:
        number = connection.info.server_version
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        assert row is not None
        difference = abs(row[0] - time.time())
    said = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number < _OLDEST_POSTGRES:
        return failed(said, "use PostgreSQL 12 or later")
    if difference > _LARGEST_CLOCK_DIFFERENCE_SECONDS:
        return warned(
            f"{said}; this host's clock differs by {difference:.0f} s",
            "synchronise the clocks (leases hold all the same: they use the database's)",
        )
    return passed(said)


def schema(environment: Environment) -> Finding:
    """Check that our columns, indexes and trigger are there, by looking at each."""
    with _connected(environment) as connection:
        missing = [s.name for s in migration_states(connection) if s.applied_at is None]
        if missing:
            return failed(
                f"the schema lacks: {', '.join(missing)}",
                f"registre db migrate --env {environment.name}",
            )
        parts = missing_parts(connection)
    if parts:
        return failed(
            f"somebody removed or disabled: {', '.join(f'{p.kind} {p.name}' for p in parts)}",
            f"as the table's owner: {' '.join(part.mend for part in parts)}",
        )
    return passed("columns, indexes and trigger are there")


def rights(environment: Environment) -> Finding:
    """Check that a document can be claimed, by claiming one and rolling back."""
    with _connected(environment) as connection:
        if not schema_is_current(connection):
            return skipped("the schema is not current")
        try:
            claimed = _claimed_in_vain(connection)
            if claimed is None and not _allows_writing(connection):
                return _no_rights("permission denied for table extraction_queue")
        except psycopg.errors.InsufficientPrivilege as error:
            return _no_rights(error.diag.message_primary or "permission denied")
    if claimed is None:
        return passed("writing is allowed; nothing waits that could be claimed")
    return passed(f"{claimed} can be claimed (rolled back)")


def _claimed_in_vain(connection: Connection) -> str | None:
    """Claim a document and let go of it without a trace; say which kind, or `None` for none.

    Where nothing waits, a document is made for it, if the table lets us.
    """
    with connection.transaction(force_rollback=True):
        for source in Source:
            if _claim(connection, source):
                return f"a waiting {source} document"
        try:
            with connection.transaction():
                connection.execute(statement("trial"), {"source": str(Source.INDEX)})
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityError):
            # The pool never inserts: only claiming is a right that it needs.
            return None
        return "a document made for it" if _claim(connection, Source.INDEX) else None


def _claim(connection: Connection, source: Source) -> bool:
    row = connection.execute(
        statement("claim"),
        {"source": str(source), "worker_id": "verify-setup", "lease_seconds": 1},
    ).fetchone()
    return row is not None


def _allows_writing(connection: Connection) -> bool:
    row = connection.execute(statement("may_write")).fetchone()
    return bool(row and row[0])


def _no_rights(said: str) -> Finding:
    return failed(
        f"a document cannot be claimed: {said}",
        "GRANT SELECT, INSERT, UPDATE ON extraction_queue to the user of the DSN",
    )


def notifications(environment: Environment) -> Finding:
    """Check that new documents are heard of at once."""
    with _connected(environment) as connection:
        if is_pooled(connection):
            return warned(
                "a transaction pooler stands between: new documents are found by polling only",
                "nothing, or use a direct connection for pick-up without delay",
            )
        assert environment.database_url is not None
        listener = Listener(environment.database_url)
        try:
            connection.execute("SELECT pg_notify('registre_ready', 'verify-setup')")
            heard = listener.heard(2.0)
        finally:
            listener.close()
    if not heard:
        return warned("LISTEN hears nothing", "new documents are found by polling only")
    return passed("new documents are heard of at once")


def storage(environment: Environment, settings: Settings) -> Finding:
    """Check the storage by fetching the first eligible document."""
    with _connected(environment) as connection:
        if not schema_is_current(connection):
            return skipped("the schema is not current")
        row = next(
            filter(
                None,
                (
                    connection.execute(
                        statement("first_eligible"), {"source": str(source)}
                    ).fetchone()
                    for source in Source
                ),
            ),
            None,
        )
    if row is None:
        return skipped("no document waits that could be fetched")
    document_id, path = row
    try:
        body = open_storage(environment).fetch(
            path, max_bytes=settings.ocr_max_bytes, timeout_seconds=4.0
        )
    except DocumentError as error:
        fix = error.fix or _storage_fix(environment, document_id, error)
        return failed(f"document {document_id}: {error.message}", fix)
    return passed(f"document {document_id} is there ({len(body):,} bytes)")


def _storage_fix(environment: Environment, document_id: str, error: DocumentError) -> str:
    """Return what to look at: the storage's settings, or the path of this one document."""
    name, prefix = environment.name, environment.name.upper()
    if not isinstance(error, StorageAwayError):
        return f"compare its path with the storage: registre queue show {document_id} --env {name}"
    if environment.storage_url is not None:
        return f"check {prefix}_STORAGE_URL"
    return f"check {prefix}_SUPABASE_URL and {prefix}_SUPABASE_SERVICE_KEY"


def _connected(environment: Environment) -> Connection:
    assert environment.database_url is not None
    return connect(environment.database_url, application_name="registre verify-setup")
