"""The steps of a deploy to one target: each a plain method, planned first and executed after."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from registre_cli.core.errors import ProblemFoundError
from registre_cli.core.settings import Settings
from registre_cli.core.text import printable
from registre_cli.deploy import release as releases
from registre_cli.deploy.gate import Gate, live_pools
from registre_cli.deploy.history import Ending, Record, append_record
from registre_cli.deploy.journal import Journal, Kind, close_journal, write_journal
from registre_cli.deploy.lock import Lock, now, operator
from registre_cli.deploy.managers.base import (
    LEGACY_NAMES,
    POOL_NAME,
    PoolDefinition,
    ProcessManager,
)
from registre_cli.deploy.managers.choice import pm2_of
from registre_cli.deploy.orphans import Orphan, end_orphans, orphaned_pools
from registre_cli.deploy.plan import StepName
from registre_cli.deploy.release import Release, run_program
from registre_cli.deploy.rollback import TOUCHED_NAMES, finish, is_kept, recover
from registre_cli.deploy.site import Site, complaint_of
from registre_cli.deploy.survey import Survey, managed_pids
from registre_cli.deploy.wheel import Wheel

_VERIFY_SECONDS = 180.0
_MIGRATE_SECONDS = 20 * 60.0
# What migrate mends right afterwards is no reason to stop before it.
_MENDED_BY_MIGRATE = "/schema"


@dataclass(frozen=True)
class Goal:
    """What shall run on the target in the end; without a wheel the release is there already."""

    kind: Kind
    release: Release
    definition: PoolDefinition
    settings: Settings
    settings_content: bytes
    wheel: Wheel | None
    python: str
    health_seconds: float


class Deployment:
    """One deploy under way: its goal, its target, and its journal."""

    def __init__(
        self,
        site: Site,
        managers: tuple[ProcessManager, ...],
        found: Survey,
        goal: Goal,
        say: Callable[[str], None],
    ) -> None:
        self.site = site
        self.goal = goal
        self.lock = Lock(site, f"{goal.kind} of {goal.release.id}")
        self.journal: Journal | None = None
        self.gap_seconds: float | None = None
        self._managers = managers
        self._found = found
        self._say = say
        self._pools_before: frozenset[str] = frozenset()
        self._stopped_at: float | None = None
        self._started = time.monotonic()

    def begin(self, step: StepName) -> None:
        """Write into the journal that a step begins; from the lock on, it must still be ours."""
        if self.journal is None:
            return
        self.lock.renew()
        self.journal = self.journal.after(step)
        write_journal(self.site, self.journal)

    def take_lock(self) -> None:
        """Take the lock, and see that the plan still holds."""
        self.lock.take()
        if self.lock.taken_over is not None:
            self._say(f"took over a broken lock: {self.lock.taken_over.describe()}")
        before = self._found.current.id if self._found.current else None
        if self.site.current_release() != before:
            raise ProblemFoundError(
                "another deploy ended since this one was planned",
                fix="registre deploy status, then deploy again",
            )

    def recover(self) -> None:
        """Undo a deploy that was killed, or finish it where its pool was healthy already."""
        assert self._found.journal is not None
        recover(self.site, self._managers, self._found.journal, self._say)

    def install(self) -> None:
        """Install the release; from here on there is something to undo."""
        self._open_journal(StepName.INSTALL)
        goal = self.goal
        assert goal.wheel is not None
        releases.install(
            self.site,
            goal.release,
            goal.wheel,
            goal.settings_content,
            goal.definition,
            goal.python,
        )

    def verify(self) -> None:
        """Let the release itself check the target. Raises ProblemFoundError."""
        if self.journal is None:
            self._open_journal(StepName.VERIFY)
        ran = run_program(
            self.site,
            self.goal.release,
            "verify-setup",
            "--json",
            timeout_seconds=_VERIFY_SECONDS,
        )
        try:
            checks = json.loads(ran.stdout)["checks"]
        except (ValueError, KeyError):
            raise ProblemFoundError(f"verify-setup does not run: {complaint_of(ran)}") from None
        bad = [c for c in checks if c["status"] == "fail" and not _is_mended(c["name"])]
        if bad:
            said = "; ".join(printable(f"{c['name']}: {c['message']}") for c in bad)
            raise ProblemFoundError(
                f"the target is not ready: {said}", fix=printable(bad[0]["fix"])
            )

    def migrate(self) -> None:
        """Add to the databases what the release needs; older releases work with it, too."""
        ran = run_program(
            self.site,
            self.goal.release,
            "db",
            "migrate",
            "--json",
            timeout_seconds=_MIGRATE_SECONDS,
        )
        if not ran.ok:
            raise ProblemFoundError(
                f"the database cannot be migrated: {complaint_of(ran)}",
                fix="nothing was changed there; mend it and deploy again",
            )

    def snapshot(self) -> None:
        """Remember what runs, with each manager and in the journal."""
        assert self.journal is not None
        taken = {manager.name: manager.snapshot(TOUCHED_NAMES) for manager in self._managers}
        self.journal = self.journal.model_copy(update={"snapshots": taken})
        write_journal(self.site, self.journal)
        seen = live_pools(self.site, self.goal.release)
        self._pools_before = frozenset(pool.pool_id for pool in seen)

    def stop_pool(self) -> None:
        """Drain the running pool: one signal, then wait for its pages."""
        self._stopped_at = time.monotonic()
        for manager in self._managers:
            manager.stop(POOL_NAME)

    def stop_legacy(self) -> None:
        """Stop what ran before there was a pool; it is forgotten once the new pool is healthy."""
        for manager in self._managers:
            for name in LEGACY_NAMES:
                manager.stop(name)

    def end_orphans(self) -> None:
        """End what works on without a manager, beside the pool or in place of a neighbour."""
        orphans = self._orphans()
        for orphan in orphans:
            self._say(f"ending {orphan.name} (pid {orphan.pid}), which no manager knows")
        end_orphans(self.site, orphans, self.goal.definition.stop_seconds)

    def switch(self) -> None:
        """Let `current` name the release."""
        self.site.switch(self.goal.release.id)

    def start_pool(self) -> None:
        """Make the manager know the new pool, and start it."""
        self._managers[0].define(self.goal.definition, self.goal.release.folder)
        self._managers[0].start(POOL_NAME)

    def start_neighbours(self) -> None:
        """Restart or start what the user's own file defines."""
        ecosystem, pm2 = self._found.ecosystem, pm2_of(self._managers)
        assert ecosystem is not None
        assert pm2 is not None
        pm2.start_from(ecosystem.path, ecosystem.neighbours)

    def prove_health(self) -> None:
        """Wait until the pool proved itself; after this nothing is undone any more."""
        assert self.journal is not None
        gate = Gate(
            self.site,
            self.goal.release,
            self.goal.settings,
            self.goal.health_seconds,
            self._say,
            self._managers[0].list,
        )
        gate.wait(self._pools_before)
        if self._stopped_at is not None:
            self.gap_seconds = round(time.monotonic() - self._stopped_at, 1)
        # A pool that works on while its manager is gone would not outlive the night.
        if not is_kept(self._managers[0], self.goal.release.id):
            raise ProblemFoundError(
                f"the new pool works, and {self._managers[0].name} does not keep it",
                fix="registre deploy status; see why the manager let go of it, and deploy again",
            )
        self.journal = self.journal.model_copy(update={"healthy": True})
        write_journal(self.site, self.journal)

    def save(self) -> None:
        """Forget the legacy processes, and let the managers keep the rest over a boot."""
        assert self.journal is not None
        finish(self._managers, self.journal)

    def audit(self) -> None:
        """Write down that it succeeded, and drop the oldest releases."""
        append_record(self.site, self.record(Ending.HEALTHY))
        assert self.journal is not None
        releases.prune(self.site, (self.goal.release.id, self.journal.previous))
        close_journal(self.site)

    def record(
        self, ending: Ending, *, step: StepName | None = None, error: str | None = None
    ) -> Record:
        """Return the line of the history for this deploy."""
        return Record(
            at=now(self.site),
            kind=self.goal.kind,
            release=self.goal.release.id,
            previous=self._found.current.id if self._found.current else None,
            manager=self._managers[0].name,
            operator=operator(),
            ending=ending,
            seconds=round(time.monotonic() - self._started, 1),
            gap_seconds=self.gap_seconds,
            step=step,
            error=error,
        )

    def _open_journal(self, step: StepName) -> None:
        at: datetime = now(self.site)
        self.journal = Journal(
            kind=self.goal.kind,
            release=self.goal.release.id,
            previous=self.site.current_release(),
            manager=self._managers[0].name,
            operator=operator(),
            started_at=at,
            begun=(step,),
        )
        write_journal(self.site, self.journal)

    def _orphans(self) -> tuple[Orphan, ...]:
        pm2 = pm2_of(self._managers)
        of_pm2 = [o for o in (pm2.orphans() if pm2 else ()) if o.name in TOUCHED_NAMES]
        pools = orphaned_pools(self.site, lambda: managed_pids(self._managers))
        return tuple({orphan.pid: orphan for orphan in (*of_pm2, *pools)}.values())


def _is_mended(check: str) -> bool:
    return check.endswith(_MENDED_BY_MIGRATE)
