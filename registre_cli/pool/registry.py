"""The live pools of every host, in Redis.

Each pool is one key that lives a few seconds beyond its last heartbeat: nothing has to be
cleaned up, and an empty Redis fills itself again. No secret is ever written here.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import cast

import redis

from registre_cli.core.documents import Source
from registre_cli.core.errors import UnreachableError
from registre_cli.pool.models import PoolStatus, WorkerState, WorkerStatus

_PREFIX = "registre:pool:"
HEARTBEAT_SECONDS = 2.0
EXPIRY_SECONDS = 10


def publish(client: redis.Redis, status: PoolStatus) -> None:
    """Say that the pool lives. Raises `redis.RedisError`."""
    client.set(_PREFIX + status.pool_id, json.dumps(asdict(status), default=str), ex=EXPIRY_SECONDS)


def withdraw(client: redis.Redis, pool_id: str) -> None:
    """Say that the pool is gone. Raises `redis.RedisError`."""
    client.delete(_PREFIX + pool_id)


def live_pools(client: redis.Redis) -> tuple[PoolStatus, ...]:
    """Return every pool whose heart beats. Raises UnreachableError."""
    try:
        keys = sorted(cast("list[bytes]", list(client.scan_iter(match=_PREFIX + "*", count=500))))
        texts = cast("list[bytes | None]", client.mget(keys)) if keys else []
    except redis.RedisError as error:
        raise UnreachableError(
            f"Redis cannot be reached ({type(error).__name__})",
            fix="check that the server runs and that REDIS_URL names its host, port and password",
        ) from None
    return tuple(_status(json.loads(text)) for text in texts if text is not None)


def _status(document: dict[str, object]) -> PoolStatus:
    fields = cast("dict[str, list[dict[str, object]]]", document)
    workers = tuple(
        WorkerStatus(
            **{  # type: ignore[arg-type]
                **worker,
                "mode": Source(cast("str", worker["mode"])),
                "state": WorkerState(cast("str", worker["state"])),
            }
        )
        for worker in fields["workers"]
    )
    return PoolStatus(
        **{  # type: ignore[arg-type]
            **document,
            "started_at": datetime.fromisoformat(cast("str", document["started_at"])),
            "environments": tuple(cast("list[str]", document["environments"])),
            "allocation": {
                Source(source): count
                for source, count in cast("dict[str, int]", document["allocation"]).items()
            },
            "workers": workers,
            "notes": tuple(cast("list[str]", document["notes"])),
        }
    )
