"""What people order a running pool to do, through Redis, wherever it runs.

Each pool has a list of orders, which it empties at every heartbeat; an order that nobody takes
expires. What was obeyed lives in the pool itself, so that an emptied Redis changes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, cast

import redis

from registre_cli.core.errors import ConfigurationError, ProblemFoundError
from registre_cli.core.settings import Settings
from registre_cli.limiter.budgets import open_redis
from registre_cli.limiter.failure import explain
from registre_cli.pool.registry import live_pools

_PREFIX = "registre:orders:"
_EXPIRY_SECONDS = 60


@dataclass(frozen=True)
class PoolOrder:
    """One order; `size` belongs to `scale`."""

    what: Literal["pause", "resume", "scale", "stop"]
    size: int | None = None


def give_order(settings: Settings, order: PoolOrder, pool_ids: Sequence[str]) -> tuple[str, ...]:
    """Give an order to the pools named, or to every live pool; return their ids.

    Raises ProblemFoundError where no such pool lives, ConfigurationError without Redis and
    UnreachableError where it is silent.
    """
    client = open_redis(settings)
    if client is None:
        raise ConfigurationError(
            "pools take orders through Redis, and REDIS_URL is not set",
            fix="set REDIS_URL to the Redis that the pools use",
        )
    try:
        live = [pool.pool_id for pool in live_pools(client)]
        missing = [pool_id for pool_id in pool_ids if pool_id not in live]
        if missing or not live:
            raise ProblemFoundError(
                f"no pool {missing[0]} lives" if missing else "no pool is running",
                fix="registre pool status",
            )
        chosen = [pool_id for pool_id in live if not pool_ids or pool_id in pool_ids]
        for pool_id in chosen:
            client.rpush(_PREFIX + pool_id, json.dumps(asdict(order)))
            client.expire(_PREFIX + pool_id, _EXPIRY_SECONDS)
    except redis.RedisError as error:
        raise explain(error) from None
    finally:
        client.close()
    return tuple(chosen)


def take_orders(client: redis.Redis, pool_id: str) -> list[PoolOrder]:
    """Take all orders of one pool, the oldest first. Raises `redis.RedisError`."""
    orders = []
    while (text := cast("bytes | None", client.lpop(_PREFIX + pool_id))) is not None:
        orders.append(PoolOrder(**json.loads(text)))
    return orders
