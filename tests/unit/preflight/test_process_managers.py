"""What is said of the programs that PM2 and systemd keep, and of the versions that run."""

from dataclasses import dataclass

import pytest

from registre_cli.core.processes import ManagedProcess
from registre_cli.core.systemd import UnitState, parse_units
from registre_cli.preflight.check import CheckStatus
from registre_cli.preflight.service import judge, judge_versions

POOL = ManagedProcess("ocr-pool", "online", 7, "/srv/registre/current/bin/registre pool run")
LEGACY = ManagedProcess("registre-ocr", "online", 8, "/srv/old/monitor.py")
SHOWN = """Id=ocr-pool.service
LoadState=loaded
ActiveState=active
MainPID=77
UnitFileState=enabled

Id=registre-ocr.service
LoadState=not-found
ActiveState=inactive
MainPID=0
UnitFileState=
"""


def test_units_that_do_not_exist_are_left_out() -> None:
    assert parse_units(SHOWN) == (UnitState("ocr-pool", "active", 77, True),)


@pytest.mark.parametrize(
    ("processes", "units", "status", "said"),
    [
        ([POOL], [], CheckStatus.PASS, "PM2 keeps ocr-pool"),
        ([POOL, LEGACY], [], CheckStatus.WARN, "legacy program registre-ocr (online)"),
        ([], [], CheckStatus.WARN, "neither PM2 nor systemd has the pool"),
        ([], [UnitState("ocr-pool", "active", 7, True)], CheckStatus.PASS, "systemd keeps"),
        ([], [UnitState("ocr-pool", "active", 7, False)], CheckStatus.WARN, "at boot"),
        ([POOL], [UnitState("registre-ocr", "active", 7, True)], CheckStatus.WARN, "systemd has"),
    ],
)
def test_the_pool_must_be_kept_and_the_legacy_program_gone(
    processes: list[ManagedProcess], units: list[UnitState], status: CheckStatus, said: str
) -> None:
    found = judge(processes, units)
    assert found.status is status
    assert said in found.message
    assert bool(found.fix) == (status is CheckStatus.WARN)


@dataclass
class Pool:
    pool_id: str
    host: str
    version: str


def test_only_the_pools_of_this_host_are_compared_with_what_is_installed() -> None:
    here, there = Pool("a", "here", "1.0"), Pool("b", "there", "0.9")
    assert judge_versions([here, there], "here", "1.0").status is CheckStatus.PASS
    found = judge_versions([here, there], "there", "1.0")
    assert found.status is CheckStatus.WARN and "b runs 0.9" in found.message
    assert judge_versions([], "here", "1.0").status is CheckStatus.SKIP
