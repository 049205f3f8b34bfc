"""Words with boxes → the rows and cells of a register.

Columns come from ruled lines, or from the white rivers between the words; a row is one entry,
which may take several lines of print.
"""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from registre_cli.core.documents import CELL_SEPARATOR
from registre_cli.ocr.models import Word
from registre_cli.ocr.table.rulings import Rulings

# Words whose middles are nearer than this share of their height stand on one line.
_SAME_LINE_SHARE: Final = 0.6
# A river is crossed by few lines and is wider than the blank between two words.
_MOST_CROSSING_SHARE: Final = 0.08
_NARROWEST_RIVER_HEIGHTS: Final = 1.1
_FEWEST_COLUMNS_WITHOUT_RULES: Final = 3
_FEWEST_LINES: Final = 4
_LEAST_USED_COLUMN_SHARE: Final = 0.15
# A line that follows this much closer than usual belongs to the entry above it.
_CLOSE_SHARE: Final = 0.8
_MOST_LINES_OF_ONE_ENTRY: Final = 6
# A ditto mark: two strokes as high as half a letter, never on the base line; read as anything.
_DITTO: Final = '"'
_DITTO_HEIGHT_SHARES: Final = (0.35, 0.68)
_DITTO_WIDTH_SHARES: Final = (0.35, 0.85)
_LOWEST_DITTO_SHARE: Final = 0.12
_LONGEST_DITTO_CHARACTERS: Final = 3
_RULE_STROKES: Final = frozenset("|¦[]{}_—-!")


@dataclass(frozen=True)
class _Line:
    """One line of print across all columns; `height` is that of the page's usual word."""

    words: tuple[Word, ...]
    height: float

    @property
    def middle(self) -> float:
        return statistics.fmean(_middle(word) for word in self.words)


def table_text(words: Sequence[Word], rulings: Rulings | None, width: int) -> str | None:
    """Return the page's text with ` | ` between the cells; `None` where it is no table.

    `width` is the page's, in pixels, like the boxes. What stands above and below the table
    stays as plain lines; empty cells and ditto marks are kept.
    """
    if not words:
        return None
    height = statistics.median(word.box.height for word in words)
    lines = _lines(words, height)
    if rulings is not None and len(rulings.columns) > 2:
        return _ruled(lines, rulings)
    return _unruled(lines, height, width)


def _ruled(lines: list[_Line], rulings: Rulings) -> str:
    inner = rulings.columns[1:-1]
    top, bottom = rulings.top, rulings.bottom
    bands = [row for row in rulings.rows if top < row < bottom]
    texts: list[str] = []
    band: list[_Line] = []
    current = -1
    for line in lines:
        inside = top <= line.middle <= bottom
        place = sum(1 for row in bands if row < line.middle) if inside else -1
        if place != current or not inside:
            texts += _entries(band, inner, current >= 0)
            band, current = [], place
        band.append(line)
    return "\n".join([*texts, *_entries(band, inner, current >= 0)])


def _entries(band: list[_Line], edges: tuple[int, ...], in_table: bool) -> list[str]:
    if not band:
        return []
    if not in_table:
        return [_plain(line) for line in band]
    if len(band) <= _MOST_LINES_OF_ONE_ENTRY:
        return _written([_cells(band, edges)])
    return _written([_cells(entry, edges) for entry in _grouped(band, edges)])


def _unruled(lines: list[_Line], height: float, width: int) -> str | None:
    edges = _rivers(lines, height, width)
    if len(edges) + 1 < _FEWEST_COLUMNS_WITHOUT_RULES or len(lines) < _FEWEST_LINES:
        return None
    return "\n".join(_written([_cells(entry, edges) for entry in _grouped(lines, edges)]))


def _written(rows: list[tuple[str, ...]]) -> list[str]:
    return [CELL_SEPARATOR.join(row).strip() for row in rows if any(row)]


def _lines(words: Sequence[Word], height: float) -> list[_Line]:
    """Return the lines of print from top to bottom, each from left to right."""
    lines: list[list[Word]] = []
    middle = 0.0
    for word in sorted(words, key=_middle):
        if not lines or _middle(word) - middle > _SAME_LINE_SHARE * height:
            lines.append([])
        lines[-1].append(word)
        middle = statistics.fmean(_middle(one) for one in lines[-1])
    return [_Line(tuple(sorted(line, key=lambda word: word.box.left)), height) for line in lines]


def _rivers(lines: list[_Line], height: float, width: int) -> tuple[int, ...]:
    """Return the x of the white rivers that part the columns."""
    crossed = [0] * (width + 1)
    for line in lines:
        for word in line.words:
            for x in range(max(word.box.left, 0), min(word.box.left + word.box.width, width)):
                crossed[x] += 1
    most = _MOST_CROSSING_SHARE * len(lines)
    rivers: list[tuple[int, int]] = []
    start: int | None = None
    for x in range(width + 1):
        is_white = crossed[x] <= most and x < width
        if is_white and start is None:
            start = x
        elif not is_white and start is not None:
            if x - start >= _NARROWEST_RIVER_HEIGHTS * height:
                rivers.append((start, x))
            start = None
    inner = [(left, right) for left, right in rivers if left > 0 and right < width]
    return _without_empty_columns(tuple((a + b) // 2 for a, b in inner), lines)


def _without_empty_columns(edges: tuple[int, ...], lines: list[_Line]) -> tuple[int, ...]:
    """Drop edges of columns that hardly any line uses: a margin note is no column."""
    kept = list(edges)
    while kept:
        used = [0] * (len(kept) + 1)
        for line in lines:
            for column in {_column(word, tuple(kept)) for word in line.words}:
                used[column] += 1
        rarest = min(range(len(used)), key=used.__getitem__)
        if used[rarest] >= _LEAST_USED_COLUMN_SHARE * len(lines):
            break
        kept.pop(min(rarest, len(kept) - 1))
    return tuple(kept)


def _grouped(lines: list[_Line], edges: tuple[int, ...]) -> list[list[_Line]]:
    """Put lines that continue an entry with it: close below it, and few of their cells filled."""
    steps = [after.middle - before.middle for before, after in itertools.pairwise(lines)]
    usual = statistics.median(steps) if steps else 0.0
    entries: list[list[_Line]] = []
    for number, line in enumerate(lines):
        filled = len({_column(word, edges) for word in line.words})
        close = number > 0 and steps[number - 1] < _CLOSE_SHARE * usual
        if entries and close and filled <= (len(edges) + 1) / 2:
            entries[-1].append(line)
        else:
            entries.append([line])
    return entries


def _cells(entry: Sequence[_Line], edges: tuple[int, ...]) -> tuple[str, ...]:
    cells: list[list[str]] = [[] for _ in range(len(edges) + 1)]
    for line in entry:
        for word in line.words:
            if not _is_rule(word):
                text = _DITTO if _is_ditto(word, line) else word.text.strip("|¦")
                cells[_column(word, edges)].append(text)
    return tuple(" ".join(filter(None, cell)) for cell in cells)


def _plain(line: _Line) -> str:
    return " ".join(word.text for word in line.words)


def _is_rule(word: Word) -> bool:
    """Whether this is a ruled line that was read as a sign."""
    tall = word.box.height > 2 * word.box.width
    return set(word.text) <= _RULE_STROKES and (tall or "|" in word.text)


def _is_ditto(word: Word, line: _Line) -> bool:
    height, width = (side / line.height for side in (word.box.height, word.box.width))
    below = (_middle(word) - line.middle) / line.height
    return (
        len(word.text) <= _LONGEST_DITTO_CHARACTERS
        and _DITTO_HEIGHT_SHARES[0] <= height <= _DITTO_HEIGHT_SHARES[1]
        and _DITTO_WIDTH_SHARES[0] <= width <= _DITTO_WIDTH_SHARES[1]
        and below <= _LOWEST_DITTO_SHARE
    )


def _column(word: Word, edges: tuple[int, ...]) -> int:
    middle = word.box.left + word.box.width / 2
    return sum(1 for edge in edges if edge < middle)


def _middle(word: Word) -> float:
    return word.box.top + word.box.height / 2
