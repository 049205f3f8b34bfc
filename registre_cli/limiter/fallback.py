"""A worker's fair share of a budget while Redis is away."""

import math
import threading
import time
from dataclasses import dataclass

from registre_cli.limiter.budget import Budget


@dataclass
class Spending:
    """One grant of this worker: when it was (monotonic seconds), and its tokens."""

    at: float
    tokens: int


@dataclass(frozen=True)
class Counted:
    """What Redis last counted for all workers together, and when (monotonic seconds)."""

    at: float = -math.inf
    requests: int = 0
    tokens: int = 0


class LocalShare:
    """An exact sliding window of what this process was granted, by Redis or by its share.

    Redis' grants count too, so that a worker whose Redis goes away does not begin anew. Of what
    all used before, each counts at least its part for a window: those that had little must
    not take on top of what the others had.
    """

    def __init__(self, budget: Budget, window_seconds: float) -> None:
        self._budget = budget
        self._window_seconds = window_seconds
        self._log: dict[str, Spending] = {}
        self._counted = Counted()
        self._held_until = 0.0
        self._lock = threading.Lock()

    def hold(self, seconds: float) -> None:
        """Let nobody of this process through for so long."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    def note(self, grant_id: str, tokens: int) -> None:
        """Write down a grant of Redis."""
        with self._lock:
            now = self._forget_the_past()
            self._log[grant_id] = Spending(now, tokens)

    def note_all(self, requests: int, tokens: int) -> None:
        """Write down what Redis counts in the window for all workers together."""
        with self._lock:
            self._counted = Counted(time.monotonic(), requests, tokens)

    def settle(self, grant_id: str, tokens: int) -> None:
        """Replace the estimate of a grant by what it really cost."""
        with self._lock:
            if grant_id in self._log:
                self._log[grant_id].tokens = tokens

    def release(self, grant_id: str) -> None:
        """Take a grant out of the log."""
        with self._lock:
            self._log.pop(grant_id, None)

    def log(self) -> dict[str, tuple[float, int]]:
        """Return each grant of the window: how many seconds ago it was, and its tokens."""
        with self._lock:
            now = self._forget_the_past()
            return {key: (now - spent.at, spent.tokens) for key, spent in self._log.items()}

    def take(self, grant_id: str, tokens: int, workers: int) -> float:
        """Take one request and `tokens`; return 0, or the seconds to wait before asking again."""
        workers = max(workers, 1)
        share = self._budget.share(1 / workers)
        if share.tpm is not None:
            tokens = min(tokens, share.tpm)
        with self._lock:
            now = self._forget_the_past()
            if now < self._held_until:
                return self._held_until - now
            before = self._counted if self._counted.at > now - self._window_seconds else Counted()
            requests = max(len(self._log), math.ceil(before.requests / workers))
            used = max(
                sum(spent.tokens for spent in self._log.values()),
                math.ceil(before.tokens / workers),
            )
            fits = (share.rpm is None or requests < share.rpm) and (
                share.tpm is None or used + tokens <= share.tpm
            )
            if fits:
                self._log[grant_id] = Spending(now, tokens)
                return 0.0
            oldest = next(iter(self._log.values()), before).at
            return max(oldest + self._window_seconds - now, 0.001)

    def _forget_the_past(self) -> float:
        """Drop what has left the window, which is in order of time; return the time now."""
        now = time.monotonic()
        while self._log:
            oldest = next(iter(self._log))
            if self._log[oldest].at > now - self._window_seconds:
                break
            del self._log[oldest]
        return now
