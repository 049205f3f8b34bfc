"""The live pools of every host, in Redis.

Each pool is one key that lives a few seconds beyond its last heartbeat: nothing has to be
cleaned up, and an empty Redis fills itself again. No secret is ever written here.
"""

import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import cast

import redis

from registre_cli.core.documents import Source
from registre_cli.core.errors import ProblemFoundError
from registre_cli.limiter.failure import explain
from registre_cli.ocr.models import Spent
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
    """Return every pool whose heart beats.

    Raises UnreachableError, ConfigurationError where Redis refuses our password, or
    ProblemFoundError where another program wrote under our names.
    """
    try:
        keys = sorted(cast("list[bytes]", list(client.scan_iter(match=_PREFIX + "*", count=500))))
        texts = cast("list[bytes | None]", client.mget(keys)) if keys else []
    except redis.RedisError as error:
        raise explain(error) from None
    return tuple(
        _read(key, text) for key, text in zip(keys, texts, strict=True) if text is not None
    )


def _read(key: bytes, text: bytes) -> PoolStatus:
    try:
        return _status(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        name = key.decode(errors="replace")
        raise ProblemFoundError(
            f"Redis holds under {name} what is no pool of ours",
            fix=f"redis-cli DEL {name}, or give the pools a Redis database of their own",
        ) from None


def _status(document: dict[str, object]) -> PoolStatus:
    """Rebuild a status; what a newer pool says beyond it is left out, so that hosts may differ."""
    workers = cast("list[dict[str, object]]", document["workers"])
    known = _known(PoolStatus, document)
    return PoolStatus(
        **{  # type: ignore[arg-type]
            **known,
            "started_at": datetime.fromisoformat(cast("str", known["started_at"])),
            "environments": tuple(cast("list[str]", known["environments"])),
            "allocation": {
                Source(source): count
                for source, count in cast("dict[str, int]", known["allocation"]).items()
            },
            "workers": tuple(_worker(worker) for worker in workers),
            "spent": Spent(**cast("dict[str, float]", known.get("spent", {}))),  # type: ignore[arg-type]
            "notes": tuple(cast("list[str]", known["notes"])),
        }
    )


def _worker(document: dict[str, object]) -> WorkerStatus:
    known = _known(WorkerStatus, document)
    mode, state = cast("str", known["mode"]), cast("str", known["state"])
    return WorkerStatus(**{**known, "mode": Source(mode), "state": WorkerState(state)})  # type: ignore[arg-type]


def _known(
    model: type[PoolStatus] | type[WorkerStatus], document: dict[str, object]
) -> dict[str, object]:
    names = {field.name for field in fields(model)}
    return {name: value for name, value in document.items() if name in names}
