"""Grants of one limiter, beside the packages that share a limit through Redis, too."""

import time
from collections.abc import Callable
from functools import partial

import limits
import pyrate_limiter
import redis

from bench.machine import versions
from bench.pairs import alternate, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import valkey
from registre_cli.limiter import Budget, Limiter

GRANTS = 3_000
# Of one request: a page of some thousand tokens, whose estimate was a little too high.
ESTIMATED_TOKENS, USED_TOKENS = 4_000, 3_500
# So high that nobody is held back: what is measured is the work for a grant.
REQUESTS_A_MINUTE = 1_000_000
TOKENS_A_MINUTE = REQUESTS_A_MINUTE * ESTIMATED_TOKENS

BOTH, ONE = "registre, requests and tokens, settled", "registre, requests"
MOVING, COUNTER, PYRATE = (
    "limits, moving window",
    "limits, sliding window counter (approximate)",
    "pyrate-limiter, sliding window log",
)
MOVING_BOTH = "limits, moving windows of requests and of tokens (two steps)"


def run() -> Section:
    """Measure every limiter in turns on one Valkey."""
    with valkey() as server:
        url = server.url()
        turns: dict[str, Callable[[], float]] = {
            name: partial(grants_a_second, url, open_limiter)
            for name, open_limiter in CONTENDERS.items()
        }
        measured = alternate(turns)
    rates = Table(
        ("limiter", "grants a second", "registre, requests ÷ this"),
        tuple(
            (name, str(spread(figures)), str(ratios(measured[ONE], figures)))
            for name, figures in measured.items()
        ),
    )
    to_moving = ratios(measured[ONE], measured[MOVING])
    to_pyrate = ratios(measured[ONE], measured[PYRATE])
    return Section(
        title="Grants of the limiter",
        method=(
            f"One process takes {GRANTS:,} grants, one after the other, from an empty limiter on"
            " the same Valkey over a Unix socket; the limit is so high that nobody is held back."
            " *Requests and tokens, settled* is what a page of a vision engine costs: a request"
            f" and {ESTIMATED_TOKENS:,} tokens taken in one step, and the tokens that were really"
            " used written down afterwards, two calls in all."
        ),
        tables=(rates,),
        verdicts=(
            Verdict("grants a second ÷ limits, moving window", "told", str(to_moving), met=True),
            Verdict("grants a second ÷ pyrate-limiter", "told", str(to_pyrate), met=True),
        ),
        remarks=(
            "For each grant registre also keeps the fair queue, the workers seen and the holds;"
            " neither package queues the waiting or knows a second dimension.",
            "`limits` with a cost writes one entry for each unit: tokens cannot be counted so, and"
            " are counted there in thousands.",
        ),
        peers=versions("limits", "pyrate-limiter", "redis"),
    )


def grants_a_second(
    url: str, open_limiter: Callable[[redis.Redis, str], Callable[[], None]]
) -> float:
    """Take all grants from an empty limiter; fail where one is not given."""
    client = redis.Redis.from_url(url)
    client.flushall()
    take = open_limiter(client, url)
    take()
    started = time.perf_counter()
    for _ in range(GRANTS):
        take()
    seconds = time.perf_counter() - started
    client.close()
    return GRANTS / seconds


def _both(client: redis.Redis, _url: str) -> Callable[[], None]:
    limiter = Limiter(client, {"e": Budget(REQUESTS_A_MINUTE, TOKENS_A_MINUTE)}, "w")

    def take() -> None:
        with limiter.admit("e", ESTIMATED_TOKENS) as grant:
            grant.settle(USED_TOKENS)

    return take


def _one(client: redis.Redis, _url: str) -> Callable[[], None]:
    limiter = Limiter(client, {"e": Budget(REQUESTS_A_MINUTE)}, "w")

    def take() -> None:
        with limiter.admit("e", 0):
            pass

    return take


def _moving(_client: redis.Redis, url: str) -> Callable[[], None]:
    store = limits.storage.RedisStorage(_address(url))
    window = limits.strategies.MovingWindowRateLimiter(store)
    item = limits.RateLimitItemPerMinute(REQUESTS_A_MINUTE)
    return lambda: _granted(window.hit(item, "e"))


def _moving_both(_client: redis.Redis, url: str) -> Callable[[], None]:
    store = limits.storage.RedisStorage(_address(url))
    window = limits.strategies.MovingWindowRateLimiter(store)
    requests = limits.RateLimitItemPerMinute(REQUESTS_A_MINUTE)
    thousands = limits.RateLimitItemPerMinute(TOKENS_A_MINUTE // 1_000)

    def take() -> None:
        _granted(window.hit(requests, "requests"))
        _granted(window.hit(thousands, "tokens", cost=ESTIMATED_TOKENS // 1_000))

    return take


def _counter(_client: redis.Redis, url: str) -> Callable[[], None]:
    store = limits.storage.RedisStorage(_address(url))
    window = limits.strategies.SlidingWindowCounterRateLimiter(store)
    item = limits.RateLimitItemPerMinute(REQUESTS_A_MINUTE)
    return lambda: _granted(window.hit(item, "e"))


def _pyrate(client: redis.Redis, _url: str) -> Callable[[], None]:
    rates = [pyrate_limiter.Rate(REQUESTS_A_MINUTE, pyrate_limiter.Duration.MINUTE)]
    limiter = pyrate_limiter.Limiter(pyrate_limiter.RedisBucket.init(rates, client, "e"))
    return lambda: _granted(limiter.try_acquire("e", blocking=False))


def _address(url: str) -> str:
    """Return a Unix socket's URL as `limits` writes it."""
    return url.replace("unix://", "redis+unix://").partition("?")[0]


def _granted(given: object) -> None:
    if given is not True:
        raise AssertionError(f"a grant was not given: {given!r}")


CONTENDERS = {
    ONE: _one,
    BOTH: _both,
    MOVING: _moving,
    MOVING_BOTH: _moving_both,
    COUNTER: _counter,
    PYRATE: _pyrate,
}

if __name__ == "__main__":
    main(run)
