"""The faults, each a program of its own on a fresh queue; none of them asks the product's word.

A fault injects what its name says while documents are read, and waits until the queue is
quiet. What is then counted comes from an audit log that a trigger of ours writes.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from pool_harness import Pools, Queue, wait_for

from registre_cli.embedded.servers import PostgresServer, ValkeyServer

PATIENCE_SECONDS = 240.0


@dataclass
class Stage:
    """What a fault works with."""

    queue: Queue
    pools: Pools
    postgres: PostgresServer
    valkey: ValkeyServer
    chance: random.Random
    corpus: Path | None = None

    def quiet(self, documents: int, seconds: float = PATIENCE_SECONDS) -> float:
        """Wait until every document is done or failed; return how long that took."""
        started = time.monotonic()
        wait_for(
            lambda: self.queue.count(5) + self.queue.count(4) == documents,
            seconds,
            f"{self.queue.count(5)} done, {self.queue.count(4)} failed of {documents}",
        )
        return time.monotonic() - started


@dataclass(frozen=True)
class Injected:
    """How many documents there were, how often the fault struck, seconds from the last to quiet."""

    documents: int
    faults: int
    recovery_seconds: float
    note: str = ""


Fault = Callable[[Stage], Injected]


def kill_workers(stage: Stage) -> Injected:
    """SIGKILL of a random worker every 2 s while 200 documents are read, one of them poison."""
    stage.queue.add("page 0.2\npage 0.2\npage 0.2", number=199, ocr_max_attempts=20)
    stage.queue.add("page 0\ndie SIGKILL", ocr_priority=1)
    pool = stage.pools(options={"size": 3})
    kills = 0
    while stage.queue.count(5) < 190:
        time.sleep(2)
        workers = pool.workers()
        if workers:
            stage.chance.choice(workers).kill()
            kills += 1
    seconds = stage.quiet(200)
    ((reason,),) = stage.queue.ask("SELECT ocr_error FROM extraction_queue WHERE status_id = 4")
    return Injected(200, kills, seconds, f"poison: {reason}")


def kill_supervisor(stage: Stage) -> Injected:
    """SIGKILL of the supervisor; another pool rescues within lease + 5 s."""
    stage.queue.add("page 0.3\npage 0.3", number=40)
    lease, orphans = 4, 0.0
    rounds = 3
    for _ in range(rounds):
        pool = stage.pools(ocr_lease_seconds=lease)
        pool.wait_event("Processing job", seconds=30)
        workers = pool.workers()
        pool.send(signal.SIGKILL)
        started = time.monotonic()
        wait_for(lambda: not any(map(_lives, workers)), 5, "orphans go on")  # noqa: B023
        orphans = max(orphans, time.monotonic() - started)
    started = time.monotonic()
    second = stage.pools(ocr_lease_seconds=lease)
    second.wait_event("Document rescued", seconds=lease + 5)
    rescue = time.monotonic() - started
    stage.quiet(40)
    return Injected(40, rounds, rescue, f"orphans gone after {orphans:.2f} s")


def stop_and_continue_workers(stage: Stage) -> Injected:
    """SIGSTOP of a worker past its lease, then SIGCONT: its late result changes nothing."""
    stage.queue.add("page 0.2\npage 0.2", number=40)
    first = stage.pools(ocr_lease_seconds=2, ocr_page_timeout=60)
    first.wait_event("Processing job", seconds=30)
    stage.pools(ocr_lease_seconds=2)
    stopped = [worker for worker in first.workers() if _lives(worker)]
    for worker in stopped:
        worker.suspend()
    time.sleep(5)
    for worker in stopped:
        worker.resume()
    return Injected(40, len(stopped), stage.quiet(40))


def cut_connections(stage: Stage) -> Injected:
    """`pg_terminate_backend` of every connection, five times."""
    stage.queue.add("page 0.1", number=200)
    pool = stage.pools(options={"size": 3})
    pool.wait_event("Completed job", seconds=30)
    for _ in range(5):
        stage.queue.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        time.sleep(1.5)
    return Injected(200, 5, stage.quiet(200))


def restart_postgres(stage: Stage, away_seconds: float = 30.0, times: int = 5) -> Injected:
    """PostgreSQL away for 30 s, five times: finished results wait and are not computed again."""
    stage.queue.add("page 0.5", number=60)
    pool = stage.pools(ocr_lease_seconds=90)
    pool.wait_event("Completed job", seconds=30)
    for _ in range(times):
        stage.postgres.stop()
        time.sleep(away_seconds)
        stage.postgres.start()
        time.sleep(2)
    seconds = stage.quiet(60)
    ((most,),) = stage.queue.ask("SELECT max(ocr_attempts) FROM extraction_queue")
    return Injected(60, times, seconds, f"at most {most} try a document")


def restart_redis(stage: Stage, away_seconds: float = 30.0, times: int = 5) -> Injected:
    """Redis away for 30 s, five times, and empty when it comes back: nobody stops reading."""
    stage.queue.add("page 0.5", number=400)
    pool = stage.pools(ocr_rpm=100_000, ocr_budget_share=1)
    pool.wait_event("Completed job", seconds=30)
    read_without = 0
    for _ in range(times):
        stage.valkey.stop()
        before = stage.queue.count(5)
        time.sleep(away_seconds)
        read_without += stage.queue.count(5) - before
        stage.valkey.start()
        client = redis.Redis.from_url(stage.valkey.url())
        client.flushall()
        wait_for(lambda: client.keys("registre:pool:*"), 15, "the pool is silent")  # noqa: B023
    return Injected(400, times, stage.quiet(400), f"{read_without} read without Redis")


def restart_both(stage: Stage) -> Injected:
    """PostgreSQL and Redis away at once."""
    stage.queue.add("page 0.5", number=30)
    pool = stage.pools(ocr_lease_seconds=60)
    pool.wait_event("Completed job", seconds=30)
    stage.postgres.stop()
    stage.valkey.stop()
    time.sleep(10)
    stage.valkey.start()
    stage.postgres.start()
    return Injected(30, 1, stage.quiet(30))


def sick_host(stage: Stage) -> Injected:
    """A full disk, no file handles, pages that hang or swallow memory; neighbours live."""
    stage.queue.add("page 0.1", number=40)
    for script in ("fill", "exhaust", "page 0\nhang", "swallow", "page 0\ndie SIGSEGV"):
        stage.queue.add(script, number=2, ocr_max_attempts=2)
    stage.pools(ocr_page_timeout=1, ocr_worker_max_rss_mb=300, options={"size": 3})
    seconds = stage.quiet(50)
    reasons = stage.queue.ask(
        "SELECT DISTINCT ocr_error FROM extraction_queue WHERE status_id = 4 ORDER BY 1"
    )
    return Injected(50, 20, seconds, "; ".join(str(row[0]) for row in reasons))


def many_pools(stage: Stage) -> Injected:
    """10 pools of 4 workers on one queue of 5,000 documents that cost nothing."""
    stage.queue.ask(
        "INSERT INTO extraction_queue (document_source, document_number, supabase_path, status_id)"
        " SELECT CASE WHEN n % 3 = 0 THEN 'acte' ELSE 'index' END, n::text, '1.txt', 3"
        " FROM generate_series(1, 4999) AS n"
    )
    stage.queue.add("page 0")
    for _ in range(10):
        stage.pools(options={"size": 4})
    started = time.monotonic()
    stage.quiet(5000)
    ((claims,),) = stage.queue.ask("SELECT count(*) FROM audit WHERE became = 6")
    deadlocks = stage.queue.ask(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    note = f"{claims} claims, {deadlocks[0][0]} deadlocks"
    return Injected(5000, 0, time.monotonic() - started, note)


def wake_ups(stage: Stage) -> Injected:
    """1,000 inserts back to back on an idle pool whose poll is far away: none waits for it."""
    pool = stage.pools(ocr_poll_interval_ms=600_000)
    pool.wait_event("Worker started", seconds=30, number=2)
    time.sleep(2)
    for _ in range(1000):
        stage.queue.add("page 0")
    seconds = stage.quiet(1000, 60)
    return Injected(1000, 0, seconds)


def stop_signals(stage: Stage) -> Injected:
    """SIGTERM, SIGINT to the group and SIGHUP in turn: every try is given back."""
    stage.queue.add("page 0.4\npage 0.4", number=24)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in numbers:
        pool = stage.pools()
        pool.wait_event("Processing job", seconds=30)
        pool.send(number)
        if pool.wait(15) != 0:
            raise AssertionError(f"the pool ended with {pool.process.returncode}")
    stage.pools()
    seconds = stage.quiet(24)
    ((most,),) = stage.queue.ask("SELECT max(ocr_attempts) FROM extraction_queue")
    return Injected(24, len(numbers), seconds, f"at most {most} try a document")


def concurrent_chaos(stage: Stage) -> Injected:
    """Two pools; workers killed, connections cut and Redis flushed at random, all at once."""
    stage.queue.add("page 0.1\npage 0.1", number=150, ocr_max_attempts=50)
    pools = [stage.pools(ocr_lease_seconds=4) for _ in range(2)]
    pools[0].wait_event("Completed job", seconds=30)
    client = redis.Redis.from_url(stage.valkey.url())
    ending = threading.Event()
    faults = 0
    while not ending.wait(0.7) and stage.queue.count(5) < 130:
        faults += 1
        match stage.chance.randrange(3):
            case 0:
                workers = stage.chance.choice(pools).workers()
                if workers:
                    stage.chance.choice(workers).kill()
            case 1:
                stage.queue.ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            case _:
                client.flushall()
    return Injected(150, faults, stage.quiet(150))


def hostile_corpus(stage: Stage) -> Injected:
    """Every malformed or hostile PDF of the corpus, through the real program and its reader."""
    if stage.corpus is None:
        return Injected(0, 0, 0.0, "skipped: the corpus is not here (REGISTRE_CORPUS)")
    files = sorted((stage.corpus / "badpdf").glob("*.pdf"))
    for file in files:
        stage.queue.ask(
            "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
            " status_id) VALUES ('acte', %s, %s, 3)",
            file.name,
            file.name,
        )
    pool = subprocess.Popen(
        [Path(sys.executable).with_name("registre"), "pool", "run"],
        stderr=subprocess.DEVNULL,
        cwd=stage.queue.storage,
        env={
            **os.environ,
            "OCR_DEV": "true",
            "DEV_DATABASE_URL": stage.queue.dsn,
            "DEV_STORAGE_URL": (stage.corpus / "badpdf").resolve().as_uri(),
            "REDIS_URL": stage.valkey.url(),
            "OCR_PAGE_TIMEOUT": "20",
        },
    )
    largest = 0
    started = time.monotonic()
    try:
        while stage.queue.count(5) + stage.queue.count(4) < len(files):
            if time.monotonic() - started > PATIENCE_SECONDS * 2:
                raise AssertionError(f"{stage.queue.count(3)} still wait after the patience")
            largest = max([largest, *_resident_bytes(pool.pid)])
            time.sleep(0.2)
    finally:
        pool.send_signal(signal.SIGTERM)
        pool.wait(30)
    reasons = stage.queue.ask(
        "SELECT count(DISTINCT ocr_error), count(*), count(*) FILTER (WHERE ocr_error IS NULL"
        " OR ocr_error LIKE %s) FROM extraction_queue WHERE status_id = 4",
        "%\n%",
    )
    ((kinds, failed, unexplained),) = reasons
    if unexplained:
        raise AssertionError(f"{unexplained} failed without a one-line reason")
    note = f"{failed} failed for {kinds} reasons, largest worker {largest // 1_000_000} MB"
    return Injected(len(files), 0, time.monotonic() - started, note)


FAULTS: tuple[Fault, ...] = (
    kill_workers,
    kill_supervisor,
    stop_and_continue_workers,
    cut_connections,
    restart_postgres,
    restart_redis,
    restart_both,
    sick_host,
    stop_signals,
    wake_ups,
    many_pools,
    concurrent_chaos,
    hostile_corpus,
)


def _resident_bytes(supervisor: int) -> list[int]:
    """Return the resident memory of every process below the supervisor."""
    sizes = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(supervisor).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                sizes.append(child.memory_info().rss)
    return sizes


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
