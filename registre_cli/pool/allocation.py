"""How many workers serve which source: pure arithmetic on the waiting work."""

from collections.abc import Mapping

from registre_cli.core.documents import Source
from registre_cli.queue.models import WaitingWork

Allocation = dict[Source, int]


def allocate(
    size: int, minimums: Mapping[Source, int], work: Mapping[Source, WaitingWork]
) -> Allocation:
    """Share `size` workers by the waiting seconds of each source, never below the minimums.

    No source gets more workers than it has documents while the other could use them.
    """
    seconds = {
        source: work[source].documents * max(work[source].mean_seconds, 0.001)
        if source in work
        else 0.0
        for source in Source
    }
    total = sum(seconds.values())
    if total == 0:
        index = (size + 1) // 2
    else:
        index = round(size * seconds[Source.INDEX] / total)
        # One second of work is work: a source that waits gets a worker where there are two.
        if size > 1:
            index = min(
                max(index, int(seconds[Source.INDEX] > 0)), size - int(seconds[Source.ACTE] > 0)
            )
        index = _no_more_than_useful(index, size, work)
    index = min(max(index, minimums[Source.INDEX]), size - minimums[Source.ACTE])
    return {Source.INDEX: index, Source.ACTE: size - index}


def _no_more_than_useful(index: int, size: int, work: Mapping[Source, WaitingWork]) -> int:
    index_documents = work[Source.INDEX].documents if Source.INDEX in work else 0
    acte_documents = work[Source.ACTE].documents if Source.ACTE in work else 0
    if index_documents + acte_documents < size:
        return index
    index = min(index, index_documents)
    return max(index, size - acte_documents)
