"""Ordering a running pool about, from another process, through Redis."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from conftest import REGISTRE, Shell

from registre_cli.pool.orders import take_orders
from registre_cli.pool.registry import live_pools, publish


@pytest.fixture
def pool(shell: Shell) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [REGISTRE, "pool", "run"],
        env={**os.environ, **shell.settings},
        cwd=shell.folder,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: shell.json("pool", "status")["pools"])
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def state(shell: Shell):  # type: ignore[no-untyped-def]
    return shell.json("pool", "status")["pools"][0]


def test_a_paused_pool_takes_nothing_until_it_is_resumed(
    shell: Shell, pool: subprocess.Popen[bytes]
) -> None:
    assert shell.run("pool", "pause").returncode == 0
    until(lambda: state(shell)["paused"])
    shell.insert(supabase_path="nowhere.pdf")
    time.sleep(1)
    assert shell.ask("SELECT ocr_attempts FROM extraction_queue") == [(None,)]
    report = shell.json("queue", "check")
    assert [problem["code"] for problem in report["problems"]] == ["stalled"]
    # An emptied Redis changes nothing: what was obeyed lives in the pool.
    redis.Redis.from_url(shell.settings["REDIS_URL"]).flushall()
    until(lambda: shell.json("pool", "status")["pools"])
    assert state(shell)["paused"]
    assert shell.run("pool", "resume").returncode == 0
    until(lambda: shell.ask("SELECT ocr_attempts FROM extraction_queue") != [(None,)])


def test_a_pool_grows_and_shrinks_on_order(shell: Shell, pool: subprocess.Popen[bytes]) -> None:
    for size in (4, 1):
        assert shell.run("pool", "scale", str(size)).returncode == 0
        until(lambda size=size: len(state(shell)["workers"]) == size)  # type: ignore[misc]
        assert state(shell)["size"] == size


def test_a_pool_stops_on_order(shell: Shell, pool: subprocess.Popen[bytes]) -> None:
    (pool_id,) = [found["pool_id"] for found in shell.json("pool", "status")["pools"]]
    assert shell.json("pool", "stop", "--pool", pool_id)["ids"] == [pool_id]
    assert pool.wait(20) == 0


def test_an_order_reaches_the_pool_that_is_named_and_no_other(
    shell: Shell, pool: subprocess.Popen[bytes]
) -> None:
    # A pool of another host: it tells Redis, and takes its orders there.
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    (here,) = live_pools(client)
    elsewhere = replace(here, pool_id="far-1-ab", host="far", workers=())
    publish(client, elsewhere)
    found = shell.json("pool", "status")["pools"]
    assert [(seen["pool_id"], seen["host"]) for seen in found] == sorted(
        [("far-1-ab", "far"), (here.pool_id, here.host)]
    )
    assert set(found[0]) >= {
        "pool_id", "host", "version", "started_at", "size", "environments", "paused",
        "allocation", "workers",
    }  # fmt: skip
    publish(client, elsewhere)
    assert shell.json("pool", "pause", "--pool", "far-1-ab")["ids"] == ["far-1-ab"]
    assert [order.what for order in take_orders(client, "far-1-ab")] == ["pause"]
    publish(client, elsewhere)
    ran = shell.run("pool", "stop", "--pool", here.pool_id, "--pool", "no-such-pool")
    assert ran.returncode == 1
    assert "no pool no-such-pool lives" in ran.stderr
    publish(client, elsewhere)
    assert shell.json("pool", "resume")["ids"] == sorted([here.pool_id, "far-1-ab"])
    assert not state(shell)["paused"]
    assert pool.poll() is None


def test_orders_and_status_without_a_redis_say_what_to_set(shell: Shell) -> None:
    for arguments in (["status"], ["pause"], ["resume"], ["scale", "2"], ["stop"]):
        ran = shell.run("pool", *arguments, REDIS_URL="")
        assert (ran.returncode, ran.stdout) == (3, "")
        assert "set REDIS_URL" in ran.stderr
        ran = shell.run("pool", *arguments, REDIS_URL="redis://127.0.0.1:9/0")
        assert (ran.returncode, ran.stdout) == (4, "")


def test_an_order_to_nobody_is_told(shell: Shell) -> None:
    ran = shell.run("pool", "pause")
    assert ran.returncode == 1
    assert "no pool is running" in ran.stderr
    assert shell.run("pool", "scale", "0").returncode == 2
    assert shell.run("pool", "stop", REDIS_URL="").returncode == 3
