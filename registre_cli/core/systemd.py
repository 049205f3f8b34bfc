"""What systemd knows of a few units, where this host runs systemd at all."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registre_cli.core.errors import UnreachableError

SYSTEMCTL_TIMEOUT_SECONDS = 4.0
# Exists exactly where systemd is the first process.
_MARK = Path("/run/systemd/system")


@dataclass(frozen=True)
class UnitState:
    """One service that systemd has loaded; `pid` is `None` where it does not run."""

    name: str
    state: str
    pid: int | None
    at_boot: bool


def known_units(names: Sequence[str]) -> tuple[UnitState, ...] | None:
    """Return those of the named services that exist; `None` where systemd does not run.

    Raises UnreachableError where it does not answer.
    """
    if not _MARK.is_dir():
        return None
    properties = "--property=Id,LoadState,ActiveState,MainPID,UnitFileState"
    units = [f"{name}.service" for name in names]
    try:
        ran = subprocess.run(
            ["systemctl", "show", "--no-pager", properties, *units],
            capture_output=True,
            text=True,
            timeout=SYSTEMCTL_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnreachableError(
            f"systemd cannot be asked ({type(error).__name__})", fix="systemctl status"
        ) from None
    return parse_units(ran.stdout)


def parse_units(said: str) -> tuple[UnitState, ...]:
    """Read the answer of `systemctl show`: blocks of `Property=value`."""
    found = []
    for block in said.strip().split("\n\n"):
        about = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if about.get("LoadState") == "loaded":
            found.append(
                UnitState(
                    about["Id"].removesuffix(".service"),
                    about.get("ActiveState", "unknown"),
                    int(about.get("MainPID", "0")) or None,
                    about.get("UnitFileState", "").startswith("enabled"),
                )
            )
    return tuple(found)
