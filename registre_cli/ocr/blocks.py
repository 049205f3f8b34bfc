"""The order of the blocks of text on a page: one that stands below another is read after it."""

from collections.abc import Sequence
from typing import Final

from registre_cli.ocr.models import Box

# Neighbouring columns touch at a ragged edge; what stands in one column shares most of its width.
_SAME_COLUMN_SHARE: Final = 0.5


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
    waiting = list(range(len(blocks)))
    order: list[int] = []
    while waiting:
        # The highest block that is left waits for none, so that one is always found.
        following = next(
            place
            for place in waiting
            if not any(_is_above(blocks[other], blocks[place]) for other in waiting)
        )
        waiting.remove(following)
        order.append(following)
    return order


def _is_above(one: Box, other: Box) -> bool:
    """Whether `one` stands above `other` in the same column; their edges may overlap a little."""
    shared = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    if shared <= _SAME_COLUMN_SHARE * min(one.width, other.width):
        return False
    is_over = one.top + one.height / 2 < other.top
    return is_over and one.top + one.height < other.top + other.height / 2
