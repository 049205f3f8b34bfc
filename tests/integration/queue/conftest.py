"""Documents in a real queue."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from registre_cli.queue.connection import Connection, connect
from registre_cli.queue.store import QueueStore

AddDocument = Callable[..., str]


@pytest.fixture
def connection(migrated_database_url: str) -> Iterator[Connection]:
    with connect(SecretStr(migrated_database_url)) as connection:
        yield connection


@pytest.fixture
def store(connection: Connection) -> QueueStore:
    return QueueStore(connection)


@pytest.fixture
def add(connection: Connection) -> AddDocument:
    """Insert a document at status 3 and return its id; keyword arguments are columns."""

    def insert(**columns: object) -> str:
        values = {
            "document_source": "index",
            "document_number": "1 234 567",
            "status_id": 3,
            "supabase_path": "index/1.pdf",
            **columns,
        }
        row = connection.execute(
            psycopg.sql.SQL(
                "INSERT INTO extraction_queue ({}) VALUES ({}) RETURNING id::text"
            ).format(
                psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, values)),
                psycopg.sql.SQL(", ").join(psycopg.sql.Placeholder() * len(values)),
            ),
            list(values.values()),
        ).fetchone()
        assert row is not None
        return str(row[0])

    return insert


@pytest.fixture
def column(connection: Connection) -> Callable[[str, str], object]:
    """Read one column of one document."""

    def read(document_id: str, name: str) -> object:
        row = connection.execute(
            psycopg.sql.SQL("SELECT {} FROM extraction_queue WHERE id = %s").format(
                psycopg.sql.Identifier(name)
            ),
            [document_id],
        ).fetchone()
        assert row is not None
        return row[0]

    return read
