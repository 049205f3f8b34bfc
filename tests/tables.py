"""How much of a table's order a text has kept, by the boxes of its true lines."""

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz

from registre_cli.core.documents import CELL_SEPARATOR
from tests.accuracy import plain

# So alike are a line and its reading with a wrong letter here and there; torn apart it is not.
_ALIKE_PERCENT = 80
# What is shorter is found anywhere.
_FEWEST_LETTERS = 4
# Boxes that share so much of the lower one's height stand side by side.
_SIDE_BY_SIDE_SHARE = 0.6


@dataclass(frozen=True)
class TrueLine:
    """A line of one cell, as it stands on the page; in pixels of the scan."""

    left: int
    top: int
    width: int
    height: int
    text: str

    def stands_beside(self, other: "TrueLine") -> bool:
        """Whether `other` follows on the right, at the same height."""
        shared = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        beside = shared >= _SIDE_BY_SIDE_SHARE * min(self.height, other.height)
        return beside and other.left >= self.left + self.width / 2


def true_lines(file: Path) -> dict[int, list[TrueLine]]:
    """Return the lines that can be told apart, by page number from 1."""
    pages: dict[int, list[TrueLine]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
            text = _compared(row["text"] or "")
            if len(re.findall(r"\w", text)) >= _FEWEST_LETTERS:
                left, top, width, height = (int(row[side]) for side in "xywh")
                pages[int(row["page"])].append(TrueLine(left, top, width, height, text))
    return pages


def lines_together(read: str, lines: Sequence[TrueLine]) -> tuple[int, int]:
    """Return how many lines of several words stand together in the text, and how many there are."""
    text = _compared(read)
    several = [line for line in lines if " " in line.text]
    return sum(_stands_in(line, text) for line in several), len(several)


def neighbours_in_a_row(read: str, lines: Sequence[TrueLine]) -> tuple[int, int]:
    """Return how many neighbours share a line of the text, in their order, and of how many."""
    rows = [_compared(row) for row in read.splitlines() if row.strip()]
    pairs = [pair for line in lines if (pair := _with_neighbour(line, lines))]
    return sum(any(_follow(pair, row) for row in rows) for pair in pairs), len(pairs)


def _with_neighbour(line: TrueLine, lines: Sequence[TrueLine]) -> tuple[TrueLine, TrueLine] | None:
    beside = [other for other in lines if line.stands_beside(other)]
    return (line, min(beside, key=lambda other: other.left)) if beside else None


def _follow(pair: tuple[TrueLine, TrueLine], row: str) -> bool:
    places = [_place_in(line, row) for line in pair]
    left, right = places
    return left is not None and right is not None and left < right


def _stands_in(line: TrueLine, text: str) -> bool:
    return _place_in(line, text) is not None


def _place_in(line: TrueLine, text: str) -> int | None:
    if len(text) < len(line.text) * _ALIKE_PERCENT / 100:
        return None
    found = fuzz.partial_ratio_alignment(line.text, text, score_cutoff=_ALIKE_PERCENT)
    return found.dest_start if found else None


def _compared(text: str) -> str:
    """Return the text without what only says where cells end."""
    return plain(text.replace(CELL_SEPARATOR, " ").replace("|", " ")).lower()
