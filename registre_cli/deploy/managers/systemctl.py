"""What is asked of systemd, as command lines, and what it answers, as models. Nothing runs here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from registre_cli.deploy.managers.base import ManagedProcess, RunState

Command = tuple[str, ...]

UNIT_FOLDER = "/etc/systemd/system"
# `infinity` in a unit of somebody's own: we still do not wait for ever.
_LONGEST_SECONDS = 3600.0
_SHOWN = "Id,LoadState,ActiveState,MainPID,NRestarts,UnitFileState,TimeoutStopUSec,ExecStart"
_STATES = {
    "activating": RunState.STARTING,
    "active": RunState.RUNNING,
    "reloading": RunState.RUNNING,
    "deactivating": RunState.STOPPING,
    "inactive": RunState.STOPPED,
    "failed": RunState.FAILED,
}
_UNITS_IN_SECONDS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1,
    "min": 60,
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
}
_SPAN = re.compile(r"([\d.]+)(us|ms|s|min|h|d|w)\b")
_ARGUMENTS = re.compile(r"argv\[\]=(.*?) ; ")


@dataclass(frozen=True)
class UnitStatus:
    """One unit that systemd has loaded."""

    process: ManagedProcess
    at_boot: bool
    stop_seconds: float

    @property
    def name(self) -> str:
        """Its name without the ending."""
        return self.process.name

    @property
    def alive(self) -> bool:
        """Whether it runs, begins to, or has not quite ended."""
        return self.process.state not in {RunState.STOPPED, RunState.FAILED}


@dataclass(frozen=True)
class Systemctl:
    """Builds command lines; `as_root` stands before those that need the right."""

    as_root: Command = ()
    folder: str = UNIT_FOLDER

    def path(self, name: str) -> str:
        """Return where the unit file of the administrator is."""
        return f"{self.folder}/{unit_of(name)}"

    def show(self, names: Sequence[str]) -> Command:
        """Ask for the state of units; those that do not exist are answered too."""
        return ("systemctl", "show", "--no-pager", f"--property={_SHOWN}", *map(unit_of, names))

    def order(self, what: str, name: str, *options: str) -> Command:
        """Give an order for one unit."""
        return (*self.as_root, "systemctl", what, *options, unit_of(name))

    def reload(self) -> Command:
        """Let systemd read the unit files anew."""
        return (*self.as_root, "systemctl", "daemon-reload")

    def install(self, source: str, name: str) -> tuple[Command, Command]:
        """Copy a unit file beside its place and rename it, so that nobody reads half of it."""
        fresh = f"{self.folder}/.{unit_of(name)}"
        return (
            (*self.as_root, "install", "-m", "0644", source, fresh),
            (*self.as_root, "mv", "-f", fresh, self.path(name)),
        )

    def remove(self, name: str) -> Command:
        """Remove a unit file."""
        return (*self.as_root, "rm", "-f", self.path(name))

    def logs(self, name: str, lines: int) -> Command:
        """Ask for the last lines that a unit wrote."""
        return (
            *self.as_root, "journalctl", "--no-pager", "--quiet", "--output=cat",
            f"--lines={lines}", f"--unit={unit_of(name)}",
        )  # fmt: skip


def unit_of(name: str) -> str:
    """Return the unit's name of a process."""
    return f"{name}.service"


def parse_show(text: str) -> tuple[UnitStatus, ...]:
    """Return the units of `systemctl show` that exist."""
    found = []
    for block in text.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if properties.get("LoadState") not in {"not-found", "masked", None}:
            found.append(_status(properties))
    return tuple(found)


def _status(properties: dict[str, str]) -> UnitStatus:
    command = _ARGUMENTS.search(properties.get("ExecStart", ""))
    pid = int(properties.get("MainPID", "0"))
    return UnitStatus(
        ManagedProcess(
            name=properties["Id"].removesuffix(".service"),
            pid=pid or None,
            state=_STATES.get(properties.get("ActiveState", ""), RunState.FAILED),
            command=command[1] if command else "",
            restarts=int(properties.get("NRestarts", "0")),
        ),
        at_boot=properties.get("UnitFileState") in {"enabled", "enabled-runtime"},
        stop_seconds=_seconds(properties.get("TimeoutStopUSec", "")),
    )


def _seconds(span: str) -> float:
    """Return a time span as systemd prints it: `1min 30s`."""
    parts = _SPAN.findall(span)
    if not parts:
        return _LONGEST_SECONDS
    total = sum(float(number) * _UNITS_IN_SECONDS[unit] for number, unit in parts)
    return min(total, _LONGEST_SECONDS)
