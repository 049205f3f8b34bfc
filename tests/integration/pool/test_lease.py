"""One keeper for a worker's life: it holds the leases of its documents in turn."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from pool_harness import Queue, wait_for
from pydantic import SecretStr

from registre_cli.core.documents import Source
from registre_cli.pool.lease import LeaseKeeper
from registre_cli.pool.link import Link
from registre_cli.queue.models import FencingToken, LeaseState

# Renewed every third of a second.
LEASE_SECONDS = 1.0
Claim = Callable[[], FencingToken]


def link_to(queue: Queue, purpose: str) -> Link:
    return Link("dev", SecretStr(queue.dsn), purpose=purpose, retry_delay_base_seconds=1)


@pytest.fixture
def claim(queue: Queue) -> Claim:
    """Queue a document and claim it."""
    link = link_to(queue, "worker")

    def claim() -> FencingToken:
        queue.add("page 0")
        document = link.ask(lambda store: store.claim("w1", Source.INDEX, LEASE_SECONDS))
        assert document is not None
        return document.token

    return claim


@pytest.fixture
def keeper(queue: Queue) -> Iterator[LeaseKeeper]:
    keeper = LeaseKeeper(link_to(queue, "lease"), LEASE_SECONDS)
    yield keeper
    keeper.release()


def lease_until(queue: Queue, token: FencingToken) -> object:
    return queue.one(token.document_id, "ocr_lease_until")[0]


def renewed(queue: Queue, token: FencingToken) -> Callable[[], bool]:
    """Return a question: was this lease renewed since now?"""
    before = lease_until(queue, token)
    return lambda: lease_until(queue, token) != before


def test_a_lease_is_renewed_until_it_is_released(
    queue: Queue, claim: Claim, keeper: LeaseKeeper
) -> None:
    first = claim()
    keeper.hold(first)
    for _ in range(2):
        wait_for(renewed(queue, first), 5, "the lease was not renewed")
    assert keeper.release()

    second = claim()
    keeper.hold(second)
    was_renewed = renewed(queue, first)
    wait_for(renewed(queue, second), 5, "the second lease was not renewed")
    assert not was_renewed()


def test_what_became_of_one_lease_says_nothing_about_the_next(
    queue: Queue, claim: Claim, keeper: LeaseKeeper
) -> None:
    keeper.hold(lost := claim())
    queue.ask("UPDATE extraction_queue SET ocr_attempts = 2 WHERE id = %s", lost.document_id)
    wait_for(lambda: keeper.check() is LeaseState.LOST, 5, "the loss was not found")
    assert keeper.release()
    keeper.hold(claim())
    assert keeper.check() is LeaseState.HELD


def test_a_cancelled_document_is_found_at_the_next_page(
    queue: Queue, claim: Claim, keeper: LeaseKeeper
) -> None:
    keeper.hold(token := claim())
    queue.ask(
        "UPDATE extraction_queue SET ocr_cancel_requested = true WHERE id = %s", token.document_id
    )
    wait_for(lambda: keeper.check() is LeaseState.CANCELLED, 5, "the wish was not found")


def test_a_keeper_that_waits_for_an_answer_holds_no_other_lease_and_ends(
    queue: Queue, claim: Claim
) -> None:
    others = set(threading.enumerate())
    keeper, token = LeaseKeeper(link_to(queue, "lease"), LEASE_SECONDS), claim()
    (thread,) = (one for one in threading.enumerate() if one.name == "lease" and one not in others)
    keeper.hold(token)
    with psycopg.connect(queue.dsn) as elsewhere, ThreadPoolExecutor(1) as release:
        elsewhere.execute(
            "SELECT FROM extraction_queue WHERE id = %s FOR UPDATE", (token.document_id,)
        )
        waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_for(lambda: queue.ask(waits), 5, "no renewal met the lock")
        assert release.submit(keeper.release).result(10) is False
    wait_for(lambda: not thread.is_alive(), 5, "the thread lives on")
    gone = "SELECT pid FROM pg_stat_activity WHERE application_name = 'registre lease'"
    wait_for(lambda: not queue.ask(gone), 5, "its connection is open")
