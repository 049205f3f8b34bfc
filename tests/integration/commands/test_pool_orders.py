"""Ordering a running pool about, from another process, through Redis."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from conftest import REGISTRE, Shell


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


def test_an_order_to_nobody_is_told(shell: Shell) -> None:
    ran = shell.run("pool", "pause")
    assert ran.returncode == 1
    assert "no pool is running" in ran.stderr
    assert shell.run("pool", "scale", "0").returncode == 2
    assert shell.run("pool", "stop", REDIS_URL="").returncode == 3
