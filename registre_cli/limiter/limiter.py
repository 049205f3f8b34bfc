"""The shared limiter as a worker uses it."""

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.resources import files

import redis

from registre_cli.core.log import get_logger
from registre_cli.limiter.budget import Budget, EngineUsage, Usage
from registre_cli.limiter.fallback import LocalShare

WINDOW_SECONDS = 60.0
_LONGEST_SLEEP_SECONDS = 0.5
_UNKNOWN_LOG = -1
# Whoever waits asks again after so long: a place may have become free before its time.
_LONGEST_SILENCE_SECONDS = 2.0
# While Redis is away, ask again so often.
_RETRY_REDIS_SECONDS = 2.0

OnWait = Callable[[str, float], None]


def _wait_silently(engine: str, seconds: float) -> None:
    """Nobody watches the waiting."""


class Grant:
    """The right to read one page now; `settle` says what it really cost.

    `at` is the time of the grant in seconds of Redis' clock, `None` in fallback.
    """

    def __init__(
        self, limiter: "Limiter", engine: str, grant_id: str, at: float | None = None
    ) -> None:
        self._limiter = limiter
        self._engine = engine
        self._id = grant_id
        self._open = True
        self.at = at

    def settle(self, tokens: int) -> None:
        """Replace the estimate by the tokens that were really used."""
        self._open = False
        self._limiter.settle(self._engine, self._id, tokens)

    def release(self) -> None:
        """Give the grant back: nothing was asked of the engine."""
        self._open = False
        self._limiter.release(self._engine, self._id)

    def close(self) -> None:
        """Say that the request is no longer on its way; without `settle` its estimate stands."""
        if self._open:
            self._open = False
            self._limiter.land(self._engine, self._id)


class Limiter:
    """The gate before the engines, shared through Redis; `client=None` is for this host alone.

    A thread that waits calls `on_wait(engine, seconds)` now and then; what it raises ends
    the waiting. Engines without a budget are counted, never held back.
    """

    def __init__(
        self,
        client: redis.Redis | None,
        budgets: Mapping[str, Budget],
        worker_id: str,
        *,
        window_seconds: float = WINDOW_SECONDS,
        workers_here: int = 1,
        on_wait: OnWait = _wait_silently,
    ) -> None:
        script = files("registre_cli.limiter").joinpath("limiter.lua").read_text("utf-8")
        self._script = None if client is None else client.register_script(script)
        self._budgets = budgets
        self._worker_id = worker_id
        self._window_seconds = window_seconds
        self._workers_here = self._workers_seen = max(workers_here, 1)
        self._on_wait = on_wait
        self._shares: dict[str, LocalShare] = {}
        self._logs_known: dict[str, int] = {}
        self._redis_is_away = False
        self._ask_again_at = 0.0
        self._numbers = itertools.count()
        self._prefix = uuid.uuid4().hex[:12]
        self._lock = threading.Lock()

    @property
    def in_fallback(self) -> bool:
        """Whether this worker keeps to its own share because Redis is away or not set."""
        return self._script is None or self._redis_is_away

    @contextmanager
    def admit(self, engine: str, tokens: int) -> Iterator[Grant]:
        """Wait until the budget allows one page and `tokens` tokens of `engine`."""
        grant_id = f"{self._prefix}-{next(self._numbers)}"
        # Each thread is a customer of its own in the fair queue.
        customer = f"{self._worker_id}#{threading.get_ident()}"
        try:
            while True:
                wait, at = self._try_take(engine, tokens, customer, grant_id)
                if wait <= 0:
                    break
                self._sleep(engine, wait)
        except BaseException:
            # Whoever leaves the queue must not let the others wait for it.
            self._share(engine).release(grant_id)
            self._ask("release", engine, customer, grant_id, 0)
            raise
        with closing(Grant(self, engine, grant_id, at)) as grant:
            yield grant

    def settle(self, engine: str, grant_id: str, tokens: int) -> None:
        """Charge what a grant really cost."""
        self._share(engine).settle(grant_id, tokens)
        self._ask("settle", engine, self._worker_id, grant_id, tokens)

    def release(self, engine: str, grant_id: str) -> None:
        """Take a grant out of the log."""
        self._share(engine).release(grant_id)
        self._ask("release", engine, self._worker_id, grant_id, 0)

    def land(self, engine: str, grant_id: str) -> None:
        """Free the place of a request that came back."""
        if self._budgets.get(engine, Budget()).concurrency is not None:
            self._ask("land", engine, self._worker_id, grant_id, 0)

    def hold(self, engine: str, seconds: float, *, lower: bool = True) -> None:
        """Hold every worker of every host, as the provider asked (429 or Retry-After).

        `lower` also lowers the budget by a part, which settled grants raise again slowly.
        """
        what = "hold" if lower else "pause"
        if self._ask(what, engine, self._worker_id, "", round(seconds * 1000)) is None:
            self._share(engine).hold(seconds)

    def usage(self) -> dict[str, EngineUsage]:
        """Return each engine's budget and what of it is used in the window that ends now."""
        return {engine: self._usage(engine) for engine in self._budgets}

    def _usage(self, engine: str) -> EngineUsage:
        budget = self._budgets[engine]
        answer = self._ask("look", engine, self._worker_id, "", 0)
        if answer is None:
            none = (Usage(0, budget.rpm), Usage(0, budget.tpm))
            return EngineUsage(*none, waiting=0, held_seconds=0.0, fallback=True)
        requests, rpm, used_tokens, tpm, waiting, held_ms, _ = answer
        return EngineUsage(
            rpm=Usage(requests, rpm or budget.rpm),
            tpm=Usage(used_tokens, tpm or budget.tpm),
            waiting=waiting,
            held_seconds=held_ms / 1000,
        )

    def _try_take(
        self, engine: str, tokens: int, customer: str, grant_id: str
    ) -> tuple[float, float | None]:
        """Return the seconds to wait, 0 where the grant is ours, and Redis' time in seconds."""
        share = self._share(engine)
        answer = self._ask("take", engine, customer, grant_id, tokens)
        if answer is None:
            return share.take(grant_id, tokens, self._workers_seen), None
        granted, wait_ms, workers_seen, now_ms, log, used_requests, used_tokens = answer
        self._workers_seen = max(workers_seen, self._workers_here)
        if log == self._logs_known.setdefault(engine, log):
            share.note_all(used_requests, used_tokens)
        else:
            self._recount(engine, customer)
            self._logs_known[engine] = log
        if granted:
            share.note(grant_id, tokens)
            return 0.0, now_ms / 1000
        return wait_ms / 1000, now_ms / 1000

    def _recount(self, engine: str, customer: str) -> None:
        """Tell a Redis that was away, or has lost its memory, what we were granted."""
        for grant_id, (age_seconds, tokens) in self._share(engine).log().items():
            age_ms = round(age_seconds * 1000)
            self._ask("recount", engine, customer, grant_id, tokens, age_ms=age_ms)

    def _ask(
        self,
        what: str,
        engine: str,
        customer: str,
        grant_id: str,
        amount: int,
        *,
        age_ms: int = 0,
    ) -> list[int] | None:
        """Run the script; `None` while Redis is away."""
        if self._script is None or time.monotonic() < self._ask_again_at:
            return None
        budget = self._budgets.get(engine, Budget())
        # One hash tag: all keys of an engine live on one node of a cluster.
        base = f"registre:{{limiter:{engine}}}"
        parts = ("grants", "tokens", "queue", "patience", "state", "workers", "flight", "wanted")
        try:
            answer: list[int] = self._script(
                keys=[f"{base}:{part}" for part in parts],
                args=[
                    what,
                    round(self._window_seconds * 1000),
                    budget.rpm or 0,
                    budget.tpm or 0,
                    customer,
                    grant_id,
                    amount,
                    budget.concurrency or 0,
                    round(budget.longest_request_seconds * 1000),
                    random.randrange(1000),  # noqa: S311 - a spread, no secret
                    age_ms,
                    self._logs_known.get(engine, 0),
                ],
            )
        except redis.RedisError as error:
            self._note_redis(away=True, reason=type(error).__name__)
            return None
        self._note_redis(away=False)
        return answer

    def _note_redis(self, *, away: bool, reason: str | None = None) -> None:
        with self._lock:
            changed, self._redis_is_away = away != self._redis_is_away, away
            self._ask_again_at = time.monotonic() + _RETRY_REDIS_SECONDS if away else 0.0
            if away:
                # It knows nothing of what its absence was used for.
                self._logs_known = dict.fromkeys(self._budgets, _UNKNOWN_LOG)
        if changed and away:
            get_logger().warning(
                "Limiter fallback",
                worker_id=self._worker_id,
                reason=reason,
                workers_last_seen=self._workers_seen,
            )
        elif changed:
            get_logger().info("Limiter rejoined", worker_id=self._worker_id)

    def _share(self, engine: str) -> LocalShare:
        with self._lock:
            return self._shares.setdefault(
                engine, LocalShare(self._budgets.get(engine, Budget()), self._window_seconds)
            )

    def _sleep(self, engine: str, seconds: float) -> None:
        """Wait as the server said, in slices, so that whoever waits can be told to stop."""
        began = time.monotonic()
        until = began + seconds
        ask_again = began + min(seconds, _LONGEST_SILENCE_SECONDS)
        while (now := time.monotonic()) < ask_again:
            self._on_wait(engine, until - now)
            time.sleep(min(ask_again - now, _LONGEST_SLEEP_SECONDS))
