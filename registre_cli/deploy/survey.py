"""What is on a target before a deploy: looked at, not touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from registre_cli.core.errors import ProblemFoundError
from registre_cli.deploy.ecosystem import Ecosystem, read_ecosystem
from registre_cli.deploy.journal import Journal, read_journal
from registre_cli.deploy.lock import LockRecord, held_error, now, read_lock
from registre_cli.deploy.managers.base import ManagedProcess, ManagerName, ProcessManager
from registre_cli.deploy.managers.choice import pm2_of
from registre_cli.deploy.orphans import Orphan, orphaned_pools
from registre_cli.deploy.release import Release, release_named
from registre_cli.deploy.site import Site

_LEAST_FREE_KILOBYTES = 500_000
_PYTHON = "import sys; print(*sys.version_info[:2])"
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Survey:
    """A target as it is. `lost_fleet` processes are named by the dump of a PM2 that runs none."""

    current: Release | None
    settings: bytes | None
    lock: LockRecord | None
    journal: Journal | None
    processes: dict[ManagerName, tuple[ManagedProcess, ...]]
    orphans: tuple[Orphan, ...]
    ecosystem: Ecosystem | None
    lost_fleet: int

    def named(self, *names: str) -> tuple[ManagedProcess, ...]:
        """Return the processes with these names, of every manager."""
        return tuple(p for known in self.processes.values() for p in known if p.name in names)


def survey(
    site: Site, managers: tuple[ProcessManager, ...], ecosystem: PurePosixPath | None
) -> Survey:
    """Look at the target.

    Raises LockHeldError where somebody deploys, UnreachableError where a manager is missing,
    ConfigurationError where the ecosystem file is wrong.
    """
    held = read_lock(site)
    if held is not None and not held.is_broken(now(site)):
        raise held_error(held)
    current = site.current_release()
    release = release_named(site, current) if current else None
    processes = {manager.name: manager.list() for manager in managers}
    pm2 = pm2_of(managers)
    if ecosystem is not None and pm2 is None:
        raise ProblemFoundError(
            "--ecosystem needs PM2, which is not on the target", fix="npm install -g pm2"
        )
    pm2_orphans = pm2.orphans() if pm2 else ()
    pools = orphaned_pools(site, lambda: managed_pids(managers))
    return Survey(
        current=release,
        settings=site.transport.get(release.settings_file) if release else None,
        lock=held,
        journal=read_journal(site),
        processes=processes,
        orphans=tuple({orphan.pid: orphan for orphan in (*pm2_orphans, *pools)}.values()),
        ecosystem=read_ecosystem(site, ecosystem) if ecosystem else None,
        lost_fleet=pm2.lost_fleet() if pm2 else 0,
    )


def managed_pids(managers: Sequence[ProcessManager]) -> set[int]:
    """Return the processes that a manager watches now."""
    return {p.pid for manager in managers for p in manager.list() if p.pid is not None}


def require_host(site: Site, python: str) -> None:
    """Check that a release can be installed at all. Raises ProblemFoundError."""
    ran = site.transport.run([python, "-c", _PYTHON])
    if not ran.ok or tuple(int(part) for part in ran.text.split()) < _OLDEST_PYTHON:
        found = ".".join(ran.text.split()) if ran.ok else "none"
        raise ProblemFoundError(
            f"Python 3.11 or later is needed on {site.transport.name}, {python} is {found}",
            fix="install it there, or name another with --python python3.12",
        )
    nearest = 'folder=$1; while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done; '
    ran = site.transport.run(["sh", "-c", f'{nearest} df -Pk "$folder"', "sh", str(site.home)])
    free = int(ran.text.splitlines()[-1].split()[3]) if ran.ok else _LEAST_FREE_KILOBYTES
    if free < _LEAST_FREE_KILOBYTES:
        raise ProblemFoundError(
            f"{free / 1e6:.1f} GB are free under {site.home}, a release needs 0.5 GB",
            fix="make room there, or give --home on another disk",
        )
