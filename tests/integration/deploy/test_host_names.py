"""`--host` at the keyboard: what is refused, and what is said of hosts that do not answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REGISTRE = Path(sys.executable).with_name("registre")


def registre(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REGISTRE, *arguments],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_every_host_that_does_not_answer_is_named_and_leaves_nothing_behind() -> None:
    before = set(Path("/tmp").glob("registre-ssh-*"))
    ran = registre("deploy", "status", "--json", "--host", "one.invalid", "--host", "two.invalid")
    assert ran.returncode == 4
    assert json.loads(ran.stdout) == {"targets": []}
    for name in ("one.invalid", "two.invalid"):
        assert f"Error: {name} cannot be reached: ssh: Could not resolve hostname" in ran.stderr
        assert f"fix: try `ssh {name} true`" in ran.stderr
    assert set(Path("/tmp").glob("registre-ssh-*")) <= before


def test_hosts_that_cannot_be_planned_keep_every_host_from_being_touched(tmp_path: Path) -> None:
    wheel = tmp_path / "registre_cli-0.0.1-py3-none-any.whl"
    wheel.touch()
    ran = registre(
        "deploy", "--yes", "--parallel", "2", "--wheel", str(wheel),
        "--host", "one.invalid", "--host", "two.invalid",
    )  # fmt: skip
    assert ran.returncode == 4
    assert (
        "Error: 2 of 2 hosts are not ready, nothing was changed: one.invalid cannot " in ran.stderr
    )


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (["a", "a"], "--host a is given twice"),
        (["-oProxyCommand=id"], "is not a host"),
        (["a b"], "'a b' is not a host"),
    ],
)
def test_names_that_cannot_be_meant_are_wrong_usage(hosts: list[str], said: str) -> None:
    words = [word for host in hosts for word in ("--host", host)]
    ran = registre("deploy", "status", *words)
    assert ran.returncode == 2
    assert said in ran.stderr
