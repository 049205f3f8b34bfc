"""Deploys that fail: each leaves exactly what ran before, and says first what went wrong."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from deploy_server import (
    CRASHES,
    LEGACY,
    NEIGHBOURS,
    Change,
    Server,
    assert_failed,
    open_server,
    thin_wheel,
)

from registre_cli.embedded.servers import PostgresServer, ValkeyServer

pytestmark = pytest.mark.timeout(300)

# A pool that lives and looks, and never gets a document.
NEVER_CLAIMS: dict[str, Change] = {
    "registre_cli/queue/queries.sql": lambda text: text.replace(
        "WHERE document_source = %(source)s\n      AND {eligible}",
        "WHERE document_source = %(source)s AND false\n      AND {eligible}",
    )
}
CANNOT_MIGRATE: dict[str, Change] = {
    "registre_cli/queue/migrations/0009_theirs.sql": lambda _: (
        "ALTER TABLE no_such_table ADD COLUMN x int;\n"
    )
}
CANNOT_INSTALL: dict[str, Change] = {
    "registre_cli-0.1.0.dist-info/METADATA": lambda text: text.replace(
        "Version: 0.1.0", "Version: 0.1.0\nRequires-Dist: no-such-package-of-ours @ file:///no"
    )
}


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[Server]:
    with open_server(postgres_server, valkey_server) as server:
        yield server


@pytest.fixture
def legacy(server: Server) -> dict[str, int]:
    """The pids of the legacy programs, on a server that no deploy has reached yet."""
    assert server.current() is None, "these tests come first"
    return server.pids()


@pytest.fixture
def release(server: Server, thin: Path) -> str:
    """The healthy release that runs before each failure; deployed once."""
    if server.current() is None:
        ran = server.deploy(thin)
        assert ran.returncode == 0, ran.stderr
    current = server.current()
    assert current is not None
    return current


def changed(wheel: Path, tmp_path: Path, changes: dict[str, Change]) -> Path:
    return thin_wheel(wheel, tmp_path / "wheel", changes)


def test_a_pool_that_crashes_gives_way_to_the_legacy_programs_again(
    server: Server, legacy: dict[str, int], wheel: Path, tmp_path: Path
) -> None:
    ran = server.deploy(changed(wheel, tmp_path, CRASHES), "--health-timeout", "4")
    told = assert_failed(ran, "health", "it has not told Redis that it lives")
    assert "the crash of this test" in str(told["log"])
    assert server.listed() == dict.fromkeys(LEGACY, "online")
    assert [len(server.processes_named(name)) for name in LEGACY] == [1, 1]
    assert not server.pool_processes()
    assert server.current() is None
    server.assert_nothing_left_behind()
    # And after a boot, too.
    saved = json.loads((server.pm2_home / "dump.pm2").read_text())
    assert sorted(app["name"] for app in saved) == sorted(LEGACY)


def test_a_deploy_killed_beside_the_legacy_programs_is_undone_by_a_roll_back(
    server: Server, legacy: dict[str, int], thin: Path
) -> None:
    server.kill_at("neighbours", *server.deploy_arguments(thin))
    ran = server.registre("deploy", "rollback", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert server.listed() == dict.fromkeys(LEGACY, "online")
    assert [len(server.processes_named(name)) for name in LEGACY] == [1, 1]
    assert not server.pool_processes()
    server.assert_nothing_left_behind()


def test_a_release_that_cannot_be_installed_touches_nothing(
    server: Server, release: str, wheel: Path, tmp_path: Path
) -> None:
    before = server.pids()
    ran = server.deploy(changed(wheel, tmp_path, CANNOT_INSTALL))
    assert_failed(ran, "install", "the release cannot be installed: ")
    assert server.pids() == before
    server.assert_as_before(release)


def test_a_database_that_cannot_be_migrated_touches_nothing(
    server: Server, release: str, wheel: Path, tmp_path: Path
) -> None:
    before = server.pids()
    ran = server.deploy(changed(wheel, tmp_path, CANNOT_MIGRATE))
    assert_failed(ran, "migrate", "the database cannot be migrated: ")
    assert "no_such_table" in ran.stderr
    assert server.pids() == before
    server.assert_as_before(release)


def test_a_target_that_is_not_ready_is_told_by_the_new_release_itself(
    server: Server, release: str, thin: Path
) -> None:
    before = server.pids()
    server.write_settings(OCR_LANG="xx_none")
    ran = server.deploy(thin)
    server.write_settings()
    assert_failed(ran, "verify-setup", "xx_none")
    assert server.pids() == before
    server.assert_as_before(release)


def test_a_pool_that_crashes_at_its_start_gives_way_to_the_one_before_with_the_diagnosis(
    server: Server, release: str, wheel: Path, tmp_path: Path
) -> None:
    bad = changed(wheel, tmp_path, CRASHES)
    running = server.begin(*server.deploy_arguments(bad), "--health-timeout", "4")
    server.wait_journal(running, "switch")
    document = server.add_document()
    assert running.end() == 1, running.lines
    first, *told = "".join(running.lines).split("Error: ")[1].splitlines()
    assert "it has not told Redis that it lives" in first
    shown = "\n".join(told)
    assert "The last lines of its log:" in shown
    assert "\n  the crash of this test\n" in shown
    assert "What registre queue check says there:\n  no_workers: 1 document waits" in shown
    assert "rolled back: what ran before runs again" in told[-1]
    server.assert_as_before(release)
    server.wait_read(document)


def test_a_pool_that_never_claims_gives_way_with_the_diagnosis_of_the_queue(
    server: Server, release: str, wheel: Path, tmp_path: Path
) -> None:
    bad = changed(wheel, tmp_path, NEVER_CLAIMS)
    running = server.begin(*server.deploy_arguments(bad), "--health-timeout", "8")
    # The pool before has ended: only the new one could read what comes now.
    server.wait_journal(running, "switch")
    documents = [server.add_document() for _ in range(3)]
    assert running.end() == 1, running.lines
    said = "".join(running.lines)
    assert "3 documents are eligible, and it has claimed none" in said.split("Error: ")[1]
    assert "What registre queue check says there: nothing is wrong with the queue" in said
    server.assert_as_before(release)
    server.wait_read(*documents)


@pytest.mark.parametrize("step", ["legacy", "health"])
def test_a_pm2_that_is_killed_comes_back_with_all_that_it_ran(
    server: Server, release: str, thin: Path, step: str
) -> None:
    running = server.begin(*server.deploy_arguments(thin))
    server.wait_journal(running, step)
    os.kill(int((server.pm2_home / "pm2.pid").read_text()), signal.SIGKILL)
    assert running.end() == 1, running.lines
    said = "".join(running.lines)
    assert "Error: the PM2 daemon ended and came back empty" in said
    assert "rolled back" in said
    server.assert_as_before(release)


def test_a_deploy_beside_another_one_is_refused_and_touches_nothing(
    server: Server, release: str, thin: Path
) -> None:
    running = server.begin(*server.deploy_arguments(thin))
    running.wait_step("verify-setup")
    second = server.deploy(thin)
    assert second.returncode == 1
    assert "another deploy holds the lock" in second.stderr
    assert f"pid {running.process.pid}" in second.stderr and "expires" in second.stderr
    assert "registre deploy unlock" in second.stderr
    # Whoever loses the lock stops at its next step, and leaves everything to the other one.
    assert "removed the lock of" in server.registre("deploy", "unlock").stdout
    assert running.end() == 1
    assert "the lock is no longer ours" in "".join(running.lines)
    ran = server.registre("deploy", "rollback", "--yes")
    assert ran.returncode == 0, ran.stderr
    server.assert_as_before(release)


def test_a_lock_of_another_machine_is_taken_over_once_it_expired_and_that_is_told(
    server: Server, release: str, wheel: Path, tmp_path: Path
) -> None:
    def lock(expires_in: float) -> None:
        now = datetime.now(UTC)
        (server.records / "lock").write_text(
            json.dumps({
                "token": "theirs", "owner": "eve@elsewhere", "reason": "deploy of 0.0.9",
                "machine": "elsewhere", "pid": 1, "process_started": 0.0,
                "taken_at": now.isoformat(),
                "expires_at": (now + timedelta(seconds=expires_in)).isoformat(),
            })
        )  # fmt: skip

    bad = changed(wheel, tmp_path, CANNOT_INSTALL)
    lock(600)
    ran = server.deploy(bad)
    assert ran.returncode == 1
    assert "another deploy holds the lock: eve@elsewhere" in ran.stderr
    lock(-1)
    ran = server.deploy(bad)
    assert_failed(ran, "install", "the release cannot be installed: ")
    assert "took over a broken lock: eve@elsewhere" in ran.stderr
    server.assert_as_before(release)


def test_what_outlived_a_pm2_that_was_killed_before_does_not_work_on_beside_the_new_pool(
    server: Server, release: str, thin: Path
) -> None:
    os.kill(int((server.pm2_home / "pm2.pid").read_text()), signal.SIGKILL)
    (orphan,) = server.pool_processes()
    ran = server.deploy(thin)
    assert ran.returncode == 0, ran.stderr
    assert "PM2 died; its dump names 4 processes, which are brought back" in ran.stderr
    assert not psutil.pid_exists(orphan.pid) or orphan.status() == psutil.STATUS_ZOMBIE
    server.assert_one_pool(server.current())
    assert server.listed() == dict.fromkeys(("ocr-pool", *NEIGHBOURS), "online")
    assert [len(server.processes_named(name)) for name in NEIGHBOURS] == [1, 1, 1]
