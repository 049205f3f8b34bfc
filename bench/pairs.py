"""Measuring side by side: the same work, in the same run, one after the other, in turns."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# Fewer tell nothing about the spread.
LEAST_PAIRS = 3


@dataclass(frozen=True)
class Spread:
    """The median of several measurements, with the least and the greatest."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.least)} to {_short(self.greatest)})"


def spread(values: Sequence[float]) -> Spread:
    """Return median, least and greatest of `values`."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return the spread of ours ÷ theirs, pair by pair: what changed between pairs cancels out."""
    return spread([mine / other for mine, other in zip(ours, theirs, strict=True)])


def alternate(
    contenders: Mapping[str, Callable[[], float]], *, pairs: int = LEAST_PAIRS
) -> dict[str, list[float]]:
    """Measure each contender `pairs` times, in turns, and return the figures by name.

    Each round begins with another contender, so that nobody always runs on a warm machine.
    """
    names = list(contenders)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(max(pairs, LEAST_PAIRS)):
        first = round_number % len(names)
        for name in names[first:] + names[:first]:
            measured[name].append(contenders[name]())
    return measured


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least of `values` that at least `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _short(value: float) -> str:
    """Write three digits that count, never in powers of ten."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
