"""What PM2 keeps alive on this host, known with and without the program `pm2`.

The process table is asked first: it costs milliseconds, needs no Node, and shows the
daemons of every user. `pm2 jlist` adds what is defined but does not run. It is never
called where no daemon lives, because it would start one.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from registre_cli.core.errors import UnreachableError

PM2_TIMEOUT_SECONDS = 4.0
# What the pool is called, and what it was before there was a pool.
POOL_NAME = "ocr-pool"
LEGACY_NAMES = frozenset({"registre-ocr", "registre-worker"})

_DAEMON_MARK = ": God Daemon"
ONLINE = "online"


@dataclass(frozen=True)
class ManagedProcess:
    """One program under PM2; `pid` is `None` where it does not run."""

    name: str
    status: str
    pid: int | None
    command: str

    @property
    def is_legacy(self) -> bool:
        """Whether it is the program that the pool replaces, whatever state it is in."""
        return self.name in LEGACY_NAMES and not self.is_pool

    @property
    def is_pool(self) -> bool:
        """Whether it runs our pool, under any name."""
        return "registre" in self.command and " pool run" in f" {self.command}"

    @property
    def runs(self) -> bool:
        """Whether it is alive."""
        return self.pid is not None


def running_under_pm2() -> tuple[ManagedProcess, ...]:
    """Return what runs under any PM2 daemon that we may look at; `pm2` is not needed.

    Where PM2_HOME is set, that daemon alone counts.
    """
    found: list[ManagedProcess] = []
    for daemon, _ in _daemons():
        try:
            children = daemon.children()
        except psutil.Error:
            continue
        for child in children:
            try:
                found.append(
                    ManagedProcess(_name_of(child), ONLINE, child.pid, " ".join(child.cmdline()))
                )
            except psutil.Error:
                # It ended while we looked, or belongs to someone whom we may not look at.
                continue
    return tuple(found)


def defined_in_pm2() -> tuple[ManagedProcess, ...] | None:
    """Return everything that our own PM2 knows, stopped programs too.

    `None` where `pm2` is not on PATH or no daemon lives. Raises UnreachableError where PM2
    does not answer in time or answers nonsense.
    """
    program = shutil.which("pm2")
    home = os.environ.get("PM2_HOME") or str(Path.home() / ".pm2")
    if program is None or not any(f"({home})" in title for _, title in _daemons()):
        return None
    fix = "pm2 ping; if the daemon hangs: pm2 kill, then pm2 resurrect"
    try:
        ran = subprocess.run(
            [program, "jlist"],
            capture_output=True,
            text=True,
            timeout=PM2_TIMEOUT_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        entries = _entries(ran.stdout)
    except subprocess.TimeoutExpired:
        raise UnreachableError(
            f"PM2 does not answer within {PM2_TIMEOUT_SECONDS:g} s", fix=fix
        ) from None
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise UnreachableError(f"PM2 cannot be asked ({type(error).__name__})", fix=fix) from None
    return tuple(_defined(entry) for entry in entries)


def _daemons() -> Iterator[tuple[psutil.Process, str]]:
    """Yield each daemon with its title, which holds its PM2_HOME in brackets."""
    home = os.environ.get("PM2_HOME")
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if not line.startswith("PM2 ") or _DAEMON_MARK not in line:
            continue
        if home is None or f"({home})" in line:
            yield process, line


def _name_of(process: psutil.Process) -> str:
    """Return the name under which PM2 started it: PM2 leaves it in the environment."""
    environment = process.environ()
    if name := environment.get("name"):
        return name
    try:
        # A Node program in cluster mode gets everything in one variable.
        return str(json.loads(environment["pm2_env"])["name"])
    except (KeyError, ValueError, TypeError):
        return process.name()


def _entries(said: str) -> list[dict[str, Any]]:
    """Find the list in what PM2 says: it may greet before."""
    for line in said.splitlines():
        if line.startswith("["):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, list):
                return [entry for entry in found if isinstance(entry, dict)]
    raise ValueError("no list")


def _defined(entry: dict[str, Any]) -> ManagedProcess:
    about = entry.get("pm2_env") or {}
    status = str(about.get("status", "unknown"))
    given = about.get("args") or ()
    arguments = given if isinstance(given, str) else " ".join(map(str, given))
    return ManagedProcess(
        name=str(entry.get("name", "")),
        status=status,
        pid=entry.get("pid") or None,
        command=f"{about.get('pm_exec_path', '')} {arguments}".strip(),
    )
