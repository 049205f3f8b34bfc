"""`queue check`: the queues of every environment beside the pools that serve them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError, UnreachableError
from registre_cli.core.settings import Environment, Settings
from registre_cli.limiter.budgets import open_redis
from registre_cli.pool.models import PoolStatus, WorkerState
from registre_cli.pool.registry import live_pools
from registre_cli.queue.health import (
    EnvironmentReport,
    LiveWorkers,
    Problem,
    Severity,
    diagnose,
    inspect,
)


@dataclass(frozen=True)
class CheckReport:
    """Everything that `queue check` found."""

    environments: tuple[EnvironmentReport, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong enough to be an error."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)


def choose_environments(settings: Settings, asked: Sequence[str]) -> tuple[Environment, ...]:
    """Return the configured environments, or those asked for, enabled or not.

    Raises ConfigurationError where one that is asked for has no database.
    """
    if not asked:
        return settings.environments
    by_name = {environment.name: environment for environment in settings.environments}
    for name in asked:
        if name not in by_name:
            raise ConfigurationError(
                f"the environment {name} has no database", fix=f"set {name.upper()}_DATABASE_URL"
            )
    return tuple(environment for name, environment in by_name.items() if name in asked)


def check_queues(settings: Settings, asked: Sequence[str]) -> CheckReport:
    """Look at every environment; one that is broken does not hide the others."""
    problems: list[Problem] = []
    pools: tuple[PoolStatus, ...] = ()
    redis_is_away = False
    client = open_redis(settings)
    if client is not None:
        try:
            pools = live_pools(client)
        except UnreachableError as error:
            redis_is_away = True
            problems.append(
                Problem(
                    "redis_unreachable",
                    Severity.ERROR,
                    None,
                    f"{error.message}: live workers are unknown",
                    error.fix or "check REDIS_URL",
                )
            )
        finally:
            client.close()
    reports = tuple(
        inspect(environment, _workers_of(pools, environment.name))
        for environment in choose_environments(settings, asked)
    )
    for report in reports:
        problems += [
            problem
            for problem in diagnose(report)
            # Without Redis nobody knows whether workers live.
            if not (redis_is_away and problem.code == "no_workers")
        ]
    return CheckReport(reports, tuple(problems))


def _workers_of(pools: Sequence[PoolStatus], environment: str) -> LiveWorkers:
    serving_pools = [pool for pool in pools if environment in pool.environments]
    workers = [(pool, worker) for pool in serving_pools for worker in pool.workers]
    by_mode = Counter(worker.mode for _, worker in workers)
    serving = {
        source: sum(pool.borrow or worker.mode is source for pool, worker in workers)
        for source in Source
    }
    return LiveWorkers(
        by_mode={source: by_mode[source] for source in Source},
        serving=serving,
        limited=sum(worker.state is WorkerState.LIMITED for _, worker in workers),
        paused=sum(pool.paused for pool, _ in workers),
    )
