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
# More and larger than what dirt leaves on a page.
_PLAIN_MARK_SQUARE_INCHES: Final = 100 / 300**2
_PLAIN_MARKS: Final = 60
_SCALE: Final = 0.25
# Wider than the strokes of letters, in pixels of the reduced page.
_BRUSH: Final = np.ones((15, 15), np.uint8)


def is_blank(page: Grey, dpi: int) -> bool:
    """Whether nothing stands out of the paper but specks: no word, however faint."""
    height, width = page.shape
    edge_y, edge_x = int(height * _EDGE_SHARE), int(width * _EDGE_SHARE)
    inside = page[edge_y : height - edge_y, edge_x : width - edge_x]
    return not _is_plainly_written(inside, dpi) and _has_no_marks(inside, dpi)


def _is_plainly_written(page: Grey, dpi: int) -> bool:
    """Whether a glance is enough, as on most pages: many large and very dark marks."""
    standing_out = np.asarray(cv2.morphologyEx(_reduced(page), cv2.MORPH_BLACKHAT, _BRUSH))
    marks = (standing_out > _MOST_STANDING_OUT).astype(np.uint8)
    return _marks_of_size(marks, _PLAIN_MARK_SQUARE_INCHES * (dpi * _SCALE) ** 2) >= _PLAIN_MARKS


def _has_no_marks(page: Grey, dpi: int) -> bool:
    """Whether hardly anything stands out, faint marks and uneven paper considered."""
    inside = np.asarray(cv2.medianBlur(page, 3), dtype=np.uint8)
    darker = _paper(inside).astype(np.int16) - inside
    calm, usual = np.percentile(darker[::4, ::4], (10, 40))
    standing_out = usual + min(
        max(_NOISES_STANDING_OUT * (usual - calm), _LEAST_STANDING_OUT), _MOST_STANDING_OUT
    )
    marks = (darker > standing_out).astype(np.uint8)
    return _marks_of_size(marks, _SMALLEST_MARK_SQUARE_INCHES * dpi * dpi) < _FEWEST_MARKS


def _marks_of_size(marks: Grey, pixels: float) -> int:
    """Count the marks of at least so many pixels."""
    count, _, measures, _ = cv2.connectedComponentsWithStats(marks, connectivity=8)
    return int(np.count_nonzero(measures[1:count, cv2.CC_STAT_AREA] >= pixels))


def _paper(page: Grey) -> Grey:
    """Return the page's brightness without what is written on it."""
    height, width = page.shape
    paper = cv2.morphologyEx(_reduced(page), cv2.MORPH_CLOSE, _BRUSH)
    return np.asarray(cv2.resize(paper, (width, height)), dtype=np.uint8)


def _reduced(page: Grey) -> Grey:
    small = cv2.resize(page, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)
