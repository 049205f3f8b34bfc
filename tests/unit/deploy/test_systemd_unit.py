"""The pool's unit and the command lines for systemd, built and not run."""

import pytest

from registre_cli.deploy.managers.base import PoolDefinition, RunState
from registre_cli.deploy.managers.systemctl import Systemctl, parse_show
from registre_cli.deploy.managers.unit import MARK, render_unit

_SHOWN = """\
Id=ocr-pool.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
TimeoutStopUSec=1min 30s
ExecStart={ path=/r/registre ; argv[]=/r/registre pool run ; ignore_errors=no ; pid=0 ; status=0/0 }
MainPID=4242
NRestarts=3

Id=registre-ocr.service
LoadState=not-found
ActiveState=inactive
TimeoutStopUSec=1min 30s
MainPID=0

Id=registre-api.service
LoadState=loaded
ActiveState=activating
UnitFileState=disabled
TimeoutStopUSec=infinity
MainPID=0
NRestarts=0

Id=registre-worker.service
LoadState=masked
ActiveState=inactive
"""


def pool(**changes: object) -> PoolDefinition:
    given: dict[str, object] = {
        "release": "1.2.3",
        "command": ("/srv/r/registre", "pool", "run", "--env-file", "/srv/r/registre.env"),
        "folder": "/srv/r",
        "environment": {"REGISTRE_RELEASE": "1.2.3"},
        "environment_file": "/srv/r/registre.env",
        "stop_seconds": 44.5,
        "memory_limit_bytes": 3_500_000_000,
    }
    return PoolDefinition.model_validate({**given, **changes})


def settings(unit: str, name: str) -> list[str]:
    return [line.split("=", 1)[1] for line in unit.splitlines() if line.startswith(f"{name}=")]


def test_the_unit_waits_for_readiness_watches_the_loop_and_gives_a_page_its_time() -> None:
    unit = render_unit(pool(), None)
    assert unit.startswith(MARK)
    assert settings(unit, "Type") == ["notify"]
    assert settings(unit, "WatchdogSec") == ["30"]
    assert settings(unit, "KillMode") == ["mixed"]
    assert settings(unit, "TimeoutStopSec") == ["45"]
    assert settings(unit, "MemoryMax") == ["3500000000"]
    assert settings(unit, "Environment") == ["PYTHONFAULTHANDLER=1", "REGISTRE_RELEASE=1.2.3"]


def test_secrets_reach_the_pool_by_a_file_that_systemd_hands_over() -> None:
    unit = render_unit(pool(), None)
    assert settings(unit, "LoadCredential") == ["registre.env:/srv/r/registre.env"]
    assert settings(unit, "ExecStart") == [
        "/srv/r/registre pool run --env-file ${CREDENTIALS_DIRECTORY}/registre.env"
    ]


def test_root_deploys_a_pool_that_is_nobody_s_and_a_person_their_own() -> None:
    assert settings(render_unit(pool(), None), "DynamicUser") == ["yes"]
    theirs = render_unit(pool(folder="/home/ops/r"), "ops")
    assert settings(theirs, "User") == ["ops"]
    assert settings(theirs, "DynamicUser") == []
    assert settings(theirs, "ProtectHome") == ["read-only"]
    assert settings(render_unit(pool(), None), "ProtectHome") == ["yes"]


def test_words_that_systemd_would_change_are_quoted() -> None:
    unit = render_unit(
        pool(
            command=("/srv/r/registre", "a b", "100%", "$HOME", 'say "hi"', "back\\slash", ""),
            environment={"NOTE": "50% of it's $5"},
            folder="/srv/my r%",
        ),
        None,
    )
    assert settings(unit, "ExecStart") == [
        '/srv/r/registre "a b" 100%% $$HOME "say \\"hi\\"" "back\\\\slash" ""'
    ]
    assert settings(unit, "Environment")[1] == '"NOTE=50%% of it\'s $5"'
    assert settings(unit, "WorkingDirectory") == ["/srv/my r%%"]


def test_a_pool_of_any_size_has_no_memory_limit() -> None:
    unit = render_unit(pool().model_copy(update={"memory_limit_bytes": None}), None)
    assert settings(unit, "MemoryMax") == ["infinity"]


@pytest.mark.parametrize("as_root", [(), ("sudo", "-n")])
def test_command_lines_are_exactly_these(as_root: tuple[str, ...]) -> None:
    systemctl = Systemctl(as_root)
    shown = "Id,LoadState,ActiveState,MainPID,NRestarts,UnitFileState,TimeoutStopUSec,ExecStart"
    assert systemctl.show(["ocr-pool", "registre-api"]) == (
        "systemctl", "show", "--no-pager", f"--property={shown}",
        "ocr-pool.service", "registre-api.service",
    )  # fmt: skip
    assert systemctl.order("start", "ocr-pool", "--no-block") == (
        *as_root, "systemctl", "start", "--no-block", "ocr-pool.service",
    )  # fmt: skip
    assert systemctl.reload() == (*as_root, "systemctl", "daemon-reload")
    folder = "/etc/systemd/system"
    assert systemctl.install("/srv/r/ocr-pool.service", "ocr-pool") == (
        (*as_root, "install", "-m", "0644", "/srv/r/ocr-pool.service",
         f"{folder}/.ocr-pool.service"),
        (*as_root, "mv", "-f", f"{folder}/.ocr-pool.service", f"{folder}/ocr-pool.service"),
    )  # fmt: skip
    assert systemctl.remove("ocr-pool") == (*as_root, "rm", "-f", f"{folder}/ocr-pool.service")
    assert systemctl.logs("ocr-pool", 20) == (
        *as_root, "journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=20",
        "--unit=ocr-pool.service",
    )  # fmt: skip


def test_what_systemd_tells_is_read_and_units_that_do_not_exist_are_left_out() -> None:
    ours, api = parse_show(_SHOWN)
    assert (ours.name, ours.process.pid, ours.process.restarts) == ("ocr-pool", 4242, 3)
    assert ours.process.state is RunState.RUNNING
    assert ours.process.command == "/r/registre pool run"
    assert (ours.at_boot, ours.stop_seconds, ours.alive) == (True, 90.0, True)
    assert (api.name, api.process.pid, api.process.state) == (
        "registre-api", None, RunState.STARTING,
    )  # fmt: skip
    assert (api.at_boot, api.stop_seconds) == (False, 3600.0)
