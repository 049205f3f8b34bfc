"""Nothing lost, nothing stuck, nothing written twice: short forms of each fault."""

import random
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis
from frozen_proxy import FrozenProxy
from pool_harness import AUDIT, Pool, Pools, Queue, wait_for
from pydantic import SecretStr

from registre_cli.embedded.servers import PostgresServer, ValkeyServer
from registre_cli.queue.migrate import migrate

PAGES = "page 0.05\npage 0.05"


def finish(pool: Pool, queue: Queue, done: int, *, failed: int = 0, seconds: float = 40) -> None:
    wait_for(
        lambda: queue.count(5) == done and queue.count(4) == failed,
        seconds,
        lambda: (
            f"{queue.count(5)} done, {queue.count(4)} failed, {queue.count(6)} reading, "
            f"{queue.count(3)} waiting; {pool.lines[-4:]}"
        ),
    )
    queue.assert_each_result_was_stored_once()


def test_killed_workers_cost_a_named_try_and_no_document(queue: Queue, start_pool: Pools) -> None:
    chance = random.Random(7)
    queue.add("page 0.1\npage 0.1", number=60)
    pool = start_pool(options={"size": 3})
    pool.wait_event("Completed job", number=3)
    for _ in range(6):
        workers = pool.workers()
        if workers:
            chance.choice(workers).kill()
        time.sleep(0.6)
    finish(pool, queue, done=60)
    lost = [line for line in pool.events("Worker lost") if line.get("document_id")]
    assert lost, "no worker was killed at a document"
    for line in lost:
        assert str(line["reason"]).startswith("worker ended by SIGKILL")
        ((history,),) = queue.ask(
            "SELECT ocr_history FROM extraction_queue WHERE id = %s", line["document_id"]
        )
        assert any("SIGKILL" in str(entry["reason"]) for entry in history)  # type: ignore[attr-defined]


def test_a_claim_whose_worker_died_before_it_could_tell_is_found_at_once(
    queue: Queue, start_pool: Pools
) -> None:
    """The claim is carried out although, or after, its worker was killed; the lease is a minute."""
    queue.ask(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$"
    )
    queue.ask(
        "CREATE TRIGGER dawdle BEFORE UPDATE ON extraction_queue FOR EACH ROW"
        " WHEN (NEW.status_id = 6 AND OLD.status_id = 3 AND NEW.ocr_attempts = 1)"
        " EXECUTE FUNCTION dawdle()"
    )
    pool = start_pool(options={"size": 1})
    pool.wait_event("Worker started")
    (document,) = queue.add(PAGES)
    wait_for(
        lambda: queue.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"),
        15,
        "nothing was claimed",
    )
    pool.workers()[0].kill()
    finish(pool, queue, done=1, seconds=20)
    ((history,),) = queue.ask("SELECT ocr_history FROM extraction_queue WHERE id = %s", document)
    reasons = [entry["reason"] for entry in history]  # type: ignore[attr-defined]
    assert reasons == ["worker ended by SIGKILL", None]


def test_a_poison_document_ends_after_its_tries_and_its_neighbours_are_unharmed(
    queue: Queue, start_pool: Pools
) -> None:
    (poison,) = queue.add("page 0\ndie SIGSEGV", ocr_priority=1)
    queue.add(PAGES, number=10)
    pool = start_pool()
    finish(pool, queue, done=10, failed=1)
    attempts, error = queue.one(poison, "ocr_attempts, ocr_error")
    assert attempts == 3
    assert error == "worker ended by SIGSEGV on page 2"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("page 0\nhang", "a page took longer than 1 s on page 2"),
        ("swallow", "the memory limit of 300 MB was passed on page 1"),
    ],
)
def test_a_page_that_hangs_or_swallows_memory_is_ended_by_the_supervisor(
    queue: Queue,
    start_pool: Pools,
    script: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (bad,) = queue.add(script, ocr_max_attempts=1)
    queue.add(PAGES, number=5)
    pool = start_pool(ocr_page_timeout=1, ocr_worker_max_rss_mb=300)
    finish(pool, queue, done=5, failed=1)
    assert queue.one(bad, "ocr_error") == (reason,)


def test_an_error_that_nobody_expected_is_named_in_the_document(
    queue: Queue, start_pool: Pools
) -> None:
    (odd,) = queue.add("page 0\nraise", ocr_max_attempts=1, ocr_priority=1)
    queue.add(PAGES, number=3)
    finish(start_pool(), queue, done=3, failed=1)
    ((reason,),) = queue.ask("SELECT ocr_error FROM extraction_queue WHERE id = %s", odd)
    assert str(reason).startswith("worker ended by ZeroDivisionError: nobody")
    assert str(reason).endswith("expected this on page 2")
    assert "\x1b" not in str(reason)


def test_a_result_that_the_database_refuses_costs_its_document_a_named_try(
    queue: Queue, start_pool: Pools
) -> None:
    refused, poison = queue.add("page 0", number=2, ocr_max_attempts=2, ocr_priority=1)
    (queue.storage / f"{queue.added}.txt").write_text("die SIGSEGV")
    queue.ask(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'not this one'; END $$"
    )
    queue.ask(
        "CREATE TRIGGER refuse BEFORE UPDATE ON extraction_queue FOR EACH ROW"
        f" WHEN (NEW.id::text = '{refused}' AND NEW.status_id = 5"
        f" OR NEW.id::text = '{poison}' AND OLD.status_id = 6) EXECUTE FUNCTION refuse()"
    )
    queue.add(PAGES, number=4)
    pool = start_pool(ocr_lease_seconds=2)
    finish(pool, queue, done=4, failed=1)
    ((reason,),) = queue.ask("SELECT ocr_error FROM extraction_queue WHERE id = %s", refused)
    assert reason == "the database refused: not this one"
    # Nothing can be written about the poison, and the pool's housekeeping goes on all the same.
    pool.wait_event("Document left to its lease")
    queue.ask("DROP TRIGGER refuse ON extraction_queue")
    finish(pool, queue, done=4, failed=2)


def test_a_missing_right_stops_the_claims_until_it_is_given_back(
    queue: Queue, start_pool: Pools
) -> None:
    pool = start_pool()
    queue.ask("ALTER TABLE extraction_queue RENAME COLUMN ocr_priority TO hidden")
    queue.add(PAGES, number=3)
    pool.wait_event("Database away")
    queue.ask("ALTER TABLE extraction_queue RENAME COLUMN hidden TO ocr_priority")
    finish(pool, queue, done=3)
    assert not pool.events("Worker lost")


# Needs a time that grows with two to the power of the letters, and finds nothing in the end.
ENDLESS_TEXT = f"text {'a' * 60}d"


def endless_rules(folder: Path, number: int) -> str:
    """Write rules of a user's that never end; each may spend a second on a document."""
    rules = [
        f"""
        [[rule]]
        name = "endless-{place}"
        why = "Somebody's mistake."
        match = '^(?:a|aa|a[a])+[bc]$'
        write = "e"
        changes = [["aab", "e"], ["ac", "e"]]
        leaves = ["a", "b"]
        """
        for place in range(number)
    ]
    (folder / "endless.toml").write_text("\n".join(rules))
    return str(folder)


def test_a_rule_that_never_ends_is_left_out_and_that_is_marked(
    queue: Queue, start_pool: Pools, tmp_path: Path
) -> None:
    queue.add(ENDLESS_TEXT)
    queue.add(PAGES, number=3)
    pool = start_pool(ocr_boost_rules=endless_rules(tmp_path, 1))
    finish(pool, queue, done=4)
    (event,) = pool.events("Rule left out")
    assert event["rule"] == "endless-0"


def test_a_correction_that_never_ends_costs_its_document_and_not_the_worker_for_ever(
    queue: Queue, start_pool: Pools, tmp_path: Path
) -> None:
    (endless,) = queue.add(ENDLESS_TEXT, ocr_max_attempts=1, ocr_priority=1)
    queue.add(PAGES, number=3)
    pool = start_pool(ocr_page_timeout=1, ocr_boost_rules=endless_rules(tmp_path, 20))
    finish(pool, queue, done=3, failed=1)
    (reason,) = queue.one(endless, "ocr_error")
    assert reason == "correcting the text took longer than 1 s after the last page"


@pytest.mark.parametrize(
    ("script", "reason"),
    [("fill", "No space left on device"), ("exhaust", "Too many open files")],
)
def test_a_host_without_disk_or_file_handles_is_a_named_transient_failure(
    queue: Queue, start_pool: Pools, script: str, reason: str
) -> None:
    (document,) = queue.add(script, ocr_max_attempts=2)
    pool = start_pool()
    finish(pool, queue, done=0, failed=1)
    expected = (2, f"this host failed: {reason}")
    assert queue.one(document, "ocr_attempts, ocr_error") == expected


def test_workers_of_a_killed_supervisor_end_and_another_pool_rescues(
    queue: Queue, start_pool: Pools
) -> None:
    queue.add("\n".join(["page 0.2"] * 50), number=2)
    first = start_pool(ocr_lease_seconds=3)
    first.wait_event("Processing job", number=2)
    workers = first.workers()
    first.send(signal.SIGKILL)
    started = time.monotonic()
    wait_for(lambda: not any(w.is_running() for w in workers), 5, "orphans live")
    queue.ask("UPDATE extraction_queue SET supabase_path = 'short.txt'")
    (queue.storage / "short.txt").write_text("page 0")
    second = start_pool(ocr_lease_seconds=3)
    finish(second, queue, done=2)
    assert time.monotonic() - started < 3 + 5 + 3
    assert queue.ask("SELECT DISTINCT ocr_attempts FROM extraction_queue") == [(2,)]


def test_an_orphan_ends_even_while_a_page_holds_the_interpreter(
    queue: Queue, start_pool: Pools
) -> None:
    queue.add("page 0\ngrip", number=2)
    pool = start_pool()
    pool.wait_event("Processing job", number=2)
    time.sleep(0.5)
    workers = pool.workers()
    assert len(workers) == 2
    pool.send(signal.SIGKILL)
    wait_for(lambda: not any(w.is_running() for w in workers), 5, "orphans live")


def test_the_late_result_of_a_stopped_worker_changes_nothing(
    queue: Queue, start_pool: Pools
) -> None:
    (document,) = queue.add("page 0.5\npage 0.5")
    first = start_pool(ocr_lease_seconds=2, options={"size": 1})
    first.wait_event("Processing job")
    (worker,) = first.workers()
    worker.suspend()
    second = start_pool(ocr_lease_seconds=2, options={"size": 1})
    finish(second, queue, done=1)
    text = queue.one(document, "file_content")
    worker.resume()
    first.wait_event("Failed job")
    assert first.events("Failed job")[0]["outcome"] == "lost"
    assert queue.one(document, "file_content") == text
    queue.assert_each_result_was_stored_once()


def test_cut_connections_are_made_again(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0.05", number=60)
    pool = start_pool()
    pool.wait_event("Completed job")
    for _ in range(5):
        queue.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        time.sleep(0.5)
    finish(pool, queue, done=60)
    queue.add("page 0", number=1)
    finish(pool, queue, done=61, seconds=5)


def test_a_finished_result_waits_for_the_database_and_is_not_computed_again(
    queue: Queue, start_pool: Pools, postgres_server: PostgresServer
) -> None:
    (document,) = queue.add("page 1.5")
    pool = start_pool(options={"size": 1})
    pool.wait_event("Processing job")
    postgres_server.stop()
    time.sleep(4)
    postgres_server.start()
    finish(pool, queue, done=1)
    assert queue.one(document, "ocr_attempts") == (1,)
    assert len(pool.events("Claimed job")) == 1
    assert pool.events("Database away") and pool.events("Database back")


def test_redis_may_go_come_back_empty_and_nobody_stops(
    queue: Queue, start_pool: Pools, valkey_server: ValkeyServer
) -> None:
    queue.add("page 0.1", number=60)
    pool = start_pool()
    pool.wait_event("Completed job", number=3)
    valkey_server.stop()
    pool.wait_event("Redis away")
    done = queue.count(5)
    wait_for(lambda: queue.count(5) > done, 10, "nothing was read without Redis")
    valkey_server.start()
    pool.wait_event("Redis back")
    client = redis.Redis.from_url(valkey_server.url())
    client.flushall()
    wait_for(lambda: client.keys("registre:pool:*"), 10, "the pool did not say that it lives")
    finish(pool, queue, done=60)


def test_a_connection_that_only_seems_to_live_is_noticed_within_half_a_minute(
    queue: Queue, start_pool: Pools, server_folder: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = PostgresServer(server_folder / "tcp-pg", port=port, durable=False)
    server.start()
    try:
        migrate(SecretStr(server.tcp_dsn()))
        far = Queue(server.tcp_dsn(), queue.storage)
        far.ask(AUDIT)
        with FrozenProxy(port) as proxy:
            dsn = f"postgresql://postgres@127.0.0.1:{proxy.port}/postgres"
            pool = start_pool(dsn=dsn, ocr_lease_seconds=5)
            far.add("page 0.2", number=20)
            wait_for(lambda: far.count(5) > 2, 15, "nothing was read")
            proxy.freeze()
            pool.wait_event("Database away", seconds=32)
            proxy.heal()
            # What was read when the line froze was rescued or stored, whichever came first.
            wait_for(lambda: far.count(5) == 20, 50, f"{far.count(5)} of 20, {pool.lines[-3:]}")
            far.assert_each_result_was_stored_once()
            queue_end = pool.process
            queue_end.terminate()
            assert queue_end.wait(30) == 0
    finally:
        server.stop()


def test_both_servers_may_go_at_once(
    queue: Queue,
    start_pool: Pools,
    postgres_server: PostgresServer,
    valkey_server: ValkeyServer,
) -> None:
    queue.add("page 0.3", number=20)
    pool = start_pool()
    pool.wait_event("Completed job", number=2)
    postgres_server.stop()
    valkey_server.stop()
    pool.wait_event("Database away")
    time.sleep(2)
    valkey_server.start()
    postgres_server.start()
    finish(pool, queue, done=20)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("status-500", "storage: answered 500"),
        ("status-404", "storage: no such document (404)"),
        ("cut.pdf", "storage: the answer was cut short after 5,009 bytes"),
    ],
)
def test_a_storage_that_fails_is_a_named_transient_failure(
    queue: Queue, start_pool: Pools, serve: Callable[[], tuple[str, object]], name: str, reason: str
) -> None:
    url, _ = serve()
    (document,) = queue.add("page 0", supabase_path=name, ocr_max_attempts=2)
    start_pool(storage=url)
    wait_for(lambda: queue.count(4) == 1, 20, str(queue.one(document, "status_id, ocr_error")))
    assert queue.one(document, "ocr_attempts, ocr_error") == (2, reason)


def test_three_pools_claim_each_document_once(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0", number=300)
    pools = [start_pool(options={"size": 3, "burst": True}) for _ in range(3)]
    finish(pools[0], queue, done=300)
    assert [pool.wait(20) for pool in pools] == [0, 0, 0]
    assert queue.ask("SELECT count(*) FROM audit WHERE became = 6") == [(300,)]


def test_no_process_is_left_after_the_end(queue: Queue, start_pool: Pools) -> None:
    queue.add(PAGES, number=3)
    pool = start_pool(options={"burst": True})
    assert pool.wait(30) == 0
    assert not [p for p in psutil.process_iter() if p.pid == pool.process.pid]
    assert not pool.workers()
