"""The printed lines of a form."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from registre_cli.ocr.grey import Grey

_SCALE: Final = 0.5
_SHORTEST_VERTICAL_INCHES: Final = 0.4
_SHORTEST_HORIZONTAL_INCHES: Final = 1.0
# Dots and worn ink break a line; pieces this near are one.
_BREAK_INCHES: Final = 0.06
_SAME_LINE_INCHES: Final = 0.06
_INK: Final = 160
# A line that is much shorter than the table's own is a frame, a stroke or a dash.
_LEAST_OF_LONGEST: Final = 0.3


@dataclass(frozen=True)
class Rulings:
    """The lines of one table in pixels: `columns` are x, `rows` are y, both in order."""

    columns: tuple[int, ...]
    rows: tuple[int, ...]
    top: int
    bottom: int


@dataclass(frozen=True)
class _Line:
    where: int
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def find_rulings(page: Grey, dpi: int) -> Rulings | None:
    """Return the ruled lines of the page's table; `None` where it has none."""
    small = cv2.resize(page, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    ink = (np.asarray(small) < _INK).astype(np.uint8)
    inch = dpi * _SCALE
    vertical = _lines(ink, inch, _SHORTEST_VERTICAL_INCHES, upright=True)
    if len(vertical) < 2:
        return None
    top, bottom = min(line.start for line in vertical), max(line.end for line in vertical)
    horizontal = [
        line
        for line in _lines(ink, inch, _SHORTEST_HORIZONTAL_INCHES, upright=False)
        if top - inch / 10 <= line.where <= bottom + inch / 10
    ]
    return Rulings(
        columns=tuple(round(line.where / _SCALE) for line in vertical),
        rows=tuple(round(line.where / _SCALE) for line in horizontal),
        top=round(top / _SCALE),
        bottom=round(bottom / _SCALE),
    )


def _lines(ink: np.ndarray, inch: float, shortest_inches: float, *, upright: bool) -> list[_Line]:
    shortest, gap = max(round(shortest_inches * inch), 3), max(round(_BREAK_INCHES * inch), 1)
    long, bridge = ((1, shortest), (1, gap)) if upright else ((shortest, 1), (gap, 1))
    mended = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones(bridge[::-1], np.uint8))
    kept = cv2.morphologyEx(mended, cv2.MORPH_OPEN, np.ones(long[::-1], np.uint8))
    # A slightly skew line leaves pieces side by side.
    kept = cv2.dilate(kept, np.ones((3, 3), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(kept, connectivity=8)
    found = [_line_of(boxes[number], upright) for number in range(1, count)]
    merged = _merged(found, _SAME_LINE_INCHES * inch)
    longest = max((line.length for line in merged), default=0)
    return [line for line in merged if line.length >= _LEAST_OF_LONGEST * longest]


def _line_of(box: np.ndarray, upright: bool) -> _Line:
    left, top, width, height = (int(value) for value in box[:4])
    if upright:
        return _Line(left + width // 2, top, top + height)
    return _Line(top + height // 2, left, left + width)


def _merged(lines: list[_Line], distance: float) -> list[_Line]:
    merged: list[_Line] = []
    for line in sorted(lines, key=lambda line: line.where):
        if merged and line.where - merged[-1].where <= distance:
            last = merged[-1]
            longer = max(last, line, key=lambda line: line.length)
            merged[-1] = _Line(longer.where, min(last.start, line.start), max(last.end, line.end))
        else:
            merged.append(line)
    return merged
