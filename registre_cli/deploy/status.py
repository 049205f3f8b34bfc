"""What a person at night wants to know of a target, without changing anything."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from registre_cli.deploy.gate import PoolSeen, live_pools
from registre_cli.deploy.history import Record, read_history
from registre_cli.deploy.journal import Journal, read_journal
from registre_cli.deploy.lock import LockRecord, now, read_lock, remove_lock
from registre_cli.deploy.managers.base import ManagedProcess, ManagerName
from registre_cli.deploy.managers.choice import open_managers
from registre_cli.deploy.orphans import Orphan, orphaned_pools
from registre_cli.deploy.release import release_named
from registre_cli.deploy.rollback import TOUCHED_NAMES
from registre_cli.deploy.site import open_site
from registre_cli.deploy.survey import managed_pids
from registre_cli.deploy.transport.base import Transport


@dataclass(frozen=True)
class TargetStatus:
    """A target now; `pools` are those of the current release that told Redis that they live."""

    target: str
    home: str
    current: str | None
    lock: LockRecord | None
    lock_is_broken: bool
    interrupted: Journal | None
    processes: dict[ManagerName, tuple[ManagedProcess, ...]]
    orphans: tuple[Orphan, ...]
    pools: tuple[PoolSeen, ...]
    last: Record | None

    @property
    def ok(self) -> bool:
        """Whether exactly one pool of the current release works and nothing was left behind."""
        return len(self.pools) == 1 and not self.orphans and self.interrupted is None


def read_status(transport: Transport, home: PurePosixPath | None) -> TargetStatus:
    """Look at a target. Raises UnreachableError."""
    site = open_site(transport, home)
    history = read_history(site)
    manager = history[-1].manager if history else "pm2"
    managers = open_managers(site, manager)
    processes = {known.name: known.list() for known in managers}
    current = site.current_release()
    pools = live_pools(site, release_named(site, current)) if current else ()
    held = read_lock(site)
    return TargetStatus(
        target=transport.name,
        home=str(site.home),
        current=current,
        lock=held,
        lock_is_broken=held is not None and held.is_broken(now(site)),
        interrupted=read_journal(site),
        processes={
            name: tuple(process for process in known if process.name in TOUCHED_NAMES)
            for name, known in processes.items()
        },
        orphans=orphaned_pools(site, lambda: managed_pids(managers)),
        pools=tuple(pool for pool in pools if pool.release == current),
        last=history[-1] if history else None,
    )


def read_target_history(transport: Transport, home: PurePosixPath | None) -> tuple[Record, ...]:
    """Return every deploy of a target that ended, oldest first."""
    return read_history(open_site(transport, home))


def unlock(transport: Transport, home: PurePosixPath | None) -> LockRecord | None:
    """Remove the lock of a target, and return what it said."""
    return remove_lock(open_site(transport, home))
