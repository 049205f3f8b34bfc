"""The way back: undo in reverse order what the journal says was begun.

Every part may be done twice, and by another process than the one that began.
"""

from collections.abc import Callable

from registre_cli.core.errors import ProblemFoundError
from registre_cli.deploy.history import Ending, Record, append_record
from registre_cli.deploy.journal import Journal, close_journal
from registre_cli.deploy.lock import Lock, now, operator
from registre_cli.deploy.managers.base import (
    ALIVE_STATES,
    LEGACY_NAMES,
    NEIGHBOUR_NAMES,
    POOL_NAME,
    ProcessManager,
)
from registre_cli.deploy.orphans import end_orphans, orphaned_pools
from registre_cli.deploy.plan import StepName
from registre_cli.deploy.release import release_named, remove
from registre_cli.deploy.site import Site
from registre_cli.deploy.survey import managed_pids

TOUCHED_NAMES = (POOL_NAME, *LEGACY_NAMES, *NEIGHBOUR_NAMES)
_ORPHAN_SECONDS = 45.0


def undo(
    site: Site,
    managers: tuple[ProcessManager, ...],
    journal: Journal,
    say: Callable[[str], None],
) -> None:
    """Bring the target back to what it was before this deploy. Raises what prevents it."""
    ordered = [m for m in managers if m.name != journal.manager]
    ordered += [m for m in managers if m.name == journal.manager]
    if StepName.START in journal.begun:
        say("stopping the new pool")
        for manager in managers:
            if manager.name == journal.manager:
                manager.delete(POOL_NAME)
    if StepName.SWITCH in journal.begun:
        site.switch(journal.previous)
    if journal.snapshots:
        say("bringing back what ran before")
        if StepName.START in journal.begun:
            lost = orphaned_pools(site, lambda: managed_pids(managers))
            end_orphans(site, lost, _ORPHAN_SECONDS)
        for manager in ordered:
            snapshot = journal.snapshots.get(manager.name)
            if snapshot is not None:
                manager.restore(snapshot, TOUCHED_NAMES)
    if StepName.INSTALL in journal.begun and journal.release != site.current_release():
        remove(site, release_named(site, journal.release))


def recover(
    site: Site,
    managers: tuple[ProcessManager, ...],
    journal: Journal,
    say: Callable[[str], None],
) -> None:
    """End a deploy that was killed: finish it where its pool is healthy, undo it elsewhere."""
    if journal.manager not in {manager.name for manager in managers}:
        raise ProblemFoundError(
            f"an interrupted deploy used {journal.manager}, which is not on the target any more",
            fix=f"install {journal.manager} again, or move {site.journal} away",
        )
    say(f"found an interrupted {journal.describe()}")
    if journal.healthy and any(is_kept(manager, journal.release) for manager in managers):
        finish(managers, journal)
        ending = Ending.HEALTHY
    else:
        undo(site, managers, journal, say)
        ending = Ending.ROLLED_BACK
    append_record(site, _record(site, journal, ending))
    close_journal(site)


class Recovery:
    """The end of a deploy that was killed, asked for by hand."""

    def __init__(
        self,
        site: Site,
        managers: tuple[ProcessManager, ...],
        interrupted: Journal,
        say: Callable[[str], None],
    ) -> None:
        self.lock = Lock(site, f"recovery of {interrupted.release}")
        # The journal that is open is the interrupted one's; it stays until all is undone.
        self.journal: Journal | None = None
        self.gap_seconds: float | None = None
        self._site = site
        self._managers = managers
        self._interrupted = interrupted
        self._say = say

    def begin(self, step: StepName) -> None:
        """Write nothing: what is undone twice is undone all the same."""

    def take_lock(self) -> None:
        """Take the lock, a broken one too."""
        self.lock.take()
        if self.lock.taken_over is not None:
            self._say(f"took over a broken lock: {self.lock.taken_over.describe()}")

    def recover(self) -> None:
        """Undo it, or finish it where its pool was healthy."""
        recover(self._site, self._managers, self._interrupted, self._say)

    def record(
        self, ending: Ending, *, step: StepName | None = None, error: str | None = None
    ) -> Record:
        """Return the line of the history for the interrupted deploy."""
        return _record(self._site, self._interrupted, ending)


def _record(site: Site, journal: Journal, ending: Ending) -> Record:
    at = now(site)
    return Record(
        at=at,
        kind=journal.kind,
        release=journal.release,
        previous=journal.previous,
        manager=journal.manager,
        operator=journal.operator,
        ending=ending,
        seconds=(at - journal.started_at).total_seconds(),
        step=journal.begun[-1] if journal.begun else None,
        error=f"interrupted; ended by {operator()}",
    )


def is_kept(manager: ProcessManager, release: str) -> bool:
    """Return whether this manager keeps the pool of this release alive."""
    return any(
        process.name == POOL_NAME
        and process.state in ALIVE_STATES
        and f"/{release}/" in process.command
        for process in manager.list()
    )


def finish(managers: tuple[ProcessManager, ...], journal: Journal) -> None:
    """Take the steps after the gate: forget the legacy, keep the rest over a boot."""
    for manager in managers:
        for name in LEGACY_NAMES:
            manager.delete(name)
        if manager.name != journal.manager:
            manager.delete(POOL_NAME)
    for manager in managers:
        manager.save()
