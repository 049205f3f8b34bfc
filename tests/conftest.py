"""Real servers for every test: a private PostgreSQL and Valkey, started once a session."""

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql

from registre_cli.embedded.servers import PostgresServer, ValkeyServer

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def _screen_of_no_parent() -> None:
    """Whoever runs the tests may tell its own screen's size, which is not our programs'."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_programs() -> None:
    """A script that runs the tests in its background lets them, and ours with them, ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _settings_of_the_machine_stay_outside(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the person who runs the tests reaches a test, nor their data folder."""
    prefixes = ("OCR_", "DEV_", "STAGING_", "PROD_", "SERVER_", "REDIS_URL", "LOG_", "WORKER_COUNT")
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        del os.environ[name]
    os.environ["REGISTRE_HOME"] = str(tmp_path_factory.mktemp("registre-home"))
    # Nor does any PM2 that runs on this host.
    os.environ["PM2_HOME"] = str(tmp_path_factory.mktemp("pm2-home"))
    os.environ["TZ"] = "UTC"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A short folder that PostgreSQL's account may enter (pytest's own folders are closed)."""
    folder = Path(tempfile.mkdtemp(prefix="registre-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(server_folder / "pg", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_server(server_folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(server_folder / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: PostgresServer) -> str:
    """The name of a database with our schema, to be copied by each test."""
    from pydantic import SecretStr

    from registre_cli.queue.migrate import migrate

    name = "registre_template"
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(SecretStr(postgres_server.dsn(name)))
    return name


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh empty database."""
    yield from _own_database(postgres_server, "template1")


@pytest.fixture
def migrated_database_url(postgres_server: PostgresServer, migrated_template: str) -> Iterator[str]:
    """A fresh database with our schema."""
    yield from _own_database(postgres_server, migrated_template)


@pytest.fixture
def redis_url(valkey_server: ValkeyServer) -> str:
    """An empty Valkey."""
    client = redis.Redis.from_url(valkey_server.url())
    client.flushall()
    client.close()
    return valkey_server.url()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real scans and hostile PDFs, which lies beside the project."""
    folder = Path(os.environ.get("REGISTRE_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not (folder / "scans" / "manifest.tsv").is_file():
        pytest.skip(f"the corpus of real scans is not at {folder} (set REGISTRE_CORPUS)")
    return folder


def _own_database(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    yield server.dsn(name)
    if not server.running:
        return
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
