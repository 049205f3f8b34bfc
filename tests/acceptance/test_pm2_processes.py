"""What a real PM2 keeps alive, seen with and without its program."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import psutil
import psycopg
import pytest
from conftest import RunPm2

from registre_cli.core.errors import UnreachableError
from registre_cli.core.processes import defined_in_pm2, running_under_pm2
from registre_cli.preflight.check import CheckStatus
from registre_cli.preflight.service import manager

REGISTRE = Path(sys.executable).with_name("registre")


@pytest.fixture
def sleeper(tmp_path: Path) -> str:
    """A program that does nothing for long."""
    script = tmp_path / "monitor.py"
    script.write_text("import time\ntime.sleep(600)\n")
    return str(script)


def test_a_legacy_program_is_seen_alive_without_asking_pm2(
    pm2: RunPm2, sleeper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pm2("start", sleeper, "--name", "registre-ocr", "--interpreter", sys.executable)
    pm2("start", sleeper, "--name", "registre-api", "--interpreter", sys.executable)
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        found = {process.name: process for process in running_under_pm2()}
        assert defined_in_pm2() is None
    assert found["registre-ocr"].is_legacy and not found["registre-api"].is_legacy
    pid = found["registre-ocr"].pid
    assert pid is not None and psutil.Process(pid).cmdline()[-1] == sleeper


def test_a_stopped_program_is_known_to_pm2_alone(pm2: RunPm2, sleeper: str) -> None:
    pm2("start", sleeper, "--name", "registre-worker", "--interpreter", sys.executable)
    pm2("stop", "registre-worker")
    assert "registre-worker" not in {process.name for process in running_under_pm2()}
    defined = defined_in_pm2()
    assert defined is not None
    (stopped,) = [process for process in defined if process.name == "registre-worker"]
    assert (stopped.status, stopped.pid, stopped.is_legacy) == ("stopped", None, True)


def test_the_check_names_the_legacy_program_where_no_pool_lives(
    pm2: RunPm2, sleeper: str, migrated_database_url: str, redis_url: str
) -> None:
    pm2("start", sleeper, "--name", "registre-ocr", "--interpreter", sys.executable)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
            " status_id) SELECT 'index', n::text, 'a/1.pdf', 3 FROM generate_series(1, 19) AS n"
        )
    settings = {"DEV_DATABASE_URL": migrated_database_url, "OCR_DEV": "true",
                "REDIS_URL": redis_url, "DEV_STORAGE_URL": "file:///tmp"}  # fmt: skip
    ran = subprocess.run(
        [REGISTRE, "queue", "check"],
        env={**os.environ, **settings, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("PROBLEM  PM2 runs the legacy program registre-ocr (pid ")
    assert lines[0].endswith("and no pool is alive (and 1 more)")
    assert "pm2 delete registre-ocr" in lines[2]
    assert "19 documents wait and no worker serves dev" in ran.stdout
    found = manager()
    assert found.status is CheckStatus.WARN
    assert "PM2 has the legacy program registre-ocr (online)" in found.message
    assert "pm2 delete registre-ocr" in found.fix


def test_the_first_screen_tells_why_19_documents_wait_and_what_mends_it(
    pm2: RunPm2, sleeper: str, migrated_database_url: str, redis_url: str
) -> None:
    pm2("start", sleeper, "--name", "registre-ocr", "--interpreter", sys.executable)
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
            " status_id) SELECT CASE WHEN n > 12 THEN 'acte' ELSE 'index' END, n::text, 'a/1.pdf',"
            " 3 FROM generate_series(1, 19) AS n"
        )
    (storage := Path(_home(), "a")).mkdir()
    (storage / "1.pdf").write_bytes(b"%PDF-1.4")
    settings = {"DEV_DATABASE_URL": migrated_database_url, "OCR_DEV": "true",
                "REDIS_URL": redis_url, "DEV_STORAGE_URL": Path(_home()).as_uri()}  # fmt: skip
    lines = lines_on_a_terminal([REGISTRE, "queue", "check"], settings, columns=80)
    assert sum(1 + max(len(line) - 1, 0) // 80 for line in lines) <= 24, lines
    screen = "\n".join(lines)
    assert lines[0].startswith("PROBLEM  PM2 runs the legacy program registre-ocr (pid ")
    for told in (
        "no pool is",
        "fix: registre deploy, or by hand: pm2 delete registre-ocr; pm2 save; then start the pool",
        "19 documents wait and no worker serves dev",
        "fix: registre pool run --env dev",
        "read in: never",
    ):
        assert told in screen, lines


def lines_on_a_terminal(command: list[object], settings: dict[str, str], columns: int) -> list[str]:
    """Return the lines that a command writes to a terminal of so many columns."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    program = subprocess.Popen(
        list(map(str, command)), stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, **settings, "NO_COLOR": "1", "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    # The end of a terminal that nobody holds any more is an error on Linux.
    with contextlib.suppress(OSError):
        while part := os.read(mine, 65536):
            seen += part
    os.close(mine)
    assert program.wait(30) == 1
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    return [line.rstrip() for line in shown.split("\r\n")[:-1]]


def test_our_pool_is_no_legacy_program_whatever_its_name(pm2: RunPm2, tmp_path: Path) -> None:
    program = tmp_path / "registre"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    pm2("start", str(program), "--name", "registre-ocr", "--interpreter", "none", "--",
        "pool", "run")  # fmt: skip
    (pool,) = [process for process in defined_in_pm2() or () if process.name == "registre-ocr"]
    assert pool.is_pool and not pool.is_legacy


def test_a_pm2_that_hangs_is_told_within_seconds(pm2: RunPm2) -> None:
    pm2("ping")
    (daemon,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"God Daemon ({_home()})" in " ".join(process.info["cmdline"] or ())
    ]
    daemon.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(UnreachableError, match="PM2 does not answer"):
            defined_in_pm2()
    finally:
        daemon.send_signal(signal.SIGCONT)


def test_looking_starts_no_daemon(pm2: RunPm2) -> None:
    assert defined_in_pm2() is None
    assert not Path(_home(), "pm2.pid").exists()


def _home() -> str:
    return os.environ["PM2_HOME"]
