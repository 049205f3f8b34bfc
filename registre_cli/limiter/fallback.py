"""A worker's fair share of a budget while Redis is away."""

import threading
import time
from collections import deque

from registre_cli.limiter.budget import Budget


class LocalShare:
    """An exact sliding window in this process, for this worker's part of the budget."""

    def __init__(self, budget: Budget, window_seconds: float) -> None:
        self._budget = budget
        self._window_seconds = window_seconds
        self._log: deque[tuple[float, int]] = deque()
        self._held_until = 0.0
        self._lock = threading.Lock()

    def hold(self, seconds: float) -> None:
        """Let nobody of this process through for so long."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)

    def take(self, tokens: int, workers: int) -> float:
        """Take one request and `tokens`; return 0, or the seconds to wait before asking again."""
        share = self._budget.share(1 / max(workers, 1))
        if share.tpm is not None:
            tokens = min(tokens, share.tpm)
        with self._lock:
            now = time.monotonic()
            if now < self._held_until:
                return self._held_until - now
            while self._log and self._log[0][0] <= now - self._window_seconds:
                self._log.popleft()
            used = sum(amount for _, amount in self._log)
            fits = (share.rpm is None or len(self._log) < share.rpm) and (
                share.tpm is None or used + tokens <= share.tpm
            )
            if fits:
                self._log.append((now, tokens))
                return 0.0
            return max(self._log[0][0] + self._window_seconds - now, 0.001)
