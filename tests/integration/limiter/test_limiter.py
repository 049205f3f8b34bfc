"""The shared budget on a real Valkey: never passed, nearly all used, fair, and crash-safe."""

import multiprocessing
import os
import signal
import threading
import time
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path

import pytest
import redis
from pool_harness import wait_for

from registre_cli.embedded.servers import ValkeyServer
from registre_cli.limiter import Budget, Limiter

WINDOW_SECONDS = 2.0
# Of one request: its tokens are estimated too high, as they are in life.
ESTIMATED_TOKENS, USED_TOKENS = 100, 70
# The first is bound by its requests, the second by its tokens.
REQUESTS_BIND = Budget(rpm=60, tpm=9_000)
TOKENS_BIND = Budget(rpm=600, tpm=12_000)


def limiter_of(
    url: str, worker: str = "w", *, window: float = WINDOW_SECONDS, **budget: int
) -> Limiter:
    client = redis.Redis.from_url(url)
    return Limiter(client, {"e": Budget(**budget)}, worker, window_seconds=window)


def wait_of(limiter: Limiter, *request: object) -> float:
    """Ask once for a grant; return 0 where it is given, else the seconds to wait."""
    return limiter._try_take(*request)[0]  # type: ignore[arg-type]


def worst_window(times: list[float], window: float) -> int:
    """The most grants in any sliding window, its first and its last moment included."""
    ordered = sorted(times)
    return max(
        (bisect_right(ordered, t + window + 1e-6) - i for i, t in enumerate(ordered)), default=0
    )


def take_many(url: str, name: str, log: str, budget: Budget, stop: Path, dies: Path | None) -> None:
    """Eight threads that take as fast as they may and log each grant by the server's clock.

    They end once the file `stop` is there; at the file `dies` the process kills itself, while a
    grant is open. Files, because who is killed must not keep a lock of the others.
    """

    def work(number: int) -> None:
        client = redis.Redis.from_url(url)
        limiter = Limiter(client, {"e": budget}, f"{name}-{number}", window_seconds=WINDOW_SECONDS)
        with Path(f"{log}.{name}.{number}").open("a", buffering=1) as file:
            while not stop.exists():
                asked = time.monotonic()
                with limiter.admit("e", ESTIMATED_TOKENS) as grant:
                    file.write(f"{grant.at} {time.monotonic() - asked}\n")
                    if dies is not None and dies.exists():
                        os.kill(os.getpid(), signal.SIGKILL)
                    grant.settle(USED_TOKENS)

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_processes(
    url: str, folder: Path, budget: Budget, *, seconds: float, kill: bool
) -> tuple[list[float], dict[str, list[float]]]:
    """Return the times of all grants and, for each worker, how long it waited for each."""
    context = multiprocessing.get_context("spawn")
    logs, stop, dies = folder / "logs", folder / "stop", folder / "dies"
    logs.mkdir()
    log = str(logs / "grants")
    workers = [
        context.Process(
            target=take_many, args=(url, f"p{i}", log, budget, stop, None if i else dies)
        )
        for i in range(4)
    ]
    for worker in workers:
        worker.start()
    wait_for(lambda: len(list(logs.iterdir())) == 32, 60, "not everybody has begun")
    time.sleep(seconds / 2)
    if kill:
        dies.touch()
    time.sleep(seconds / 2)
    stop.touch()
    for worker in workers:
        worker.join(timeout=30)
        worker.kill()
    if kill:
        assert workers[0].exitcode == -signal.SIGKILL
    times, waits = [], {}
    for file in logs.iterdir():
        rows = [tuple(map(float, line.split())) for line in file.read_text().splitlines()]
        times += [row[0] for row in rows]
        waits[file.name] = [row[1] for row in rows]
    return sorted(times), waits


@pytest.mark.parametrize(
    ("budget", "kill"),
    [(REQUESTS_BIND, False), (TOKENS_BIND, False), (REQUESTS_BIND, True), (TOKENS_BIND, True)],
    ids=["requests", "tokens", "requests, one killed in mid-grant", "tokens, one killed"],
)
def test_no_sliding_window_passes_the_budget_and_nearly_all_of_it_is_used(
    redis_url: str, tmp_path: Path, budget: Budget, kill: bool
) -> None:
    assert budget.rpm is not None and budget.tpm is not None
    times, waits = run_processes(redis_url, tmp_path, budget, seconds=WINDOW_SECONDS * 4, kill=kill)
    worst = worst_window(times, WINDOW_SECONDS)
    assert worst <= budget.rpm
    assert worst * USED_TOKENS <= budget.tpm
    whole = [t for t in times if times[0] + WINDOW_SECONDS <= t < times[0] + WINDOW_SECONDS * 4]
    possible = 3 * min(budget.rpm, budget.tpm / USED_TOKENS)
    used = len(whole) / possible
    means = [sum(w[1:]) / len(w[1:]) for w in waits.values() if len(w) > 1]
    slowest = max(means) * len(means) / sum(means)
    print(f"worst window {worst}, used {used:.1%}, slowest {slowest:.2f} times the mean wait")
    assert used >= (0.9 if kill else 0.97), f"only {used:.1%} of the budget was used"
    assert slowest <= 2, "somebody waited more than twice the mean"


def test_a_slot_is_free_the_millisecond_after_its_grant_left_the_window(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=1, window=0.02)
    times = []
    for number in range(50):
        granted = False
        # Asked without a pause, whatever wait was told: one answer too early would be seen.
        while not granted:
            wait, at = limiter._try_take("e", 0, "w#1", f"g{number}")
            granted = wait == 0
        assert at is not None
        times.append(round(at * 1000))
    apart = [later - earlier for earlier, later in pairwise(times)]
    # How soon a busy machine lets us ask is not the limiter's.
    assert 20 < min(apart) <= 24


def test_both_dimensions_are_taken_together_or_not_at_all(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=10, tpm=100)
    with limiter.admit("e", 90):
        pass
    assert wait_of(limiter, "e", 20, "w#1", "g1") > 0
    usage = limiter.usage()["e"]
    assert (usage.rpm.used, usage.tpm.used, usage.waiting) == (1, 90, 1)


def test_what_was_really_used_replaces_the_estimate(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=10, tpm=100)
    with limiter.admit("e", 90) as grant:
        grant.settle(10)
    with limiter.admit("e", 90):
        pass
    assert limiter.usage()["e"].tpm.used == 100


def test_what_a_page_used_is_counted_though_its_estimate_left_the_window(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=10, tpm=100, window=1.0)
    with limiter.admit("e", 90) as grant:
        time.sleep(1.01)
        assert limiter.usage()["e"].tpm.used == 0
        grant.settle(80)
    assert wait_of(limiter, "e", 30, "w#1", "g1") > 0


def test_a_grant_that_is_given_back_counts_for_nothing(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=1)
    with limiter.admit("e", 0) as grant:
        grant.release()
    assert wait_of(limiter, "e", 0, "w#1", "g") == 0


def test_a_page_larger_than_the_whole_budget_passes_alone(redis_url: str) -> None:
    limiter = limiter_of(redis_url, tpm=100)
    assert wait_of(limiter, "e", 5_000, "w#1", "g1") == 0
    assert wait_of(limiter, "e", 1, "w#1", "g2") > 0


def test_the_wait_is_told_by_the_server(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=1)
    assert wait_of(limiter, "e", 0, "w#1", "g1") == 0
    wait = wait_of(limiter, "e", 0, "w#1", "g2")
    assert WINDOW_SECONDS * 0.5 < wait <= WINDOW_SECONDS + 0.001
    time.sleep(wait)
    assert wait_of(limiter, "e", 0, "w#1", "g2") == 0


def test_a_dead_waiter_at_the_head_of_the_queue_does_not_block_the_others(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=1, window=0.3)
    assert wait_of(limiter, "e", 0, "a#1", "g1") == 0
    assert wait_of(limiter, "e", 0, "dead#1", "g2") > 0
    started = time.monotonic()
    with limiter.admit("e", 0):
        assert time.monotonic() - started < 4


def test_a_hold_by_the_provider_holds_every_worker_and_lowers_the_budget(redis_url: str) -> None:
    first, second = limiter_of(redis_url, "a", rpm=100), limiter_of(redis_url, "b", rpm=100)
    first.hold("e", 0.5)
    wait = wait_of(second, "e", 0, "b#1", "g1")
    assert 0.3 < wait <= 1.0
    time.sleep(wait + 0.01)
    assert wait_of(second, "e", 0, "b#1", "g1") == 0
    assert second.usage()["e"].rpm.limit == 70
    second.settle("e", "g1", 0)
    assert second.usage()["e"].rpm.limit == 70, "a request that was refused is no success"
    for _ in range(40):
        second.settle("e", "g1", 1)
    assert second.usage()["e"].rpm.limit <= 75, "a moment of success gives all of it back"

    def is_whole() -> bool:
        second.settle("e", "g1", 1)
        return second.usage()["e"].rpm.limit == 100

    wait_for(is_whole, WINDOW_SECONDS * 5, "success never raises the budget again")


def test_a_storm_of_refusals_lowers_the_budget_once_and_the_next_one_again(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=100)
    for _ in range(20):
        limiter.hold("e", 0.2)
    assert limiter.usage()["e"].rpm.limit == 70
    time.sleep(0.21)
    limiter.hold("e", 0.2)
    assert limiter.usage()["e"].rpm.limit == 49
    for _ in range(20):
        time.sleep(0.02)
        limiter.hold("e", 0.01)
    assert limiter.usage()["e"].rpm.limit == 10, "a tenth is left, however long the storm"


def test_a_pause_holds_everybody_and_leaves_the_budget_as_it_is(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=100)
    limiter.hold("e", 0.3, lower=False)
    assert wait_of(limiter, "e", 0, "w#1", "g1") > 0.2
    usage = limiter.usage()["e"]
    assert usage.rpm.limit == 100
    assert 0 < usage.held_seconds <= 0.3


def test_the_waiting_come_back_one_after_the_other_after_a_hold(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=100)
    for number in range(20):
        with limiter_of(redis_url, f"w{number}", rpm=100).admit("e", 0):
            pass
    limiter.hold("e", 10)
    waits = [wait_of(limiter, "e", 0, f"w{number}#1", f"g{number}") for number in range(20)]
    assert waits == sorted(waits), "the longest waiting comes first"
    assert all(9.5 < wait <= 11 for wait in waits)
    assert waits[-1] - waits[0] > 0.7, "they rush back together"


def test_a_long_hold_outlives_the_silence_of_those_that_keep_to_it(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=100)
    limiter.hold("e", 3_600)
    client = redis.Redis.from_url(redis_url)
    assert all(client.pttl(key) > 3_600_000 for key in client.keys("*"))


def test_no_more_requests_are_on_their_way_than_allowed(redis_url: str) -> None:
    limiter = limiter_of(redis_url, concurrency=2)
    with limiter.admit("e", 0), limiter.admit("e", 0) as second:
        assert wait_of(limiter, "e", 0, "w#1", "g1") > 0
        second.settle(0)
        assert wait_of(limiter, "e", 0, "w#1", "g1") == 0


def test_a_place_goes_to_the_one_that_waits_longest(redis_url: str) -> None:
    limiter = limiter_of(redis_url, concurrency=1)
    with limiter.admit("e", 0):
        waits = [wait_of(limiter, "e", 0, f"w#{number}", f"g{number}") for number in range(2)]
        assert all(waits)
    assert wait_of(limiter, "e", 0, "w#1", "g1") > 0
    assert wait_of(limiter, "e", 0, "w#0", "g0") == 0


def test_the_place_of_a_request_that_failed_is_free_at_once(redis_url: str) -> None:
    limiter = limiter_of(redis_url, concurrency=1, tpm=100)
    with pytest.raises(ZeroDivisionError), limiter.admit("e", 30):
        _ = 1 / 0
    assert wait_of(limiter, "e", 0, "w#1", "g1") == 0
    assert limiter.usage()["e"].tpm.used == 30, "what it may have used is still counted"


def test_the_place_of_a_killed_worker_is_free_after_the_longest_request(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    budget = Budget(concurrency=1, longest_request_seconds=0.3)
    limiter = Limiter(client, {"e": budget}, "w")
    assert wait_of(limiter, "e", 0, "dead#1", "g1") == 0
    assert wait_of(limiter, "e", 0, "w#1", "g2") > 0
    time.sleep(0.31)
    assert wait_of(limiter, "e", 0, "w#1", "g2") == 0


def test_a_hold_counts_without_redis_too() -> None:
    limiter = Limiter(None, {"e": Budget(rpm=100)}, "w")
    limiter.hold("e", 0.3)
    assert 0.2 < wait_of(limiter, "e", 0, "w#1", "g1") <= 0.3


def test_whoever_waits_can_be_told_to_stop(redis_url: str) -> None:
    class StopError(Exception):
        pass

    def leave(engine: str, seconds: float) -> None:
        raise StopError

    limiter = Limiter(redis.Redis.from_url(redis_url), {"e": Budget(rpm=1)}, "w", on_wait=leave)
    with limiter.admit("e", 0):
        pass
    with pytest.raises(StopError), limiter.admit("e", 0):
        pass
    assert limiter.usage()["e"].waiting == 0


def test_an_engine_without_a_budget_is_counted_and_never_held_back(redis_url: str) -> None:
    limiter = limiter_of(redis_url)
    started = time.monotonic()
    for _ in range(200):
        with limiter.admit("e", 5):
            pass
    assert time.monotonic() - started < 5
    usage = limiter.usage()["e"]
    assert (usage.rpm.used, usage.rpm.limit, usage.tpm.used) == (200, None, 1000)


def test_without_redis_a_worker_keeps_to_its_share_and_rejoins_afterwards(
    server_folder: Path,
) -> None:
    server = ValkeyServer(server_folder / "own-valkey")
    server.start()
    try:
        client = redis.Redis.from_url(server.url(), socket_timeout=1)
        others = [limiter_of(server.url(), f"other-{i}", rpm=8) for i in range(3)]
        for other in others:
            assert wait_of(other, "e", 0, f"{other._worker_id}#1", other._worker_id) == 0
        limiter = Limiter(client, {"e": Budget(rpm=8)}, "w", window_seconds=60)
        assert wait_of(limiter, "e", 0, "w#1", "g1") == 0
        server.stop()
        taken = sum(wait_of(limiter, "e", 0, "w#1", f"l{i}") == 0 for i in range(8))
        assert limiter.in_fallback
        assert taken == 1, "8 a minute among 4 workers is 2 for each, of which one was used"
        server.start()

        def rejoined() -> bool:
            wait_of(limiter, "e", 0, "w#1", "g2")
            return not limiter.in_fallback

        wait_for(rejoined, 10, "it does not come back")
        wait_for(
            lambda: wait_of(limiter, "e", 0, "w#1", "g3") == 0, 10, "it is not served any more"
        )
        assert limiter.usage()["e"].rpm.used >= 3, "what it took alone is forgotten"
    finally:
        server.stop()


def test_those_that_had_little_do_not_take_on_top_of_what_others_had(server_folder: Path) -> None:
    server = ValkeyServer(server_folder / "uneven-valkey")
    server.start()
    try:
        url, budget = server.url(), {"rpm": 8, "tpm": 80}
        greedy, *rest = [limiter_of(url, f"w{i}", window=60, **budget) for i in range(4)]
        for each in (*rest, *(greedy,) * 5):
            with each.admit("e", 10):
                pass
        assert all(wait_of(each, "e", 10, each._worker_id, "g") > 0 for each in (greedy, *rest))
        server.stop()
        for each in (greedy, *rest):
            assert wait_of(each, "e", 10, each._worker_id, "g") > 0, "the budget is passed"
            assert each.in_fallback
        server.start()
        time.sleep(2.1)
        # Redis has lost its memory: nobody is served before the others have told theirs.
        for each in (*rest, *rest, greedy):
            assert wait_of(each, "e", 10, each._worker_id, "g") > 0, "the budget is granted twice"
        assert greedy.usage()["e"].rpm.used == 8
    finally:
        server.stop()


def test_a_flushed_redis_is_filled_again_without_an_error(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=5, window=60)
    client = redis.Redis.from_url(redis_url)
    with limiter.admit("e", 0):
        pass
    client.flushall()
    client.script_flush()
    with limiter.admit("e", 0):
        pass
    assert limiter.usage()["e"].rpm.used == 2


def test_nothing_is_left_in_redis_when_nobody_comes_any_more(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=5)
    with limiter.admit("e", 0):
        pass
    client = redis.Redis.from_url(redis_url)
    assert client.keys("*") and all(client.pttl(key) > 0 for key in client.keys("*"))


def test_a_crowd_before_an_empty_window_is_served_at_once(redis_url: str) -> None:
    limiter = limiter_of(redis_url, rpm=2)
    limiter.hold("e", 0.05)
    for number in range(6):
        assert wait_of(limiter, "e", 0, f"w#{number}", f"g{number}") > 0
    time.sleep(0.06)
    assert wait_of(limiter, "e", 0, "w#5", "g5") <= 0.05
    assert wait_of(limiter, "e", 0, "w#0", "g0") == 0


def test_a_redis_that_lost_its_memory_is_told_what_was_granted(redis_url: str) -> None:
    limiter = Limiter(redis.Redis.from_url(redis_url), {"e": Budget(rpm=3, tpm=300)}, "w")
    for _ in range(3):
        with limiter.admit("e", 50) as grant:
            grant.settle(20)
    redis.Redis.from_url(redis_url).flushall()
    waits = [wait_of(limiter, "e", 50, "w#1", f"g{number}") for number in range(3)]
    assert all(wait > 0 for wait in waits), "the budget is granted twice"
    usage = limiter.usage()["e"]
    assert (usage.rpm.used, usage.tpm.used) == (3, 60)


def test_tokens_given_back_by_a_settlement_are_free_at_once_for_the_waiting(redis_url: str) -> None:
    limiter = Limiter(redis.Redis.from_url(redis_url), {"e": Budget(rpm=100, tpm=1_000)}, "w")
    with limiter.admit("e", 1_000) as grant:
        waits = [wait_of(limiter, "e", 100, f"w#{number}", f"g{number}") for number in range(3)]
        assert all(0 < wait <= 1 for wait in waits), "estimates are waited for to the end"
        grant.settle(100)
    assert [wait_of(limiter, "e", 100, f"w#{n}", f"g{n}") for n in (2, 0, 1)] == [0, 0, 0]


def test_a_small_request_does_not_take_what_a_large_one_ahead_waits_for(redis_url: str) -> None:
    limiter = Limiter(redis.Redis.from_url(redis_url), {"e": Budget(rpm=100, tpm=1_000)}, "w")
    assert wait_of(limiter, "e", 500, "first#1", "g1") == 0
    assert wait_of(limiter, "e", 900, "large#1", "g2") > 0
    assert wait_of(limiter, "e", 100, "small#1", "g3") > 0
