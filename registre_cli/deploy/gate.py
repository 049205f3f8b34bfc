"""The health gate: the new pool itself must say that it works, not its manager.

Everything is asked through the new release's own program on the target, where its Redis and its
database are reachable, whatever the operator's machine can see.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime

from pydantic import BaseModel, ValidationError

from registre_cli.capacity.minimums import fit_minimums
from registre_cli.core.documents import Source
from registre_cli.core.errors import ProblemFoundError
from registre_cli.core.settings import Settings
from registre_cli.deploy.release import Release, run_program
from registre_cli.deploy.site import Site

DEFAULT_HEALTH_SECONDS = 30.0
_POLL_SECONDS = 0.5
# A pool tells its state every two seconds: seen again after this, its heart beats.
_BEAT_SECONDS = 2.5
# A pool that says nothing for so long may have lost its manager: then there is nothing to wait for.
_SILENT_SECONDS = 5.0


class UnhealthyError(ProblemFoundError):
    """The new pool did not prove itself in time."""


class WorkerSeen(BaseModel, frozen=True):
    """A worker in `pool status --json`."""

    worker_id: str
    mode: str
    state: str


class PoolSeen(BaseModel, frozen=True):
    """A pool in `pool status --json`, as far as a deploy is concerned."""

    pool_id: str
    version: str
    started_at: datetime
    size: int
    paused: bool
    environments: tuple[str, ...]
    workers: tuple[WorkerSeen, ...]
    notes: tuple[str, ...] = ()
    release: str | None = None
    documents_claimed: int = 0
    waiting_for_room: int = 0


class _Pools(BaseModel):
    pools: tuple[PoolSeen, ...]


class _Counts(BaseModel):
    eligible: int


class _Queue(BaseModel):
    name: str
    enabled: bool
    counts: dict[str, _Counts]


class ProblemSeen(BaseModel, frozen=True):
    """A problem in `queue check --json`."""

    code: str
    severity: str
    message: str
    fix: str


class _Check(BaseModel):
    environments: tuple[_Queue, ...]
    problems: tuple[ProblemSeen, ...]


class Gate:
    """Waits until the pool of one release has proved itself."""

    def __init__(
        self,
        site: Site,
        release: Release,
        settings: Settings,
        timeout_seconds: float,
        say: Callable[[str], None],
        require_manager: Callable[[], object],
    ) -> None:
        """`require_manager` raises where the manager that shall keep the pool is gone."""
        self._site = site
        self._release = release
        self._settings = settings
        self._timeout = timeout_seconds
        self._say = say
        self._require_manager = require_manager
        self._first_seen: tuple[float, PoolSeen] | None = None

    def wait(self, besides: Collection[str]) -> PoolSeen:
        """Return the healthy pool; those named in `besides` are the ones before.

        Raises UnhealthyError with what was still missing at the end of the time, and what
        `require_manager` raises while the pool says nothing.
        """
        began = time.monotonic()
        deadline = began + self._timeout
        while True:
            pool, missing = self._look(besides)
            if missing is None:
                assert pool is not None
                return pool
            if time.monotonic() >= deadline:
                raise UnhealthyError(
                    f"the new pool is not healthy after {self._timeout:g} s: {missing}",
                    fix="mend what the log and the diagnosis say, and deploy again",
                )
            self._say(missing)
            if pool is None and time.monotonic() - began > _SILENT_SECONDS:
                self._require_manager()
            time.sleep(_POLL_SECONDS)

    def _look(self, besides: Collection[str]) -> tuple[PoolSeen | None, str | None]:
        """Return the pool and what is missing, `None` where nothing is."""
        mine = [
            pool
            for pool in live_pools(self._site, self._release)
            if pool.release == self._release.id and pool.pool_id not in besides
        ]
        if not mine:
            self._first_seen = None
            return None, "it has not told Redis that it lives"
        pool = max(mine, key=lambda pool: pool.started_at)
        return pool, self._missing(pool)

    def _missing(self, pool: PoolSeen) -> str | None:
        workers = [worker for worker in pool.workers if worker.state != "stopping"]
        if not workers or len(workers) + pool.waiting_for_room < pool.size:
            self._first_seen = None
            return f"{len(workers)} of {pool.size} workers are there"
        minimums = fit_minimums(
            pool.size,
            self._settings.ocr_min_index_workers,
            self._settings.ocr_min_acte_workers,
        )
        modes = Counter(worker.mode for worker in workers)
        for source in Source:
            if modes[source.value] < minimums[source]:
                return f"{modes[source.value]} of {minimums[source]} {source} workers are there"
        beat = self._beat_missing(pool)
        if beat is not None or pool.documents_claimed:
            return beat
        eligible = self._eligible(pool)
        if not eligible:
            return None
        notes = f" ({'; '.join(pool.notes)})" if pool.notes else ""
        return f"{eligible} documents are eligible, and it has claimed none{notes}"

    def _beat_missing(self, pool: PoolSeen) -> str | None:
        """Wait for a second heartbeat of the same crew: one that crashes comes back another."""
        now = time.monotonic()
        crew = {worker.worker_id for worker in pool.workers}
        if self._first_seen is not None:
            since, first = self._first_seen
            same = pool.pool_id == first.pool_id
            if same and crew == {worker.worker_id for worker in first.workers}:
                if now - since >= _BEAT_SECONDS:
                    return None
                return "its workers are there; waiting for the next heartbeat"
        self._first_seen = (now, pool)
        return "its workers are there; waiting for the next heartbeat"

    def _eligible(self, pool: PoolSeen) -> int:
        found = _check(self._site, self._release)
        return sum(
            counts.eligible
            for queue in (found.environments if found else ())
            if queue.name in pool.environments
            for counts in queue.counts.values()
        )


def live_pools(site: Site, release: Release) -> tuple[PoolSeen, ...]:
    """Return every pool that this release's settings let it see; none where Redis is silent."""
    ran = run_program(site, release, "pool", "status", "--json")
    try:
        return _Pools.model_validate_json(ran.stdout).pools
    except ValidationError:
        return ()


def diagnose(site: Site, release: Release) -> tuple[ProblemSeen, ...] | None:
    """Return what `queue check` finds wrong, seen from the target; `None` where it cannot look."""
    found = _check(site, release)
    return found.problems if found else None


def _check(site: Site, release: Release) -> _Check | None:
    ran = run_program(site, release, "queue", "check", "--json")
    try:
        return _Check.model_validate_json(ran.stdout)
    except ValidationError:
        return None
