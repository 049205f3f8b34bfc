"""Counting what became of a pool's documents."""

from collections import Counter

from registre_cli.pool.messages import Ended, Finished
from registre_cli.pool.models import PoolSummary


class Tally:
    """The running counts of one pool."""

    def __init__(self) -> None:
        self._ends = dict.fromkeys(Ended, 0)
        self._pages = 0
        self._pages_by_engine: Counter[str] = Counter()
        self._confidences: list[float] = []

    @property
    def claims(self) -> int:
        """How many claims have ended, however they ended."""
        return sum(self._ends.values())

    def count(self, finished: Finished) -> None:
        """Count one document that left a worker."""
        self._ends[finished.ended] += 1
        if finished.ended is Ended.DONE:
            self._pages += finished.pages
            self._pages_by_engine.update(finished.pages_by_engine)
            if finished.confidence is not None:
                self._confidences.append(finished.confidence)

    def summary(self, seconds: float) -> PoolSummary:
        """Return the counts so far."""
        return PoolSummary(
            documents_done=self._ends[Ended.DONE],
            documents_failed=self._ends[Ended.FAILED],
            tries_failed=self._ends[Ended.RETRIED],
            given_back=self._ends[Ended.GIVEN_BACK],
            pages=self._pages,
            pages_by_engine=dict(self._pages_by_engine),
            seconds=seconds,
            confidences=tuple(self._confidences),
        )
