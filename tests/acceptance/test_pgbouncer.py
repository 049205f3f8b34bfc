"""PgBouncer in transaction mode between us and PostgreSQL: everything works, by polling."""

import json
import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from registre_cli.demo.scan import scanned_pdf
from registre_cli.embedded.servers import PostgresServer
from registre_cli.ocr.drawing import Words

REGISTRE = Path(sys.executable).with_name("registre")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pooled_url(
    postgres_server: PostgresServer, migrated_database_url: str, server_folder: Path
) -> Iterator[str]:
    """The same database behind a real PgBouncer with one server connection for two clients."""
    program = shutil.which("pgbouncer")
    assert program is not None, "make acceptance installs pgbouncer"
    folder = server_folder / "pgbouncer"
    folder.mkdir(exist_ok=True)
    port = free_port()
    (folder / "users.txt").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        "[databases]\n"
        f"* = host={postgres_server.socket_folder} port=5432 user=postgres\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        "auth_type = any\npool_mode = transaction\nmax_client_conn = 100\n"
        "default_pool_size = 4\n"
    )
    database = psycopg.conninfo.conninfo_to_dict(migrated_database_url)["dbname"]
    # PgBouncer does not run as root either; PostgreSQL's socket belongs to our account.
    account = pwd.getpwnam("registre").pw_uid if os.geteuid() == 0 else None
    server = subprocess.Popen(
        [program, "-q", str(folder / "pgbouncer.ini")],
        user=account,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    url = f"postgresql://postgres@127.0.0.1:{port}/{database}"
    deadline = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url).close()
            break
        except psycopg.OperationalError:
            assert server.poll() is None and time.monotonic() < deadline, server.stdout
            time.sleep(0.05)
    yield url
    server.terminate()
    server.wait(10)


@pytest.fixture
def settings(pooled_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "OCR_DEV": "true",
        "DEV_DATABASE_URL": pooled_url,
        "DEV_STORAGE_URL": tmp_path.as_uri(),
        "REDIS_URL": redis_url,
        "OCR_POLL_INTERVAL_MS": "500",
    }


def test_a_pool_behind_pgbouncer_works_by_polling_and_says_so(
    settings: dict[str, str], migrated_database_url: str, tmp_path: Path
) -> None:
    page = scanned_pdf([[Words(60, 100, "Lot 1 234 567", 14)]], random.Random(1))
    (tmp_path / "1.pdf").write_bytes(page)
    insert = (
        "INSERT INTO extraction_queue (document_source, document_number, supabase_path, status_id)"
        " SELECT 'index', n::text, '1.pdf', 3 FROM generate_series(1, 12) AS n"
    )
    with psycopg.connect(migrated_database_url, autocommit=True) as direct:
        pool = subprocess.Popen(
            [REGISTRE, "pool", "run", "--json"],
            env=settings,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            time.sleep(3)
            direct.execute(insert)
            deadline = time.monotonic() + 40
            done = "SELECT count(*) FROM extraction_queue WHERE status_id = 5"
            while direct.execute(done).fetchone() != (12,):
                assert time.monotonic() < deadline, "not everything was read"
                time.sleep(0.1)
        finally:
            pool.terminate()
            out, err = pool.communicate(timeout=30)
    assert pool.returncode == 0
    assert json.loads(out)["documents_done"] == 12
    events = [json.loads(line)["event"] for line in err.splitlines()]
    assert events.count("Polling only") == 1
    assert "Worker lost" not in events


def test_the_operators_commands_work_behind_pgbouncer(
    settings: dict[str, str], tmp_path: Path
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REGISTRE, *arguments],
            env=settings,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    for arguments in (("db", "migrate"), ("db", "status"), ("queue", "check"), ("queue", "list")):
        ran = run(*arguments)
        assert ran.returncode == 0, ran.stderr
    checks = json.loads(run("verify-setup", "--json").stdout)["checks"]
    found = {check["name"]: check for check in checks}
    assert found["dev/notifications"]["status"] == "warn"
    assert "transaction pooler" in found["dev/notifications"]["message"]
    assert not [check for check in checks if check["status"] == "fail"]
