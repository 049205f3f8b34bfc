"""PM2, asked through its own command line with a clean environment.

PM2 stores the whole environment of whoever calls it, gives it to the process and writes it into
its dump: called with nothing but PATH and HOME, it has no secret to store.
"""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from registre_cli.core.errors import ProblemFoundError, UnreachableError
from registre_cli.deploy.managers.base import (
    ALIVE_STATES,
    ManagedProcess,
    ManagerName,
    PoolDefinition,
    RunState,
    Snapshot,
)
from registre_cli.deploy.managers.pm2_list import Pm2Process, parse_list
from registre_cli.deploy.orphans import Orphan, end_orphans, find_orphans, literal
from registre_cli.deploy.site import Site, complaint_of
from registre_cli.deploy.transport.base import Completed

_NOT_FOUND = 127
_COMMAND_SECONDS = 60.0
# What PM2 needs beside the stop time of a process.
_MARGIN_SECONDS = 30.0
_ORPHAN_SECONDS = 45.0
_DEFINITION = "ocr-pool.pm2.json"
# A first restart after so long, then longer and longer.
_RESTART_DELAY_MS = 500
_MEGABYTE = 1_000_000


class DaemonLostError(ProblemFoundError):
    """The PM2 that ran the fleet is gone, and an empty one took its place."""


class Pm2Manager:
    """The PM2 of one account on one target."""

    name: ManagerName = "pm2"

    def __init__(self, site: Site, program: str = "pm2") -> None:
        self._site = site
        self._program = program
        self._daemon: str | None = None
        # What it said last, until it is told to change something: each question costs it a third
        # of a second, and some are asked while no pool runs.
        self._listed: tuple[Pm2Process, ...] | None = None
        self._defined: PurePosixPath | None = None

    def list(self) -> tuple[ManagedProcess, ...]:
        """Return every process that PM2 knows."""
        return tuple(found.process for found in self._processes())

    def define(self, definition: PoolDefinition, folder: PurePosixPath) -> None:
        """Forget the pool of that name and write the new one's definition beside its release."""
        self.delete(definition.name)
        content = json.dumps({"apps": [_app(definition)]}, indent=2)
        self._site.transport.put(content.encode(), folder / _DEFINITION)
        self._defined = folder / _DEFINITION

    def start(self, name: str) -> None:
        """Start what PM2 knows by this name, or what was defined last."""
        what = name if self._named(name) else str(self._defined)
        self._must(f"{name} cannot be started", "start", what)

    def stop(self, name: str) -> None:
        """Send one SIGINT and wait; PM2 ends it by force after its `kill_timeout`."""
        for found in self._named(name):
            if found.state in ALIVE_STATES:
                self._must(
                    f"{name} cannot be stopped",
                    "stop",
                    name,
                    seconds=found.stop_seconds + _MARGIN_SECONDS,
                )
                return

    def restart(self, name: str) -> None:
        """Stop and start it, its environment unchanged."""
        stop_seconds = max((found.stop_seconds for found in self._named(name)), default=0.0)
        self._must(
            f"{name} cannot be restarted",
            "restart",
            name,
            seconds=stop_seconds + _MARGIN_SECONDS,
        )

    def start_from(self, ecosystem: PurePosixPath, names: Sequence[str]) -> None:
        """Start or restart processes as the user's own file defines them."""
        stop_seconds = sum(p.stop_seconds for p in self._known() if p.name in names)
        chosen = ",".join(names)
        # PM2 takes a relative script from where it is called: from the file's folder, as people do.
        self._listed = None
        within = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(ecosystem.parent)]
        ran = self._site.ask(
            [*within, self._program, "startOrRestart", ecosystem.name, "--only", chosen],
            timeout_seconds=stop_seconds + _MARGIN_SECONDS,
        )
        if not ran.ok:
            raise ProblemFoundError(
                f"{chosen} of {ecosystem} cannot be started: {complaint_of(ran)}",
                fix=f"cd {ecosystem.parent}; pm2 start {ecosystem.name} --only {chosen}",
            )

    def delete(self, name: str) -> None:
        """Stop it as `stop` does, and forget it."""
        for found in self._named(name):
            self._must(
                f"{name} cannot be deleted",
                "delete",
                name,
                seconds=found.stop_seconds + _MARGIN_SECONDS,
            )
            return

    def save(self) -> None:
        """Write PM2's dump, from which it starts after a boot."""
        listed = self._processes()
        self._must("PM2 cannot save", "save", "--force")
        self._listed = listed

    def lost_fleet(self) -> int:
        """Return how many processes the dump names while PM2 knows none: it died, or a boot."""
        if self._known():
            return 0
        dump = self._site.transport.get(PurePosixPath(self._home) / "dump.pm2")
        try:
            return len(json.loads(dump)) if dump else 0
        except ValueError:
            return 0

    def snapshot(self, names: Sequence[str]) -> Snapshot:
        """Let PM2 save what runs, so that it can bring it back; remember what is running.

        A PM2 that died first gets back what it ran: saving now would forget its fleet.
        """
        self._processes()
        if self.lost_fleet():
            self._resurrect()
        processes = self._known()
        if processes:
            self.save()
        return Snapshot(
            running=tuple(p.name for p in processes if p.state in ALIVE_STATES),
            stopped=tuple(p.name for p in processes if p.state not in ALIVE_STATES),
        )

    def restore(self, snapshot: Snapshot, names: Sequence[str]) -> None:
        """Bring the names back; where the daemon died, everything that it ran."""
        self._daemon = None
        processes = {found.name: found for found in self._processes()}
        for name in names:
            if name in processes and name not in (*snapshot.running, *snapshot.stopped):
                self.delete(name)
        missing = {*snapshot.running, *snapshot.stopped} - set(processes)
        if missing:
            self._resurrect()
        for found in self._processes():
            if found.name not in names:
                continue
            if found.name in snapshot.stopped:
                self.stop(found.name)
            elif found.name in snapshot.running and found.state is not RunState.RUNNING:
                self.stop(found.name)
                self.restart(found.name)
        states = {found.name: found.state for found in self._processes()}
        lost = [n for n in names if n in snapshot.running and states.get(n) not in ALIVE_STATES]
        if lost:
            raise ProblemFoundError(
                f"PM2 did not bring back {', '.join(lost)}", fix="pm2 list; pm2 resurrect"
            )

    def orphans(self) -> tuple[Orphan, ...]:
        """Return the processes that a PM2 of this account started and none knows any more."""
        found = find_orphans(self._site, f"pm_pid_path={literal(self._home)}/pids/.*")
        # Asked after: what was started again meanwhile is no orphan.
        managed = {listed.process.pid for listed in self._processes()}
        return tuple(orphan for orphan in found if orphan.pid not in managed)

    def logs(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the end of what it wrote on stderr, where a pool logs, else on stdout."""
        for found in self._named(name):
            for path in (found.error_log, found.out_log):
                ran = self._site.ask(["tail", "-n", str(lines), path]) if path else None
                if ran is not None and ran.ok and ran.text:
                    return tuple(ran.text.splitlines())
        return ()

    def _resurrect(self) -> None:
        """Bring back what PM2 saved; what outlived the old daemon ends first, or it runs twice."""
        end_orphans(self._site, self.orphans(), _ORPHAN_SECONDS)
        self._must("PM2 cannot bring back what it saved", "resurrect")

    @property
    def _home(self) -> str:
        home = self._site.environment.get("HOME", "")
        return self._site.environment.get("PM2_HOME", f"{home}/.pm2")

    def _named(self, name: str) -> tuple[Pm2Process, ...]:
        return tuple(found for found in self._known() if found.name == name)

    def _known(self) -> tuple[Pm2Process, ...]:
        return self._processes() if self._listed is None else self._listed

    def _processes(self) -> tuple[Pm2Process, ...]:
        """List the processes, and make sure that the daemon is still the one that we know."""
        processes = parse_list(self._run("jlist", "--silent").stdout)
        daemon = (self._site.transport.get(PurePosixPath(self._home) / "pm2.pid") or b"").decode()
        if self._daemon is not None and daemon != self._daemon:
            raise DaemonLostError(
                "the PM2 daemon ended and came back empty",
                fix="see ~/.pm2/pm2.log for why; the roll-back brings its processes back",
            )
        self._daemon = daemon
        self._listed = processes
        return processes

    def _must(self, what: str, *arguments: str, seconds: float = _COMMAND_SECONDS) -> None:
        self._listed = None
        ran = self._run(*arguments, seconds=seconds)
        if not ran.ok:
            raise ProblemFoundError(f"{what}: {complaint_of(ran)}", fix="pm2 list; pm2 logs")

    def _run(self, *arguments: str, seconds: float = _COMMAND_SECONDS) -> Completed:
        ran = self._site.ask([self._program, *arguments], timeout_seconds=seconds)
        if ran.exit_code == _NOT_FOUND:
            raise UnreachableError(
                f"PM2 is not found on {self._site.transport.name}",
                fix="npm install -g pm2, or put it on the PATH of shells that are not interactive",
            )
        return ran


def _app(definition: PoolDefinition) -> dict[str, object]:
    """Return the definition in PM2's words."""
    program, *arguments = definition.command
    app: dict[str, object] = {
        "name": definition.name,
        "script": program,
        "args": arguments,
        "interpreter": "none",
        "exec_mode": "fork",
        "cwd": definition.folder,
        "env": definition.environment,
        "kill_timeout": round(definition.stop_seconds * 1000),
        "exp_backoff_restart_delay": _RESTART_DELAY_MS,
        # A pool that was told to stop stays stopped.
        "stop_exit_codes": [0],
        "vizion": False,
    }
    if definition.memory_limit_bytes is not None:
        # PM2 measures the supervisor alone; the pool measures its workers.
        app["max_memory_restart"] = f"{definition.memory_limit_bytes // _MEGABYTE}M"
    return app
