"""Whether anything is written on a page at all."""

from typing import Final

import cv2
import numpy as np

from registre_cli.ocr.grey import Grey

# Ink is darker than the paper by so many shades, or by so many times the paper's unevenness.
_LEAST_STANDING_OUT: Final = 12
_MOST_STANDING_OUT: Final = 60
_NOISES_STANDING_OUT: Final = 6
_EDGE_SHARE: Final = 0.03
_SMALLEST_MARK_SQUARE_INCHES: Final = 30 / 300**2
_FEWEST_MARKS: Final = 3
_SCALE: Final = 0.25
_WIDER_THAN_STROKES_PIXELS: Final = 15


def is_blank(page: Grey, dpi: int) -> bool:
    """Whether nothing stands out of the paper but specks: no word, however faint."""
    height, width = page.shape
    edge_y, edge_x = int(height * _EDGE_SHARE), int(width * _EDGE_SHARE)
    inside = np.asarray(
        cv2.medianBlur(page[edge_y : height - edge_y, edge_x : width - edge_x], 3), dtype=np.uint8
    )
    darker = _paper(inside).astype(np.int16) - inside
    calm, usual = np.percentile(darker[::4, ::4], (10, 40))
    standing_out = usual + min(
        max(_NOISES_STANDING_OUT * (usual - calm), _LEAST_STANDING_OUT), _MOST_STANDING_OUT
    )
    marks = (darker > standing_out).astype(np.uint8)
    count, _, measures, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    large = measures[1:count, cv2.CC_STAT_AREA] >= _SMALLEST_MARK_SQUARE_INCHES * dpi * dpi
    return int(np.count_nonzero(large)) < _FEWEST_MARKS


def _paper(page: Grey) -> Grey:
    """Return the page's brightness without what is written on it."""
    height, width = page.shape
    small = cv2.resize(page, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    brush = np.ones((_WIDER_THAN_STROKES_PIXELS, _WIDER_THAN_STROKES_PIXELS), np.uint8)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, brush)
    return np.asarray(cv2.resize(paper, (width, height)), dtype=np.uint8)
