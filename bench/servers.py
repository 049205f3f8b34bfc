"""Private servers for a measurement, gone afterwards."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from pydantic import SecretStr

from registre_cli.embedded.servers import PostgresServer, ValkeyServer
from registre_cli.queue.migrate import migrate


@contextmanager
def postgres(settings: Sequence[str] = ()) -> Iterator[PostgresServer]:
    """Yield a PostgreSQL as durable as a user's: what is committed is on the disk."""
    with _folder() as folder:
        server = PostgresServer(folder / "pg", settings=settings)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def valkey() -> Iterator[ValkeyServer]:
    """Yield an empty Valkey."""
    with _folder() as folder:
        server = ValkeyServer(folder / "valkey")
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def database(server: PostgresServer, *, with_queue: bool = False) -> Iterator[str]:
    """Yield the DSN of a fresh database, with our queue in it where that is wanted."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = server.dsn(name)
    if with_queue:
        migrate(SecretStr(dsn))
    try:
        yield dsn
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="registre-bench-"))
    # PostgreSQL's own account must be able to enter.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
