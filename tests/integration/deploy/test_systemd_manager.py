"""The pool as a unit: defined, run, stopped, forgotten and brought back.

No systemd may run in a test: `systemd_stand_in` reads our units and runs their processes.
"""

import json
import os
import sys
from pathlib import Path, PurePosixPath

import psutil
import pytest
from pool_harness import wait_for
from systemd_host import SystemdHost

from registre_cli.core.errors import ConfigurationError, UnreachableError
from registre_cli.deploy.managers.base import PoolDefinition, RunState
from registre_cli.deploy.managers.systemd import ForeignUnitError, SystemdManager
from registre_cli.deploy.site import Site

_SECRET = "pl4nted-s3cret"
# A pool that reads its settings, starts a child, says ready, and takes one signal to end.
_PROGRAM = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from registre_cli.core.sd_notify import take_notifier
notifier = take_notifier()
settings = Path(sys.argv[sys.argv.index("--env-file") + 1]).read_text()
child = subprocess.Popen(["sleep", "1000"])
signals = []
signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
print(json.dumps({"settings": settings, "child": child.pid, "pid": os.getpid(),
                  "release": os.environ["REGISTRE_RELEASE"]}), flush=True)
time.sleep(0.3)
notifier.ready()
while not signals:
    time.sleep(0.01)
time.sleep(0.3)
print(f"ended by {len(signals)} signals", flush=True)
"""
_LEGACY = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture
def manager(systemd_host: SystemdHost) -> SystemdManager:
    return SystemdManager(systemd_host.site, folder=str(systemd_host.units))


def define(host: SystemdHost, manager: SystemdManager, release: str = "1") -> None:
    folder = Path(host.site.releases) / release
    folder.mkdir()
    (folder / "pool.py").write_text(_PROGRAM)
    (folder / "registre.env").touch(mode=0o600)
    (folder / "registre.env").write_text(f"DEV_DATABASE_URL={_SECRET}\n")
    settings = str(folder / "registre.env")
    definition = PoolDefinition(
        release=release,
        command=(sys.executable, str(folder / "pool.py"), "--env-file", settings),
        folder=str(folder),
        environment={"REGISTRE_RELEASE": release, "PYTHONPATH": str(Path.cwd())},
        environment_file=settings,
        stop_seconds=5,
        memory_limit_bytes=500_000_000,
    )
    manager.define(definition, PurePosixPath(folder))


def state(manager: SystemdManager, name: str = "ocr-pool") -> RunState | None:
    return next((p.state for p in manager.list() if p.name == name), None)


def started(host: SystemdHost, manager: SystemdManager) -> dict[str, object]:
    """Start the pool and return what it said."""
    lives = host.written("ocr-pool").count('"settings"')
    manager.start("ocr-pool")
    wait_for(
        lambda: (
            host.written("ocr-pool").count('"settings"') > lives
            and state(manager) is RunState.RUNNING
        ),
        15,
        f"the pool did not start: {host.written('ocr-pool')}",
    )
    said = [line for line in host.written("ocr-pool").splitlines() if line.startswith("{")]
    last: dict[str, object] = json.loads(said[-1])
    return last


def test_the_pool_gets_its_secrets_by_a_file_and_nobody_else_sees_them(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    define(systemd_host, manager)
    said = started(systemd_host, manager)
    assert _SECRET in str(said["settings"])
    pool = psutil.Process(int(str(said["pid"])))
    assert not [value for value in pool.environ().values() if _SECRET in value]
    assert not [word for word in pool.cmdline() if _SECRET in word]
    assert _SECRET not in (systemd_host.units / "ocr-pool.service").read_text()
    (listed,) = manager.list()
    assert (listed.pid, listed.state, listed.restarts) == (pool.pid, RunState.RUNNING, 0)
    assert manager.logs("ocr-pool", 1)[0].startswith('{"settings"')


def test_a_pool_counts_as_started_only_when_it_says_so(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    define(systemd_host, manager)
    manager.start("ocr-pool")
    assert state(manager) is RunState.STARTING
    wait_for(lambda: state(manager) is RunState.RUNNING, 15, "it never said ready")


def test_a_stop_is_one_signal_and_leaves_no_child(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    define(systemd_host, manager)
    said = started(systemd_host, manager)
    manager.stop("ocr-pool")
    assert "ended by 1 signals" in systemd_host.written("ocr-pool")
    assert state(manager) is RunState.STOPPED
    wait_for(lambda: not psutil.pid_exists(int(str(said["child"]))), 5, "a child was left")
    manager.stop("ocr-pool")


def test_a_new_definition_takes_the_place_of_the_old_one(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    define(systemd_host, manager, "1")
    assert started(systemd_host, manager)["release"] == "1"
    manager.stop("ocr-pool")
    define(systemd_host, manager, "2")
    assert started(systemd_host, manager)["release"] == "2"


def test_what_was_is_brought_back_after_a_failed_upgrade_also_twice(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    define(systemd_host, manager, "1")
    started(systemd_host, manager)
    manager.save()
    before = (systemd_host.units / "ocr-pool.service").read_text()
    snapshot = manager.snapshot(["ocr-pool", "registre-api"])
    assert (snapshot.running, snapshot.at_boot) == (("ocr-pool",), ("ocr-pool",))
    assert _SECRET not in snapshot.model_dump_json()
    manager.stop("ocr-pool")
    define(systemd_host, manager, "2")
    assert started(systemd_host, manager)["release"] == "2"
    manager.delete("ocr-pool")
    assert manager.list() == ()
    for _ in range(2):
        manager.restore(snapshot, ["ocr-pool", "registre-api"])
        wait_for(lambda: state(manager) is RunState.RUNNING, 15, "the old pool did not come back")
    assert (systemd_host.units / "ocr-pool.service").read_text() == before
    assert json.loads(manager.logs("ocr-pool", 1)[0])["release"] == "1"
    assert manager.snapshot(["ocr-pool"]).at_boot == ("ocr-pool",)


def test_where_no_pool_was_none_is_left_after_a_roll_back(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    snapshot = manager.snapshot(["ocr-pool"])
    define(systemd_host, manager)
    started(systemd_host, manager)
    manager.restore(snapshot, ["ocr-pool"])
    assert manager.list() == ()
    assert not (systemd_host.units / "ocr-pool.service").exists()


def test_a_legacy_unit_is_forgotten_without_touching_its_file_and_comes_back_on_demand(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    path = systemd_host.write("registre-ocr", _LEGACY)
    systemd_host.order("enable", "registre-ocr.service")
    systemd_host.order("start", "registre-ocr.service")
    names = ["ocr-pool", "registre-ocr"]
    snapshot = manager.snapshot(names)
    assert state(manager, "registre-ocr") is RunState.RUNNING
    manager.delete("registre-ocr")
    assert manager.list() == ()
    assert path.read_text() == _LEGACY
    manager.restore(snapshot, names)
    assert state(manager, "registre-ocr") is RunState.RUNNING
    assert manager.snapshot(names) == snapshot


def test_a_neighbour_is_restarted_and_a_crashed_one_is_started_again(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    systemd_host.write("registre-api", _LEGACY)
    manager.start("registre-api")
    wait_for(
        lambda: state(manager, "registre-api") is RunState.RUNNING, 5, "the neighbour did not start"
    )
    (first,) = manager.list()
    manager.restart("registre-api")
    (second,) = manager.list()
    assert second.pid not in {None, first.pid}
    psutil.Process(second.pid).kill()
    wait_for(lambda: state(manager, "registre-api") is RunState.FAILED, 5, "it did not fail")
    manager.start("registre-api")
    wait_for(lambda: state(manager, "registre-api") is RunState.RUNNING, 5, "it did not come back")


def test_names_that_nobody_knows_are_no_error(manager: SystemdManager) -> None:
    manager.stop("registre-worker")
    manager.delete("registre-worker")
    assert manager.logs("registre-worker", 5) == ()
    assert manager.list() == ()


def test_a_unit_that_somebody_else_wrote_is_never_replaced(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    path = systemd_host.write("ocr-pool", _LEGACY)
    with pytest.raises(ForeignUnitError, match="not written by registre"):
        manager.snapshot(["ocr-pool"])
    with pytest.raises(ForeignUnitError):
        define(systemd_host, manager)
    assert path.read_text() == _LEGACY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's pool runs under another account")
def test_a_home_that_the_pools_account_cannot_enter_is_refused_before_anything_stops(
    systemd_host: SystemdHost, manager: SystemdManager
) -> None:
    closed = Path(systemd_host.site.home)
    closed.chmod(0o700)
    with pytest.raises(ConfigurationError, match=f"cannot enter {closed}$") as caught:
        manager.snapshot(["ocr-pool"])
    assert "--home" in str(caught.value.fix)


def test_a_host_without_systemd_says_so(tmp_path: Path) -> None:
    for program in ("sh", "id"):
        (tmp_path / program).symlink_to(f"/bin/{program}" if program == "sh" else "/usr/bin/id")
    site = Site(SystemdHost(tmp_path).site.transport, PurePosixPath("/"), {"PATH": str(tmp_path)})
    with pytest.raises(UnreachableError, match="systemd does not answer on local"):
        SystemdManager(site).list()
