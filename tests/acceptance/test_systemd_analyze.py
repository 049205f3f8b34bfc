"""systemd's own judgement of the unit, without any systemd running."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from registre_cli.deploy.managers.base import PoolDefinition
from registre_cli.deploy.managers.unit import render_unit

# systemd's scale goes from 0 (nothing exposed) to 10; the network and the documents stay reachable.
_EXPOSURE_LIMIT = 1.5


@pytest.fixture(params=[None, "daemon"], ids=["root", "person"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    settings = str(tmp_path / "registre.env")
    program = str(Path(sys.executable).with_name("registre"))
    definition = PoolDefinition(
        release="1.2.3",
        command=(program, "pool", "run", "--env-file", settings, "--env", "a 100% $b"),
        folder=str(tmp_path),
        environment={"REGISTRE_RELEASE": "1.2.3", "NOTE": '50% of it\'s "$5"'},
        environment_file=settings,
        stop_seconds=45,
        memory_limit_bytes=3_500_000_000,
    )
    path = tmp_path / "ocr-pool.service"
    path.write_text(render_unit(definition, request.param))
    return path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    ran = analyze("verify", str(unit))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_systemd_finds_what_is_wrong_with_another(unit: Path) -> None:
    """So that the silence of the test before means something."""
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMode=politely"))
    assert "kill mode" in analyze("verify", str(unit)).stderr


def test_the_unit_exposes_little(unit: Path) -> None:
    ran = analyze("security", "--offline=true", "--json=short", str(unit))
    assert ran.returncode == 0, ran.stderr
    exposed = {
        check["json_field"] for check in json.loads(ran.stdout) if float(check["exposure"] or 0) > 0
    }
    assert not exposed & {"NoNewPrivileges", "ProtectSystem", "PrivateTmp", "UserOrDynamicUser"}
    limit = round(_EXPOSURE_LIMIT * 10)
    ran = analyze("security", "--offline=true", f"--threshold={limit}", str(unit))
    assert ran.returncode == 0, ran.stdout
