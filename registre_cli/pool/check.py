"""`queue check`: the queues of every environment beside the pools that serve them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from registre_cli.core.documents import Source
from registre_cli.core.errors import DocumentError, RegistreError, StorageAwayError
from registre_cli.core.processes import ManagedProcess, running_under_pm2
from registre_cli.core.settings import Environment, Settings
from registre_cli.limiter.budgets import open_redis
from registre_cli.pool.models import PoolStatus, WorkerState
from registre_cli.pool.registry import live_pools
from registre_cli.queue.diagnosis import diagnose
from registre_cli.queue.health import inspect
from registre_cli.queue.opening import choose_environments
from registre_cli.queue.report import (
    EnvironmentReport,
    LiveWorkers,
    PoolElsewhere,
    Problem,
    Severity,
)
from registre_cli.storage import open_storage

_STORAGE_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True)
class CheckReport:
    """Everything that `queue check` found."""

    environments: tuple[EnvironmentReport, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong enough to be an error."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


@dataclass(frozen=True)
class _Living:
    """The pools that live, or why nobody knows; `known` is false where no Redis tells."""

    pools: tuple[PoolStatus, ...] = ()
    known: bool = True
    unreachable_because: RegistreError | None = None


def check_queues(settings: Settings, asked: Sequence[str]) -> CheckReport:
    """Look at every environment at once; one that is broken does not hide the others."""
    environments = choose_environments(settings, asked)
    living = _living(settings)
    with ThreadPoolExecutor(max_workers=max(len(environments), 1)) as threads:
        reports = tuple(
            threads.map(
                lambda environment: _inspected(environment, _workers_of(living, environment.name)),
                environments,
            )
        )
    waits = any(report.enabled and report.eligible for report in reports)
    problems = [*_host_problems(living, waits=waits)]
    for report in reports:
        problems += [
            problem
            for problem in diagnose(report)
            # Without Redis nobody knows whether workers live.
            if not (living.unreachable_because and problem.code == "no_workers")
        ]
    return CheckReport(reports, tuple(problems))


def _living(settings: Settings) -> _Living:
    try:
        client = open_redis(settings)
        if client is None:
            return _Living(known=False)
        with client:
            return _Living(live_pools(client))
    except RegistreError as error:
        return _Living(known=False, unreachable_because=error)


def _host_problems(living: _Living, *, waits: bool) -> Iterator[Problem]:
    """Say what is wrong beside the queues: Redis, and the program that the pool replaces."""
    if cause := living.unreachable_because:
        yield Problem(
            "redis_unreachable",
            Severity.ERROR,
            None,
            f"{cause.message}: live workers are unknown",
            cause.fix or "check REDIS_URL",
        )
    if waits:
        yield from (_without_room(pool) for pool in living.pools if pool.waiting_for_room)
    legacy = [process for process in running_under_pm2() if process.is_legacy]
    if legacy:
        yield _legacy(legacy, living, waits=waits)


def _without_room(pool: PoolStatus) -> Problem:
    notes = "; ".join(note for note in pool.notes if "room" in note)
    return Problem(
        "waiting_for_room",
        Severity.WARNING,
        None,
        f"pool {pool.pool_id} runs {pool.size - pool.waiting_for_room} of {pool.size} workers"
        f"{notes and f' ({notes})'}",
        f"registre capacity on {pool.host}, then a smaller pool there, or pool run --force",
    )


def _legacy(legacy: Sequence[ManagedProcess], living: _Living, *, waits: bool) -> Problem:
    shown = ", ".join(f"{process.name} (pid {process.pid})" for process in legacy)
    names = " ".join(sorted({process.name for process in legacy}))
    fix = f"registre deploy, or by hand: pm2 delete {names}; pm2 save; then start the pool"
    if living.pools:
        said = f"PM2 still runs the legacy program {shown} beside the pool"
        return Problem("legacy_process", Severity.WARNING, None, said, fix)
    alive = "alive" if living.known else "known to be alive"
    said = f"PM2 runs the legacy program {shown} and no pool is {alive}"
    severity = Severity.ERROR if waits else Severity.WARNING
    return Problem("legacy_process", severity, None, said, fix)


def _inspected(environment: Environment, workers: LiveWorkers) -> EnvironmentReport:
    report = inspect(environment, workers)
    path = report.first_eligible_path
    if path is None or not environment.enabled:
        return report
    try:
        open_storage(environment).probe(path, timeout_seconds=_STORAGE_TIMEOUT_SECONDS)
    except StorageAwayError as error:
        return replace(report, storage_away=error)
    except DocumentError:
        # This document alone; its tries will tell.
        return report
    return report


def _workers_of(living: _Living, environment: str) -> LiveWorkers:
    here = [pool for pool in living.pools if environment in pool.environments]
    workers = [(pool, worker) for pool in here for worker in pool.workers]
    by_mode = Counter(worker.mode for _, worker in workers)
    now = datetime.now(UTC)
    return LiveWorkers(
        by_mode={source: by_mode[source] for source in Source},
        serving={
            source: sum(pool.borrow or worker.mode is source for pool, worker in workers)
            for source in Source
        },
        limited=sum(worker.state is WorkerState.LIMITED for _, worker in workers),
        paused=sum(pool.paused for pool, _ in workers),
        idle=sum(worker.state is WorkerState.IDLE for _, worker in workers),
        oldest_seconds=max(((now - pool.started_at).total_seconds() for pool in here), default=0.0),
        elsewhere=tuple(
            PoolElsewhere(pool.pool_id, pool.host, pool.environments)
            for pool in living.pools
            if environment not in pool.environments
        ),
        known=living.known,
    )
