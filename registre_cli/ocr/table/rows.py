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
# Print stands between ruled lines; what runs through the words of so many lines is none.
_MOST_CUT_SHARE: Final = 0.25
_INSIDE_A_WORD_HEIGHTS: Final = 0.3
# Two may be the frame of a page, or part a list in two.
_FEWEST_RULES: Final = 3
# A line that follows this much closer than usual belongs to the entry above it.
_CLOSE_SHARE: Final = 0.8
_MOST_LINES_OF_ONE_ENTRY: Final = 6
# A ditto mark: two strokes as high as half a letter, never on the base line; read as anything.
_DITTO: Final = '"'
_DITTO_HEIGHT_SHARES: Final = (0.35, 0.68)
_DITTO_WIDTH_SHARES: Final = (0.35, 0.85)
_LOWEST_DITTO_SHARE: Final = 0.12
# An equals sign is wider.
_WIDEST_DITTO_ASPECT: Final = 1.4
# Below this nobody read a full stop or a dash, which stand as low as a ditto mark on a skew line.
_UNSURE_CONFIDENCE: Final = 60.0
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

    @property
    def phrases(self) -> list[list[Word]]:
        """The words between gaps that are wider than the blank between two words."""
        phrases = [[self.words[0]]]
        for before, word in itertools.pairwise(self.words):
            if word.box.left - _right(before) >= _NARROWEST_RIVER_HEIGHTS * self.height:
                phrases.append([])
            phrases[-1].append(word)
        return phrases


@dataclass(frozen=True)
class _Columns:
    """The x where columns meet. Ruled lines part any words, rivers only where there is a gap."""

    edges: tuple[int, ...]
    ruled: bool

    @property
    def number(self) -> int:
        return len(self.edges) + 1

    def placed(self, line: _Line) -> list[tuple[int, Word]]:
        """Return the line's words, each with the number of its column from 0."""
        if self.ruled:
            return [(self._of(_centre(word)), word) for word in line.words]
        return [(self._of(_centre(phrase[0])), word) for phrase in line.phrases for word in phrase]

    def filled(self, line: _Line) -> int:
        """Return how many columns the line uses."""
        return len({column for column, _ in self.placed(line)})

    def is_crossed_by(self, line: _Line) -> bool:
        """Whether the line is one phrase across columns: a title, a remark."""
        first, last = line.words[0], line.words[-1]
        return (
            not self.ruled
            and len(line.phrases) == 1
            and self._of(_centre(first)) != self._of(_centre(last))
        )

    def _of(self, x: float) -> int:
        return _column(x, self.edges)


def table_text(words: Sequence[Word], rulings: Rulings | None, width: int) -> str | None:
    """Return the page's text with ` | ` between the cells; `None` where it is no table.

    `width` is the page's, in pixels, like the boxes. What stands above and below the table
    stays as plain lines; empty cells and ditto marks are kept.
    """
    if not words:
        return None
    height = statistics.median(word.box.height for word in words)
    lines = _lines(words, height)
    if rulings is not None and (edges := _between_columns(rulings, lines)):
        return _ruled(lines, rulings, _Columns(edges, ruled=True))
    return _unruled(lines, height, width)


def _between_columns(rulings: Rulings, lines: list[_Line]) -> tuple[int, ...]:
    """Return the x of the rules that part columns: no letters in a row, no frame."""
    inside = [line for line in lines if rulings.top <= line.middle <= rulings.bottom]
    edges = [x for x in rulings.columns if _cut_by(x, inside) <= _MOST_CUT_SHARE * len(inside)]
    if len(edges) < _FEWEST_RULES:
        return ()
    least = _LEAST_USED_COLUMN_SHARE * len(inside)
    if sum(_centre(line.words[0]) < edges[0] for line in inside) <= least:
        edges = edges[1:]
    if sum(_centre(line.words[-1]) > edges[-1] for line in inside) <= least:
        edges = edges[:-1]
    return tuple(edges)


def _cut_by(x: int, lines: list[_Line]) -> int:
    """Return how many lines have a word through which the vertical line at x runs."""
    return sum(
        any(
            word.box.left + _INSIDE_A_WORD_HEIGHTS * line.height
            < x
            < _right(word) - _INSIDE_A_WORD_HEIGHTS * line.height
            for word in line.words
        )
        for line in lines
    )


def _ruled(lines: list[_Line], rulings: Rulings, columns: _Columns) -> str:
    top, bottom = rulings.top, rulings.bottom
    bands = [row for row in rulings.rows if top < row < bottom]
    texts: list[str] = []
    band: list[_Line] = []
    current = -1
    for line in lines:
        inside = top <= line.middle <= bottom
        place = sum(1 for row in bands if row < line.middle) if inside else -1
        if place != current or not inside:
            texts += _entries(band, columns, current >= 0)
            band, current = [], place
        band.append(line)
    return "\n".join([*texts, *_entries(band, columns, current >= 0)])


def _entries(band: list[_Line], columns: _Columns, in_table: bool) -> list[str]:
    if not band:
        return []
    if not in_table:
        return [_plain(line) for line in band]
    if len(band) <= _MOST_LINES_OF_ONE_ENTRY:
        return _rows([band], columns)
    return _rows(_grouped(band, columns), columns)


def _unruled(lines: list[_Line], height: float, width: int) -> str | None:
    edges = _rivers(lines, height, width)
    if len(edges) + 1 < _FEWEST_COLUMNS_WITHOUT_RULES or len(lines) < _FEWEST_LINES:
        return None
    columns = _Columns(edges, ruled=False)
    return "\n".join(_rows(_grouped(lines, columns), columns))


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
            for column in {_column(_centre(word), kept) for word in line.words}:
                used[column] += 1
        rarest = min(range(len(used)), key=used.__getitem__)
        if used[rarest] >= _LEAST_USED_COLUMN_SHARE * len(lines):
            break
        kept.pop(min(rarest, len(kept) - 1))
    return tuple(kept)


def _grouped(lines: list[_Line], columns: _Columns) -> list[list[_Line]]:
    """Put lines that continue an entry with it: close below it, and few of their cells filled."""
    steps = [after.middle - before.middle for before, after in itertools.pairwise(lines)]
    usual = statistics.median(steps) if steps else 0.0
    entries: list[list[_Line]] = []
    for number, line in enumerate(lines):
        close = number > 0 and steps[number - 1] < _CLOSE_SHARE * usual
        if entries and close and columns.filled(line) <= columns.number / 2:
            entries[-1].append(line)
        else:
            entries.append([line])
    return entries


def _rows(entries: Sequence[Sequence[_Line]], columns: _Columns) -> list[str]:
    rows = [_row(entry, columns) for entry in entries]
    return [row for row in rows if row.strip(CELL_SEPARATOR)]


def _row(entry: Sequence[_Line], columns: _Columns) -> str:
    """Return one entry as a line of text."""
    if len(entry) == 1 and columns.is_crossed_by(entry[0]):
        return _plain(entry[0])
    cells: list[list[str]] = [[] for _ in range(columns.number)]
    for line in entry:
        for column, word in columns.placed(line):
            if not _is_rule(word):
                text = _DITTO if _is_ditto(word, line) else word.text.strip("|¦")
                cells[column].append(text)
    return CELL_SEPARATOR.join(" ".join(filter(None, cell)) for cell in cells).strip()


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
        and width <= _WIDEST_DITTO_ASPECT * height
        and (below <= _LOWEST_DITTO_SHARE or word.confidence < _UNSURE_CONFIDENCE)
    )


def _column(x: float, edges: Sequence[int]) -> int:
    return sum(1 for edge in edges if edge < x)


def _centre(word: Word) -> float:
    return word.box.left + word.box.width / 2


def _right(word: Word) -> int:
    return word.box.left + word.box.width


def _middle(word: Word) -> float:
    return word.box.top + word.box.height / 2
