"""What one worker of each class takes: first estimates, then what this host measured."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registre_cli.core.documents import Source

GIGABYTE = 1_000_000_000

# An estimate is replaced once so many documents of a class were read on this host.
ENOUGH_DOCUMENTS = 20
# Memory runs out at its peaks, not at its mean; one freak in twenty is left to the reserve.
_PEAK_SHARE = 0.95


@dataclass(frozen=True)
class WorkerClass:
    """What one worker takes, vCPU and bytes; `documents` were measured, 0 is an estimate."""

    name: str
    cpu_each: float
    ram_each_bytes: int
    documents: int = 0


@dataclass(frozen=True)
class DocumentUsage:
    """What reading one document took, the waiting for a processor counted as CPU."""

    source: Source
    seconds: float
    cpu_seconds: float
    peak_ram_bytes: int


@dataclass(frozen=True)
class Classes:
    """The class of every worker on a host."""

    registre: WorkerClass
    index: WorkerClass
    acte: WorkerClass

    def of(self, source: Source) -> WorkerClass:
        """Return the class of a worker that serves `source`."""
        return self.index if source is Source.INDEX else self.acte


# The extractor's workers drive a browser; ours read pages. On the safe side.
ESTIMATES = Classes(
    registre=WorkerClass("registre", 3.0, 1 * GIGABYTE),
    index=WorkerClass("index", 1.5, 750_000_000),
    acte=WorkerClass("acte", 1.0, 500_000_000),
)


def measured_classes(documents: Iterable[DocumentUsage]) -> Classes:
    """Return the classes with what was measured in the place of each estimate that it allows."""
    by_source: dict[Source, list[DocumentUsage]] = {source: [] for source in Source}
    for document in tuple(documents):
        by_source[document.source].append(document)
    return Classes(
        registre=ESTIMATES.registre,
        index=_measured(ESTIMATES.index, by_source[Source.INDEX]),
        acte=_measured(ESTIMATES.acte, by_source[Source.ACTE]),
    )


def _measured(estimate: WorkerClass, documents: Sequence[DocumentUsage]) -> WorkerClass:
    seconds = sum(document.seconds for document in documents)
    if len(documents) < ENOUGH_DOCUMENTS or seconds <= 0:
        return estimate
    peaks = sorted(document.peak_ram_bytes for document in documents)
    return WorkerClass(
        estimate.name,
        # A worker that costs nothing would fit any number of times.
        max(round(sum(document.cpu_seconds for document in documents) / seconds, 2), 0.01),
        max(peaks[math.ceil(len(peaks) * _PEAK_SHARE) - 1], 1),
        len(documents),
    )
