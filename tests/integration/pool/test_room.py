"""Whether a pool's workers have room on their host, with real servers and real memory."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pool_harness import Pools, Queue, wait_for

from registre_cli.capacity.places import Place, Places
from registre_cli.capacity.usage import UsageRecord
from registre_cli.core.documents import Source
from registre_cli.pool.models import PoolStatus
from registre_cli.pool.registry import live_pools

GB = 1_000_000_000
# 3.2 vCPU are left after the reserve: an index (1.5) and an acte (1.0) worker fit, no third one.
ROOM_FOR_TWO = {"server_max_cpu": 4}


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


def places(client: redis.Redis) -> tuple[Place, ...]:
    return Places(client, socket.gethostname()).taken()


def status(client: redis.Redis, *, size: int) -> PoolStatus | None:
    return next((pool for pool in live_pools(client) if pool.size == size), None)


def test_workers_beyond_a_declared_limit_wait_visibly_and_come_when_there_is_room(
    queue: Queue, start_pool: Pools, client: redis.Redis
) -> None:
    first = start_pool(options={"size": 1}, **ROOM_FOR_TWO)
    first.wait_event("Worker started")
    second = start_pool(options={"size": 3}, **ROOM_FOR_TWO)
    second.wait_event("Workers wait for room")
    (line,) = second.events("Workers wait for room")
    assert (line["waiting"], line["reason"]) == (2, "CPU: 3 of 3.2 vCPU")
    wait_for(lambda: (s := status(client, size=3)) and s.workers, 10, "no worker is told of")
    told = status(client, size=3)
    assert told is not None and told.waiting_for_room == 2 and len(told.workers) == 1
    assert "2 workers wait for room: CPU: 3 of 3.2 vCPU" in told.notes
    # The pool works on with what it has.
    queue.add("page 0", number=4)
    wait_for(lambda: queue.count(5) == 4, 15, "documents were left")
    first.send(signal.SIGTERM)
    first.wait(15)
    second.wait_event("Worker started", number=2)
    second.wait_event("Room found", number=1)
    assert len(second.workers()) == 2


def test_the_places_of_a_killed_pool_come_free(
    queue: Queue, start_pool: Pools, client: redis.Redis
) -> None:
    first = start_pool(options={"size": 2}, **ROOM_FOR_TWO)
    first.wait_event("Worker started", number=2)
    wait_for(lambda: len(places(client)) == 2, 5, "no places are taken")
    second = start_pool(options={"size": 1}, **ROOM_FOR_TWO)
    second.wait_event("Workers wait for room")
    first.send(signal.SIGKILL)
    second.wait_event("Worker started", seconds=20)


def test_of_two_pools_that_start_at_once_only_what_fits_runs(
    queue: Queue, start_pool: Pools, client: redis.Redis
) -> None:
    both = [start_pool(options={"size": 2}, **ROOM_FOR_TWO) for _ in range(2)]
    for pool in both:
        pool.wait_event("Pool started")
    wait_for(lambda: len(live_pools(client)) == 2, 15, "a pool is not told of")
    wait_for(lambda: sum(p.waiting_for_room for p in live_pools(client)) > 0, 10, "nobody waits")
    assert sum(place.cpu for place in places(client)) <= 3.2
    wait_for(lambda: sum(len(pool.workers()) for pool in both) == 2, 10, "too few workers")
    assert len(places(client)) == 2


def test_a_burst_ends_with_the_workers_that_have_room(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0.01", number=6)
    pool = start_pool(options={"size": 5, "burst": True}, **ROOM_FOR_TWO)
    assert pool.wait(30) == 0
    assert queue.count(5) == 6
    assert len(pool.events("Worker started")) == 2


def test_a_pool_of_which_no_worker_can_ever_fit_is_refused_unless_it_is_forced(
    queue: Queue, start_pool: Pools
) -> None:
    refused = start_pool(options={"size": 1}, server_max_cpu=1)
    assert refused.wait(15) != 0
    assert any("no worker fits into the declared limits" in str(line) for line in refused.lines)
    forced = start_pool(options={"size": 2, "room": {"force": True}}, server_max_cpu=1)
    forced.wait_event("Worker started", number=2)


def test_without_redis_a_pool_plans_alone_and_never_stops(
    queue: Queue, redis_url: str, start_pool: Pools
) -> None:
    alone = Pools(queue, "")
    try:
        pool = alone(options={"size": 4}, **ROOM_FOR_TWO)
        pool.wait_event("Workers wait for room")
        queue.add("page 0", number=2)
        wait_for(lambda: queue.count(5) == 2, 15, "documents were left")
        assert len(pool.events("Worker started")) == 2
    finally:
        alone.close()
    away = Pools(queue, "redis://127.0.0.1:9/0")
    try:
        pool = away(options={"size": 4}, **ROOM_FOR_TWO)
        pool.wait_event("Room planned alone")
        pool.wait_event("Worker started", number=2)
    finally:
        away.close()


def test_an_order_to_grow_takes_the_room_that_there_is(
    queue: Queue, start_pool: Pools, client: redis.Redis
) -> None:
    pool = start_pool(options={"size": 1}, **ROOM_FOR_TWO)
    pool.wait_event("Worker started")
    wait_for(lambda: live_pools(client), 10, "the pool is not told of")
    (living,) = live_pools(client)
    client.rpush(f"registre:orders:{living.pool_id}", json.dumps({"what": "scale", "size": 3}))
    pool.wait_event("Workers wait for room")
    pool.wait_event("Worker started", number=2)
    client.rpush(f"registre:orders:{living.pool_id}", json.dumps({"what": "scale", "size": 1}))
    wait_for(lambda: len(places(client)) == 1 and len(pool.workers()) == 1, 15, "it did not shrink")


def test_what_documents_took_is_measured_and_outlives_the_pool(
    queue: Queue, start_pool: Pools, client: redis.Redis
) -> None:
    queue.add("work 0.2", number=4, source="acte")
    pool = start_pool(options={"size": 1, "burst": True})
    assert pool.wait(30) == 0
    usages = UsageRecord(client, socket.gethostname()).read()
    assert [usage.source for usage in usages] == [Source.ACTE] * 4
    for usage in usages:
        # The page computes for 0.2 s; waiting for a processor counts as computing.
        assert 0.15 <= usage.cpu_seconds <= usage.seconds * 1.3
        assert 10_000_000 < usage.peak_ram_bytes < GB


def host_with(folder: Path, available_bytes: int) -> None:
    """A machine as /proc shows it: 10 GB, of which a tenth must stay free."""
    (folder / "proc").mkdir(parents=True, exist_ok=True)
    text = f"MemTotal: {10 * GB // 1024} kB\nMemAvailable: {available_bytes // 1024} kB\n"
    (folder / "proc" / "meminfo.new").write_text(text)
    (folder / "proc" / "meminfo.new").rename(folder / "proc" / "meminfo")


def test_a_pool_shrinks_politely_while_memory_is_short_and_grows_back(
    queue: Queue, start_pool: Pools, tmp_path: Path
) -> None:
    host_with(tmp_path, 9 * GB)
    pool = start_pool(options={"size": 2, "room": {"host_root": str(tmp_path)}})
    pool.wait_event("Worker started", number=2)
    queue.add("page 0.2\npage 0.2", number=10)
    host_with(tmp_path, GB // 2)
    pool.wait_event("Memory short")
    wait_for(lambda: len(pool.workers()) == 1, 15, "no worker left")
    host_with(tmp_path, 9 * GB)
    pool.wait_event("Memory back", seconds=30)
    pool.wait_event("Worker started", number=3)
    wait_for(lambda: queue.count(5) == 10, 30, "documents were left")
    assert pool.events("Worker lost") == [] and pool.events("Failed job") == []
    queue.assert_each_result_was_stored_once()


def test_workers_that_hold_more_than_the_declared_memory_make_the_pool_shrink(
    queue: Queue, start_pool: Pools
) -> None:
    # Two workers may hold 1.6 GB; the pages take more than that for real.
    queue.add("hold 1000 6", number=2)
    pool = start_pool(options={"size": 2}, server_max_ram=2, ocr_worker_max_rss_mb=4000)
    pool.wait_event("Memory short", seconds=20)
    (line,) = pool.events("Memory short")
    assert line["workers_at_most"] == 1
    assert int(str(line["pool_bytes"])) > 1.6 * GB
    wait_for(lambda: len(pool.workers()) == 1, 20, "no worker left")
    assert pool.events("Worker lost") == []
