"""Every pool of every host, and the budgets that they share."""

from collections.abc import Mapping

from registre_cli.core.errors import ConfigurationError
from registre_cli.core.settings import Settings
from registre_cli.limiter import EngineUsage, Limiter
from registre_cli.limiter.budgets import budgets_of, open_redis
from registre_cli.pool.models import PoolStatus
from registre_cli.pool.registry import live_pools


def overview(settings: Settings) -> tuple[tuple[PoolStatus, ...], Mapping[str, EngineUsage]]:
    """Return the live pools and each engine's usage.

    Raises ConfigurationError without a REDIS_URL, UnreachableError where Redis is silent.
    """
    client = open_redis(settings)
    if client is None:
        raise ConfigurationError(
            "pools of all hosts are known through Redis, and REDIS_URL is not set",
            fix="set REDIS_URL to the Redis that the pools use",
        )
    try:
        pools = live_pools(client)
        return pools, Limiter(client, budgets_of(settings), "overview").usage()
    finally:
        client.close()


def living_pools(settings: Settings) -> tuple[PoolStatus, ...] | None:
    """Return the live pools of every host; `None` without a REDIS_URL.

    Raises UnreachableError or ConfigurationError where Redis is silent or refuses us.
    """
    client = open_redis(settings)
    if client is None:
        return None
    try:
        return live_pools(client)
    finally:
        client.close()
