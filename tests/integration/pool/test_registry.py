"""The registry of live pools on a real Valkey."""

import json
from datetime import UTC, datetime

import pytest
import redis

from registre_cli.core.documents import Source
from registre_cli.core.errors import ProblemFoundError
from registre_cli.pool.models import PoolStatus, WorkerState, WorkerStatus
from registre_cli.pool.registry import live_pools, publish, withdraw

WORKER = WorkerStatus(
    "w1", 12, Source.INDEX, WorkerState.WORKING, "dev", "7", "1 234 567", 1, 3, 0.5, 4, 0, 1, 2.0
)
STATUS = PoolStatus(
    pool_id="host-1-ab",
    host="host",
    version="0.1.0",
    started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    size=2,
    environments=("dev",),
    paused=False,
    borrow=True,
    allocation={Source.INDEX: 1, Source.ACTE: 1},
    workers=(WORKER,),
    notes=("Redis was away",),
)


def test_a_pool_is_seen_as_it_said_and_gone_when_it_says_goodbye(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    publish(client, STATUS)
    assert live_pools(client) == (STATUS,)
    assert 0 < client.ttl("registre:pool:host-1-ab") <= 10
    withdraw(client, STATUS.pool_id)
    assert live_pools(client) == ()


def test_a_pool_of_a_newer_version_is_seen_all_the_same(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    publish(client, STATUS)
    key = "registre:pool:host-1-ab"
    document = json.loads(client.get(key))
    document["colour"] = "later"
    document["workers"][0]["cost"] = 3
    client.set(key, json.dumps(document))
    assert live_pools(client) == (STATUS,)


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"pool_id": "x"}', '{"workers": [[]]}', "\xff"])
def test_what_others_write_under_our_names_is_told_with_its_key(redis_url: str, text: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.set("registre:pool:strange", text)
    with pytest.raises(ProblemFoundError, match="registre:pool:strange") as told:
        live_pools(client)
    assert "redis-cli DEL registre:pool:strange" in str(told.value.fix)
