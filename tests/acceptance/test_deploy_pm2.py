"""A deploy as it happens at night: from the legacy programs to a pool under a real PM2.

The tests tell one story on one server, in this order: it looks, deploys, boots, upgrades and
goes back.
"""

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from deploy_server import LEGACY, NEIGHBOURS, PLANTED, PROGRAMS, Server, open_server, outcome
from pool_harness import wait_for

from registre_cli.embedded.servers import PostgresServer, ValkeyServer

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[Server]:
    with open_server(postgres_server, valkey_server) as server:
        yield server


@dataclass(frozen=True)
class Deployed:
    """A deploy that ended, with what could be seen while and right after it ran."""

    ran: subprocess.CompletedProcess[str]
    command_lines: frozenset[str]
    documents: tuple[str, ...]
    pids_before: dict[str, int]

    @property
    def release(self) -> str:
        return str(outcome(self.ran)["release"])


def watched(server: Server, *arguments: str) -> Deployed:
    """Run the program while documents come in, and note every command line on the machine."""
    documents = tuple(server.add_document() for _ in range(3))
    pids = server.pids()
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for process in psutil.process_iter(["cmdline"]):
                seen.add(" ".join(process.info["cmdline"] or ()))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        ran = server.registre(*arguments)
    finally:
        ended.set()
        watching.join()
    return Deployed(ran, frozenset(seen), documents, pids)


@pytest.fixture(scope="module")
def first(server: Server, wheel: Path) -> Deployed:
    """The deploy that replaces the legacy programs, with everything installed as on a server."""
    return watched(server, *server.deploy_arguments(wheel))


@pytest.fixture(scope="module")
def upgrade(server: Server, thin: Path, first: Deployed) -> Deployed:
    """A second release with another setting, and a fleet whose file says something new."""
    server.write_settings(OCR_WORKER_POOL_SIZE="3")
    server.write_ecosystem(NOTE="the second")
    return watched(server, *server.deploy_arguments(thin))


def test_a_dry_run_prints_from_what_to_what_and_changes_nothing(server: Server, thin: Path) -> None:
    before = (server.pids(), sorted(server.folder.rglob("*")))
    arguments = [word for word in server.deploy_arguments(thin) if word != "--yes"]
    ran = server.registre(*arguments, "--dry-run")
    assert ran.returncode == 0, ran.stderr
    (plan,) = json.loads(ran.stdout)["plans"]
    steps = {step["name"]: (step["from"], step["to"]) for step in plan["steps"]}
    assert list(steps) == [
        "lock", "install", "verify-setup", "migrate", "snapshot", "stop", "legacy", "orphans",
        "switch", "start", "neighbours", "health", "save", "audit",
    ]  # fmt: skip
    assert steps["install"][0] == "no release"
    assert "DEV_DATABASE_URL" in steps["install"][1]
    for name in LEGACY:
        assert f"{name} running (pid {before[0][name]})" in steps["legacy"][0]
    assert steps["neighbours"][1].startswith(", ".join(NEIGHBOURS))
    assert PLANTED not in ran.stdout + ran.stderr
    shown = server.registre(*[word for word in arguments if word != "--json"], "--dry-run")
    assert "7  legacy        registre-ocr running" in shown.stderr
    assert "→ stopped; removed once the new pool is healthy" in shown.stderr
    after = (server.pids(), sorted(server.folder.rglob("*")))
    # PM2 itself writes a log of its own when it is asked.
    assert after == before


def test_a_script_is_never_asked(server: Server, thin: Path) -> None:
    arguments = [word for word in server.deploy_arguments(thin) if word != "--yes"]
    ran = server.registre(*arguments)
    assert ran.returncode == 2
    assert "nobody is there to be asked" in ran.stderr
    assert "--yes" in ran.stderr


def test_a_person_is_asked_once_and_may_say_no(server: Server, thin: Path) -> None:
    before = server.pids()
    arguments = [word for word in server.deploy_arguments(thin) if word not in {"--yes", "--json"}]
    code, said = at_a_terminal(server, *arguments, answer="n")
    assert code == 130
    assert said.count("Go on? [y/N]") == 1
    assert (server.pids(), server.current()) == (before, None)


def test_the_pool_takes_the_place_of_the_legacy_programs(server: Server, first: Deployed) -> None:
    assert first.ran.returncode == 0, first.ran.stderr
    assert outcome(first.ran)["ending"] == "healthy"
    assert server.listed() == dict.fromkeys(("ocr-pool", *NEIGHBOURS), "online")
    for name in LEGACY:
        assert not psutil.pid_exists(first.pids_before[name])
    server.assert_one_pool(first.release)
    (pool,) = server.pools()
    assert (pool["release"], pool["size"]) == (first.release, 2)
    server.wait_read(*first.documents)


def test_no_secret_is_in_the_process_list_in_pm2_or_in_what_was_said(
    server: Server, first: Deployed
) -> None:
    assert first.ran.returncode == 0, first.ran.stderr
    assert any("pool run" in line for line in first.command_lines)
    secrets = (PLANTED, server.dsn)
    assert not [line for line in first.command_lines if any(s in line for s in secrets)]
    dump = (server.pm2_home / "dump.pm2").read_text()
    assert sorted(app["name"] for app in json.loads(dump)) == sorted(("ocr-pool", *NEIGHBOURS))
    said = first.ran.stdout + first.ran.stderr
    for text in (dump, server.pm2("jlist", "--silent"), said):
        assert not [secret for secret in secrets if secret in text]
    (pool,) = server.pool_processes()
    for process in (pool, *pool.children(recursive=True), *server.fleet_processes()):
        assert PLANTED not in str(process.environ())
    releases = server.home / "deploy" / "releases"
    for settings in releases.rglob("registre.env"):
        assert settings.stat().st_mode & 0o777 == 0o600
    holders = [
        path
        for path in server.home.rglob("*")
        if path.is_file() and "venv" not in path.parts and PLANTED in path.read_text("latin-1")
    ]
    assert {path.name for path in holders} == {"registre.env"}


def test_what_was_saved_comes_back_after_a_boot(server: Server, first: Deployed) -> None:
    server.pm2("kill")
    wait_for(lambda: not server.pool_processes(), 20, "the pool outlived its PM2")
    server.pm2("resurrect")
    assert server.listed() == dict.fromkeys(("ocr-pool", *NEIGHBOURS), "online")
    server.assert_one_pool(first.release)


def test_an_upgrade_restarts_everything_with_what_is_new_and_loses_no_document(
    server: Server, upgrade: Deployed
) -> None:
    assert upgrade.ran.returncode == 0, upgrade.ran.stderr
    assert server.listed() == dict.fromkeys(("ocr-pool", *NEIGHBOURS), "online")
    pids = server.pids()
    assert not set(pids.values()) & set(upgrade.pids_before.values())
    server.assert_one_pool(upgrade.release)
    (pool,) = server.pools()
    assert (pool["release"], pool["size"]) == (upgrade.release, 3)
    for name in NEIGHBOURS:
        assert psutil.Process(pids[name]).environ()["NOTE"] == "the second"
    server.wait_read(*upgrade.documents)
    (plan, _) = upgrade.ran.stderr.split("1/14", 1)
    assert "changed settings: OCR_WORKER_POOL_SIZE\n" in plan


def test_the_users_own_file_is_read_and_never_written(server: Server, upgrade: Deployed) -> None:
    assert upgrade.ran.returncode == 0
    assert server.ecosystem.read_text() == server.ecosystem_text
    assert server.ecosystem.stat().st_mtime_ns == server.ecosystem_written_ns
    assert [path.name for path in server.ecosystem.parent.glob("ecosystem*")] == [
        "ecosystem.config.js"
    ]


def test_status_says_healthy_and_unlock_finds_nothing(server: Server, upgrade: Deployed) -> None:
    ran = server.registre("deploy", "status")
    assert ran.returncode == 0, ran.stdout
    assert "local: HEALTHY" in ran.stdout
    assert upgrade.release in ran.stdout
    (target,) = json.loads(server.registre("deploy", "status", "--json").stdout)["targets"]
    assert (target["ok"], target["release"], target["lock"]) == (True, upgrade.release, None)
    assert {p["name"]: p["state"] for p in target["processes"]} == dict.fromkeys(
        ("ocr-pool", *NEIGHBOURS), "running"
    )
    assert "there was no lock" in server.registre("deploy", "unlock").stdout


def test_a_roll_back_brings_the_earlier_release_with_its_own_settings(
    server: Server, first: Deployed, upgrade: Deployed
) -> None:
    code, said = at_a_terminal(server, "deploy", "rollback", answer="y")
    assert code == 0, said
    assert said.count("Go on? [y/N]") == 1
    server.assert_one_pool(first.release)
    (pool,) = server.pools()
    assert (pool["release"], pool["size"]) == (first.release, 2)
    ran = server.registre("deploy", "history", "--json")
    (target,) = json.loads(ran.stdout)["targets"]
    assert [(d["kind"], d["release"], d["ending"]) for d in target["deploys"]] == [
        ("deploy", first.release, "healthy"),
        ("deploy", upgrade.release, "healthy"),
        ("rollback", first.release, "healthy"),
    ]
    assert all(d["gap_seconds"] > 0 for d in target["deploys"])
    assert upgrade.release in server.registre("deploy", "history").stdout


def test_a_server_without_uv_installs_by_pip(
    server: Server, thin: Path, first: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "programs", ())
    without = server.environment["PATH"].split(":")
    monkeypatch.setenv("PATH", ":".join(p for p in without if not Path(p, "uv").exists()))
    python = str(Path(sys.executable).resolve())
    ran = server.deploy(thin, "--python", python)
    assert ran.returncode == 0, ran.stderr
    release = str(outcome(ran)["release"])
    venv = server.records / "releases" / release / "venv"
    assert (venv / "bin" / "pip").exists()
    server.assert_one_pool(release)


def at_a_terminal(server: Server, *arguments: str, answer: str) -> tuple[int, str]:
    """Run the program where somebody can answer; return its code and what was on the screen."""
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    ran = subprocess.run(
        [PROGRAMS / "registre", *arguments],
        env=server.environment,
        cwd=server.folder,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    return ran.returncode, ran.stdout
