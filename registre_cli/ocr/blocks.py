"""The order of the blocks of text on a page: one that stands below another is read after it."""

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

import numpy as np

from registre_cli.ocr.models import Box

# Neighbouring columns touch at a ragged edge; what stands in one column shares most of its width.
_SAME_COLUMN_SHARE: Final = 0.5
_Edges = np.ndarray[tuple[int, int], np.dtype[np.float64]]
_Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


def around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that holds them all."""
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    right = max(box.left + box.width for box in boxes)
    bottom = max(box.top + box.height for box in boxes)
    return Box(left, top, right - left, bottom - top)


def reading_order(blocks: Sequence[Box]) -> list[int]:
    """Return the places of `blocks` in the order in which they are read.

    They come in the engine's order, which knows columns. It is kept but for a block that comes
    before one that stands above it in the same column: a bent line is a block of its own, and
    may come first of all. Such a block waits for those above it.
    """
    edges = np.array([(b.left, b.top, b.left + b.width, b.top + b.height) for b in blocks])
    edges = edges.reshape(-1, 4).astype(np.float64)
    above = np.zeros(len(blocks), dtype=np.int64)
    for place in range(len(blocks)):
        above += _stand_below(edges, place)
    free = [int(place) for place in np.flatnonzero(above == 0)]
    order: list[int] = []
    # The highest block of all waits for none, and so on: every block is free in its time.
    while free:
        following = heappop(free)
        order.append(following)
        below = _stand_below(edges, following)
        above -= below
        for freed in np.flatnonzero(below & (above == 0)):
            heappush(free, int(freed))
    return order


def _stand_below(edges: _Edges, place: int) -> _Flags:
    """Return which blocks stand below one in the same column; their edges may overlap a little."""
    left, top, right, bottom = edges.T
    shared = np.minimum(right, right[place]) - np.maximum(left, left[place])
    in_column = shared > _SAME_COLUMN_SHARE * np.minimum(right - left, right[place] - left[place])
    is_under = top > (top[place] + bottom[place]) / 2
    return np.asarray(in_column & is_under & ((top + bottom) / 2 > bottom[place]), dtype=bool)
