"""What a deploy wants of a process manager; PM2 and systemd each fulfil it in their way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal, Protocol

from pydantic import BaseModel

ManagerName = Literal["pm2", "systemd"]
POOL_NAME = "ocr-pool"
# What ran before there was a pool; a deploy stops them, and removes them once the pool is healthy.
LEGACY_NAMES = ("registre-ocr", "registre-worker")
# What lives beside the pool, where the user's own ecosystem.config.js defines it.
NEIGHBOUR_NAMES = ("registre-workers", "registre-monitor", "registre-api")


class RunState(StrEnum):
    """What a manager says of a process. It is the manager's word only: the gate asks the pool."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


ALIVE_STATES = frozenset({RunState.STARTING, RunState.RUNNING, RunState.STOPPING})


@dataclass(frozen=True)
class ManagedProcess:
    """One process that a manager knows; `command` is a path or a line, for people."""

    name: str
    pid: int | None
    state: RunState
    command: str
    restarts: int = 0


class PoolDefinition(BaseModel, frozen=True):
    """How a release's pool is run. It is stored with the release and holds no secret.

    `environment` are plain variables; what is secret is in `environment_file` (mode 0600), which
    the command reads by itself. `stop_seconds` is how long the pool may take after its one
    signal, `memory_limit_bytes` is for the supervisor and its workers together, `None` where the
    pool chooses its size by itself.
    """

    name: str = POOL_NAME
    release: str
    command: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    environment_file: str
    stop_seconds: float
    memory_limit_bytes: int | None


class Snapshot(BaseModel, frozen=True):
    """What a manager had before a deploy touched it: enough to bring it back.

    `running`, `stopped` and `at_boot` (what starts by itself) are names; `definitions` are files
    of the manager that it needs to restore (a unit's text by its path), never one with a secret.
    """

    running: tuple[str, ...]
    stopped: tuple[str, ...]
    at_boot: tuple[str, ...] = ()
    definitions: dict[str, str] = {}


class ProcessManager(Protocol):
    """Runs processes by name.

    Each method raises UnreachableError where the manager is silent, and ProblemFoundError where
    it refuses.
    """

    @property
    def name(self) -> ManagerName:
        """Which manager this is."""

    def list(self) -> tuple[ManagedProcess, ...]:
        """Return every process that it knows, running or not."""

    def define(self, definition: PoolDefinition, folder: PurePosixPath) -> None:
        """Make it know this pool in place of the one of that name, which is stopped.

        `folder` is the release's: files that the manager reads may be written there.
        """

    def start(self, name: str) -> None:
        """Start what is defined; it need not be healthy when this returns."""

    def stop(self, name: str) -> None:
        """Send one polite signal and wait until the process is gone, at most its stop time.

        Never a second signal before that: it makes a pool stop at once. Stopping what does not
        run, or is not known, is no error.
        """

    def restart(self, name: str) -> None:
        """Stop and start with the definition that it knows."""

    def delete(self, name: str) -> None:
        """Stop it and forget it; it does not come back at boot. Unknown names are no error."""

    def save(self) -> None:
        """Make what runs now come back after a boot."""

    def snapshot(self, names: Sequence[str]) -> Snapshot:
        """Return what these names are now, so that `restore` can bring them back."""

    def restore(self, snapshot: Snapshot, names: Sequence[str]) -> None:
        """Bring these names back to what they were; safe to repeat, and after a crash of it."""

    def logs(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the last lines that a process wrote, oldest first; none where there are none."""
