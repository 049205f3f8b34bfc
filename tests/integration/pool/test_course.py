"""The ordinary course of a pool: order, sharing, pick-up, stopping."""

import signal
import time

import pytest
from pool_harness import Pools, Queue, wait_for

from registre_cli.queue.admin import cancel_document
from registre_cli.queue.connection import connect


def test_a_burst_reads_everything_and_says_so_line_by_line(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0\npage 0", number=4)
    queue.add("page 0", number=2, source="acte")
    queue.add("page 0", supabase_path=None)
    pool = start_pool(options={"burst": True})
    assert pool.wait(30) == 0
    assert (queue.count(5), queue.count(3)) == (6, 1)
    queue.assert_each_result_was_stored_once()
    names = [str(line["event"]) for line in pool.lines]
    assert names[0] == "Pool started"
    assert str(pool.lines[0]["engines"]).startswith("['tesseract (in process, tesserocr ")
    assert names[-1] == "Pool stopped"
    job = {
        "worker_id",
        "mode",
        "environment",
        "document_id",
        "document_number",
        "source",
        "attempt",
    }
    for event in ("Claimed job", "Processing job", "Completed job"):
        assert len(pool.events(event)) == 6
        assert all(job <= line.keys() for line in pool.events(event))
    for line in pool.events("Completed job"):
        assert {"pages", "seconds", "chars", "confidence"} <= line.keys()


def test_a_new_document_is_picked_up_without_waiting_for_the_poll(
    queue: Queue, start_pool: Pools
) -> None:
    pool = start_pool(ocr_poll_interval_ms=60_000)
    pool.wait_event("Worker started", number=2)
    time.sleep(1.5)
    for number in range(1, 101):
        queue.add("page 0", source="index" if number % 3 else "acte")
    started = time.monotonic()
    wait_for(lambda: queue.count(5) == 100, 10, f"{queue.count(5)} of 100 were picked up")
    assert time.monotonic() - started < 10


def test_a_worker_borrows_rather_than_idle(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0.2", number=12, source="acte")
    pool = start_pool(options={"min_index": 1, "min_acte": 1, "burst": True})
    assert pool.wait(30) == 0
    modes = {str(line["mode"]) for line in pool.events("Completed job")}
    assert modes == {"index", "acte"}, "the index worker did not help"


def test_a_worker_that_may_not_borrow_keeps_to_its_mode(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0.05", number=6, source="acte")
    pool = start_pool(options={"min_index": 1, "min_acte": 1, "burst": True, "borrow": False})
    assert pool.wait(30) == 0
    assert {str(line["mode"]) for line in pool.events("Completed job")} == {"acte"}


def test_workers_follow_the_waiting_work(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0.1", number=40, source="acte")
    pool = start_pool(ocr_rebalance_interval_ms=300, options={"size": 4, "min_index": 0})
    pool.wait_event("Worker mode changed")
    pool.wait_event("Pool rebalanced")
    wait_for(lambda: queue.count(5) == 40, 30, "not everything was read")


def test_exactly_as_many_documents_are_taken_as_asked_for(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0.05", number=20)
    pool = start_pool(options={"size": 3, "max_documents": 7})
    assert pool.wait(30) == 0
    assert (queue.count(5), queue.count(3)) == (7, 13)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_first_signal_finishes_the_page_and_gives_the_document_and_its_try_back(
    queue: Queue, start_pool: Pools, number: signal.Signals
) -> None:
    ids = queue.add("\n".join(["page 0.5"] * 20), number=2)
    pool = start_pool()
    pool.wait_event("Processing job", number=2)
    time.sleep(0.6)
    pool.send(number)
    assert pool.wait(5) == 0
    for document_id in ids:
        assert queue.one(document_id, "status_id, ocr_attempts, ocr_worker_id") == (3, 0, None)
    assert len(pool.events("Returned job")) == 2


def test_a_signal_to_the_whole_group_stops_as_politely(queue: Queue, start_pool: Pools) -> None:
    import os

    (document,) = queue.add("\n".join(["page 0.5"] * 20))
    pool = start_pool()
    pool.wait_event("Processing job")
    os.killpg(pool.process.pid, signal.SIGINT)
    assert pool.wait(5) == 0
    assert queue.one(document, "status_id, ocr_attempts") == (3, 0)
    assert not pool.events("Worker lost")


def test_a_second_signal_ends_at_once_and_still_gives_the_document_back(
    queue: Queue, start_pool: Pools
) -> None:
    (document,) = queue.add("page 30")
    pool = start_pool()
    pool.wait_event("Processing job")
    pool.send(signal.SIGTERM)
    time.sleep(0.5)
    pool.send(signal.SIGTERM)
    assert pool.wait(5) == 0
    assert queue.one(document, "status_id, ocr_attempts") == (3, 0)


def test_a_page_longer_than_the_grace_time_does_not_keep_the_pool(
    queue: Queue, start_pool: Pools
) -> None:
    (document,) = queue.add("page 30")
    pool = start_pool(ocr_stop_grace_seconds=1)
    pool.wait_event("Processing job")
    pool.send(signal.SIGTERM)
    assert pool.wait(6) == 0
    assert queue.one(document, "status_id, ocr_attempts") == (3, 0)


def test_a_cancelled_document_ends_within_its_page(queue: Queue, start_pool: Pools) -> None:
    from pydantic import SecretStr

    (document,) = queue.add("\n".join(["page 0.3"] * 100))
    pool = start_pool()
    pool.wait_event("Processing job")
    with connect(SecretStr(queue.dsn)) as connection:
        assert cancel_document(connection, document) is False
    wait_for(lambda: queue.count(4) == 1, 5, "the document was not cancelled")
    assert queue.one(document, "ocr_error") == ("cancelled",)


def test_a_worker_is_renewed_between_documents(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0", number=10)
    pool = start_pool(ocr_worker_max_documents=2, options={"size": 1, "burst": True})
    assert pool.wait(60) == 0
    assert queue.count(5) == 10
    assert len(pool.events("Worker renewed")) >= 4
    assert not pool.events("Worker lost")


def test_a_budget_slows_the_pool_and_never_stops_it(queue: Queue, start_pool: Pools) -> None:
    queue.add("page 0", number=12)
    pool = start_pool(ocr_rpm=10, ocr_budget_share=1, options={"max_documents": 11})
    wait_for(lambda: queue.count(5) == 10, 20, "the budget was not used")
    time.sleep(1)
    assert queue.count(5) == 10
    pool.send(signal.SIGTERM)
    assert pool.wait(5) == 0
    assert queue.count(3) == 2, "whoever waited for the budget gave the document back"
