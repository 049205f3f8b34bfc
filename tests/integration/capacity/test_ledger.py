"""Places of a host, taken in a real Valkey."""

import threading
import time

import pytest
import redis

from registre_cli.capacity import Host, plan
from registre_cli.capacity.ledger import Ledger
from registre_cli.capacity.plan import ACTE, INDEX
from registre_cli.core.settings import load_settings

GB = 1_000_000_000


def ledger(url: str, *, host: str = "h", lifetime_seconds: float = 15.0) -> Ledger:
    """The example of a shared server: 8 vCPU, 16 GB, one extractor worker; 3.4 vCPU are left."""
    found = plan(
        load_settings(worker_count=1),
        index_workers=0,
        acte_workers=0,
        host=Host(host, 8.0, 16 * GB, 0.0, 0),
    )
    return Ledger(redis.Redis.from_url(url), found, lifetime_seconds=lifetime_seconds)


def test_a_place_is_taken_only_where_there_is_room(redis_url: str) -> None:
    places = ledger(redis_url)
    assert places.take("a", INDEX) and places.take("b", ACTE)
    assert (places.taken().cpu, places.taken().ram_bytes) == (2.5, 1_250_000_000)
    assert not places.take("c", ACTE)
    places.release("b")
    assert places.take("c", ACTE)
    assert ledger(redis_url, host="another").taken().holders == 0


def test_taking_again_renews_and_changes_the_class(redis_url: str) -> None:
    places = ledger(redis_url)
    assert places.take("a", INDEX) and places.take("b", INDEX)
    assert places.take("b", ACTE)
    assert (places.taken().cpu, places.taken().holders) == (2.5, 2)


def test_of_many_at_once_only_those_that_fit_get_a_place(redis_url: str) -> None:
    barrier = threading.Barrier(16)
    granted: list[bool] = []

    def start(number: int) -> None:
        places = ledger(redis_url)
        barrier.wait()
        granted.append(places.take(f"w{number}", ACTE))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), sum(granted)) == (16, 3)


@pytest.mark.parametrize("kept", [True, False])
def test_the_place_of_a_crashed_worker_is_free_after_its_lifetime(
    redis_url: str, kept: bool
) -> None:
    places = ledger(redis_url, lifetime_seconds=0.5)
    assert all(places.take(name, ACTE) for name in "abc")
    deadline = time.monotonic() + 5
    while places.taken().holders == 3 and time.monotonic() < deadline:
        if kept:
            assert places.take("a", ACTE)
        time.sleep(0.05)
    assert places.taken().holders == (1 if kept else 0)
    assert places.take("d", ACTE)


def test_an_emptied_redis_fills_itself_again(redis_url: str) -> None:
    places = ledger(redis_url)
    assert places.take("a", INDEX)
    redis.Redis.from_url(redis_url).flushall()
    assert places.take("a", INDEX)
    assert places.taken().holders == 1
