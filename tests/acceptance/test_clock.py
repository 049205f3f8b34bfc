"""A host whose clock is wrong by an hour: leases hold, because times come from the database."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pool_harness import AUDIT, Pools, Queue, wait_for


@pytest.fixture
def queue(migrated_database_url: str, tmp_path: Path) -> Queue:
    queue = Queue(migrated_database_url, tmp_path)
    queue.ask(AUDIT)
    return queue


@pytest.fixture
def start_pool(queue: Queue, redis_url: str) -> Iterator[Pools]:
    pools = Pools(queue, redis_url)
    yield pools
    pools.close()


@pytest.mark.parametrize("offset", ["+1h", "-1h"])
def test_leases_hold_and_are_rescued_on_time_where_a_clock_is_wrong(
    queue: Queue, start_pool: Pools, offset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faketime = shutil.which("faketime")
    assert faketime is not None, "make acceptance installs faketime"
    shifted = subprocess.run(
        [faketime, "-f", offset, sys.executable, "-c", "import os, time; "
         "print(time.time(), os.environ['LD_PRELOAD'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()  # fmt: skip
    assert abs(abs(float(shifted[0]) - time.time()) - 3600) < 60
    (long,) = queue.add("\n".join(["page 0.5"] * 16))
    monkeypatch.setitem(os.environ, "LD_PRELOAD", shifted[1])
    monkeypatch.setitem(os.environ, "FAKETIME", offset)
    wrong = start_pool(ocr_lease_seconds=2, options={"size": 1})
    for name in ("LD_PRELOAD", "FAKETIME"):
        monkeypatch.delitem(os.environ, name)
    wrong.wait_event("Processing job", seconds=30)
    right = start_pool(ocr_lease_seconds=2, options={"size": 1})
    wait_for(lambda: queue.count(5) == 1, 40, f"{wrong.lines[-3:]}")
    assert queue.one(long, "ocr_attempts") == (1,), "a lease that was renewed was taken away"
    assert not right.events("Document rescued") and not wrong.events("Document rescued")
    with psycopg.connect(queue.dsn) as connection:
        row = connection.execute(
            "SELECT abs(extract(epoch FROM now() - ocr_completed_at)) < 60 FROM extraction_queue"
        ).fetchone()
    assert row == (True,)
