"""Places of a host and what documents took there, in a real Valkey."""

import threading
import time

import pytest
import redis

from registre_cli.capacity.classes import ESTIMATES, DocumentUsage, WorkerClass
from registre_cli.capacity.places import Granted, Places, Room, Wish, grant_alone
from registre_cli.capacity.usage import KEPT_DOCUMENTS, UsageRecord
from registre_cli.core.documents import Source

INDEX, ACTE = ESTIMATES.index, ESTIMATES.acte
# The example of a shared server: 8 vCPU, 16 GB, one extractor worker.
ROOM = Room(3.4, 11_800_000_000)


def places(url: str, *, host: str = "h", lifetime_seconds: float = 15.0) -> Places:
    return Places(redis.Redis.from_url(url), host, lifetime_seconds=lifetime_seconds)


def wishes(*classes: WorkerClass, firm: int = 0) -> tuple[Wish, ...]:
    return tuple(Wish(slot, its, firm=slot < firm) for slot, its in enumerate(classes))


def test_a_place_is_taken_only_where_there_is_room(redis_url: str) -> None:
    host = places(redis_url)
    answer = host.ask("a", wishes(INDEX, ACTE, ACTE), ROOM)
    assert answer.slots == {0, 1}
    assert sum(place.cpu for place in answer.places) == 2.5
    assert sum(place.ram_bytes for place in answer.places) == 1_250_000_000
    assert host.ask("b", wishes(ACTE), ROOM).slots == frozenset()
    host.ask("a", wishes(INDEX), ROOM)
    assert host.ask("b", wishes(ACTE), ROOM).slots == {0}
    assert places(redis_url, host="another").taken() == ()


def test_memory_binds_as_processors_do_and_what_is_not_declared_binds_nobody(
    redis_url: str,
) -> None:
    host = places(redis_url)
    assert host.ask("a", wishes(ACTE, ACTE), Room(None, 900_000_000)).slots == {0}
    assert host.ask("a", wishes(*[INDEX] * 40), Room(None, None)).slots == set(range(40))


def test_a_worker_that_runs_is_never_refused_nor_sent_away_for_its_mode(redis_url: str) -> None:
    host = places(redis_url)
    assert host.ask("a", wishes(ACTE, ACTE, ACTE), ROOM).slots == {0, 1, 2}
    assert host.ask("a", wishes(INDEX, INDEX, INDEX), ROOM).slots == {0, 1, 2}
    assert host.ask("a", wishes(INDEX, INDEX, INDEX, ACTE), ROOM).slots == {0, 1, 2}
    # Two pools planned alone while Redis was away: what lives is a fact.
    assert host.ask("b", wishes(ACTE, ACTE, firm=1), ROOM).slots == {0}


@pytest.mark.parametrize("attempt", range(3))
def test_of_many_pools_at_once_only_those_that_fit_get_a_place(
    redis_url: str, attempt: int
) -> None:
    barrier = threading.Barrier(16)
    answers: list[Granted] = []

    def start(number: int) -> None:
        host = places(redis_url)
        barrier.wait()
        answers.append(host.ask(f"pool-{number}", wishes(ACTE), ROOM))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), sum(len(answer.slots) for answer in answers)) == (16, 3)


@pytest.mark.parametrize("kept", [True, False])
def test_the_places_of_a_crashed_pool_are_free_after_their_lifetime(
    redis_url: str, kept: bool
) -> None:
    host = places(redis_url, lifetime_seconds=0.5)
    for name in "abc":
        assert host.ask(name, wishes(ACTE), ROOM).slots == {0}
    deadline = time.monotonic() + 5
    while len(host.taken()) == 3 and time.monotonic() < deadline:
        if kept:
            assert host.ask("a", wishes(ACTE), ROOM).slots == {0}
        time.sleep(0.05)
    assert [place.pool_id for place in host.taken()] == (["a"] if kept else [])
    assert host.ask("d", wishes(ACTE), ROOM).slots == {0}


def test_a_pool_that_leaves_frees_all_at_once_and_nothing_stays_in_redis(redis_url: str) -> None:
    host = places(redis_url)
    assert len(host.ask("host-1-ab#odd", wishes(ACTE, ACTE, ACTE), ROOM).places) == 3
    host.leave("host-1-ab#odd")
    assert host.taken() == ()
    assert redis.Redis.from_url(redis_url).keys() == []


def test_an_emptied_redis_fills_itself_again(redis_url: str) -> None:
    host = places(redis_url)
    host.ask("a", wishes(INDEX), ROOM)
    redis.Redis.from_url(redis_url).flushall()
    assert host.ask("a", wishes(INDEX, firm=1), ROOM).slots == {0}
    assert len(host.taken()) == 1


@pytest.mark.parametrize(
    ("asked", "room"),
    [
        (wishes(INDEX, ACTE, ACTE), ROOM),
        (wishes(INDEX, INDEX, INDEX, ACTE, firm=3), ROOM),
        (wishes(ACTE, ACTE), Room(None, 900_000_000)),
        (wishes(*[INDEX] * 5), Room(None, None)),
        (wishes(INDEX, ACTE, firm=1), Room(0.0, None)),
        (wishes(*[WorkerClass("acte", 0.7, 1)] * 4), Room(2.1, None)),
        ((), ROOM),
    ],
)
def test_a_pool_alone_is_granted_the_same_without_redis(
    redis_url: str, asked: tuple[Wish, ...], room: Room
) -> None:
    assert grant_alone("a", asked, room) == places(redis_url).ask("a", asked, room)


def test_what_documents_took_is_kept_for_each_host_and_never_grows_without_end(
    redis_url: str,
) -> None:
    client = redis.Redis.from_url(redis_url)
    record = UsageRecord(client, "h")
    document = DocumentUsage(Source.INDEX, 2.0, 1.5, 300_000_000)
    record.add([document])
    assert UsageRecord(client, "h").read() == (document,)
    assert UsageRecord(client, "another").read() == ()
    for _ in range(3):
        record.add([DocumentUsage(Source.ACTE, 1.0, 1.0, 1)] * 100)
    kept = record.read()
    assert [usage.source for usage in kept].count(Source.ACTE) == KEPT_DOCUMENTS
    assert document in kept
    assert all(client.ttl(key) > 80 * 86_400 for key in client.scan_iter())
