"""What `pm2 jlist` says, without the environments in it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from registre_cli.core.errors import ProblemFoundError
from registre_cli.deploy.managers.base import ManagedProcess, RunState

_STATES = {
    "online": RunState.RUNNING,
    "launching": RunState.STARTING,
    "waiting restart": RunState.STARTING,
    "one-launch-status": RunState.RUNNING,
    "stopping": RunState.STOPPING,
    "stopped": RunState.STOPPED,
    "errored": RunState.FAILED,
}
# PM2 may print a line about itself before the list.
_LIST = re.compile(rb"^\[(?:\]|\s*\{).*", re.MULTILINE | re.DOTALL)
_KILL_TIMEOUT_MS = 1600.0


class _Environment(BaseModel):
    status: str
    pm_exec_path: str = ""
    args: list[str] | str = []
    kill_timeout: float | None = None
    restart_time: int = 0
    pm_out_log_path: str = ""
    pm_err_log_path: str = ""


class _Entry(BaseModel):
    name: str
    pid: int | None = None
    pm2_env: _Environment


class _List(BaseModel):
    entries: list[_Entry] = Field(default_factory=list)


@dataclass(frozen=True)
class Pm2Process:
    """One process of PM2; `program` is its script."""

    process: ManagedProcess
    program: str
    stop_seconds: float
    out_log: str
    error_log: str

    @property
    def name(self) -> str:
        """What PM2 calls it."""
        return self.process.name

    @property
    def state(self) -> RunState:
        """What PM2 says of it."""
        return self.process.state


def parse_list(output: bytes) -> tuple[Pm2Process, ...]:
    """Return the processes. Raises ProblemFoundError; PM2 is never quoted, it has secrets."""
    found = _LIST.search(output)
    try:
        entries: Any = json.loads(found.group(0)) if found else None
        listed = _List(entries=entries)
    except (ValueError, ValidationError):
        raise ProblemFoundError(
            "the list of PM2 cannot be understood", fix="see what `pm2 jlist` prints"
        ) from None
    return tuple(_process(entry) for entry in listed.entries)


def _process(entry: _Entry) -> Pm2Process:
    env = entry.pm2_env
    arguments = env.args if isinstance(env.args, list) else [env.args]
    state = _STATES.get(env.status, RunState.FAILED)
    return Pm2Process(
        ManagedProcess(
            name=entry.name,
            pid=entry.pid or None,
            state=state,
            command=" ".join([env.pm_exec_path, *arguments]),
            restarts=env.restart_time,
        ),
        program=env.pm_exec_path,
        stop_seconds=(env.kill_timeout or _KILL_TIMEOUT_MS) / 1000,
        out_log=env.pm_out_log_path,
        error_log=env.pm_err_log_path,
    )
