"""Checks of what keeps the pool alive on this host, and of what really runs here."""

import socket
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Protocol

from registre_cli.core.processes import (
    LEGACY_NAMES,
    POOL_NAME,
    ManagedProcess,
    defined_in_pm2,
    running_under_pm2,
)
from registre_cli.core.systemd import UnitState, known_units
from registre_cli.preflight.check import Finding, passed, skipped, warned


class LivingPool(Protocol):
    """What a pool tells of itself, wherever it runs."""

    @property
    def pool_id(self) -> str:
        """Its name."""

    @property
    def host(self) -> str:
        """Where it runs."""

    @property
    def version(self) -> str:
        """Which version of ours it runs."""


# The pools that live, or `None` where nobody knows.
AskPools = Callable[[], Sequence[LivingPool] | None]


def manager() -> Finding:
    """Check that PM2 or systemd knows the pool and no longer the program that it replaced.

    Nothing here is a failure: a pool can be started by hand, and a deploy mends the rest.
    """
    listed = defined_in_pm2()
    processes = running_under_pm2() if listed is None else listed
    units = known_units([POOL_NAME, *sorted(LEGACY_NAMES)])
    if not processes and listed is None and units is None:
        return skipped("neither PM2 nor systemd runs here")
    return judge(processes, units or ())


def judge(processes: Sequence[ManagedProcess], units: Sequence[UnitState]) -> Finding:
    """Say what is wrong with what the managers know."""
    if legacy := [process for process in processes if process.is_legacy]:
        names = " ".join(process.name for process in legacy)
        shown = ", ".join(f"{process.name} ({process.status})" for process in legacy)
        return warned(
            f"PM2 has the legacy program {shown}",
            f"registre deploy, or by hand: pm2 delete {names}; pm2 save",
        )
    if old := [unit for unit in units if unit.name in LEGACY_NAMES]:
        shown = ", ".join(f"{unit.name} ({unit.state})" for unit in old)
        return warned(
            f"systemd has the legacy program {shown}",
            f"systemctl disable --now {' '.join(unit.name for unit in old)}",
        )
    pool = next((process for process in processes if process.is_pool), None)
    if pool is not None:
        return passed(f"PM2 keeps {pool.name} ({pool.status})")
    unit = next((unit for unit in units if unit.name == POOL_NAME), None)
    if unit is None:
        return warned(
            "neither PM2 nor systemd has the pool: nobody starts it again",
            "registre deploy, or a manager of your own that runs registre pool run",
        )
    if not unit.at_boot:
        return warned(
            f"systemd does not start {unit.name} at boot", f"systemctl enable {unit.name}"
        )
    return passed(f"systemd keeps {unit.name} ({unit.state})")


def running_version(ask: AskPools) -> Finding:
    """Check that the pools of this host run the version that is installed."""
    pools = ask()
    if pools is None:
        return skipped("without REDIS_URL nobody knows what runs")
    return judge_versions(pools, socket.gethostname(), version("registre-cli"))


def judge_versions(pools: Sequence[LivingPool], host: str, installed: str) -> Finding:
    """Say which pools of a host run another version than the installed one."""
    here = [pool for pool in pools if pool.host == host]
    if not here:
        return skipped("no pool lives on this host")
    other = [f"{pool.pool_id} runs {pool.version}" for pool in here if pool.version != installed]
    if other:
        return warned(
            f"{installed} is installed, and {', '.join(other)}",
            "restart the pool: registre pool stop lets it finish its pages",
        )
    return passed(f"{len(here)} live on this host, all of version {installed}")
