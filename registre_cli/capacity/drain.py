"""How long a queue takes to drain: arithmetic on the waiting work."""

from collections.abc import Mapping
from dataclasses import dataclass

from registre_cli.capacity.classes import Classes
from registre_cli.capacity.plan import CapacityPlan, ClassCount, split, taken_cpu, taken_ram_bytes
from registre_cli.core.documents import Source

# Up to so many workers each has a line; beyond, they double from line to line.
_LINES_OF_ONE = 8


@dataclass(frozen=True)
class Waiting:
    """What waits of one source: eligible documents, and the usual seconds of one."""

    documents: int
    seconds_each: float

    @property
    def seconds(self) -> float:
        """The work of one worker."""
        return self.documents * self.seconds_each


@dataclass(frozen=True)
class Drain:
    """So many workers need so long; beyond what fits, more workers make nothing faster."""

    workers: int
    seconds: float
    fits: bool


def drain_times(
    waiting: Mapping[Source, Waiting], found: CapacityPlan, most: int
) -> tuple[Drain, ...]:
    """Return the drain time at 1 to `most` workers; nothing where nothing waits."""
    total = sum(its.seconds for its in waiting.values())
    if total <= 0:
        return ()
    # No number of workers is quicker than one document.
    longest = max(its.seconds_each for its in waiting.values() if its.documents)
    cpu_each = sum(
        found.classes.of(source).cpu_each * its.seconds / total for source, its in waiting.items()
    )
    parallel = max(found.cpu_for_pools / cpu_each, 1.0)
    return tuple(
        Drain(
            workers,
            round(max(total / min(workers, parallel), longest), 1),
            _fits(found, found.classes, workers),
        )
        for workers in _lines(most)
    )


def _lines(most: int) -> list[int]:
    lines = list(range(1, min(most, _LINES_OF_ONE) + 1))
    while lines[-1] < most:
        lines.append(min(lines[-1] * 2, most))
    return lines


def _fits(found: CapacityPlan, classes: Classes, workers: int) -> bool:
    index, acte = split(workers)
    counts = (ClassCount(classes.index, index), ClassCount(classes.acte, acte))
    return (
        round(taken_cpu(counts), 6) <= round(found.cpu_for_pools, 6)
        and taken_ram_bytes(counts) <= found.ram_for_pools_bytes
    )
