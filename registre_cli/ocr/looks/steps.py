"""Single steps that prepare a page for reading; each takes a page in grey and returns one."""

from typing import Final

import cv2
import numpy as np

from registre_cli.ocr.grey import Grey

# One thread: the pool has a process for each core.
cv2.setNumThreads(1)

# Light changes slowly over a page: a quarter of the pixels shows it.
_LIGHT_SCALE: Final = 0.25
# In pixels of the reduced page; wider than the strokes of a headline, narrower than a shadow.
_STROKE_PIXELS: Final = 15
_SHADOW_PIXELS: Final = 21
_BLACKEST_PERCENT: Final = 1
_WHITEST_PERCENT: Final = 95
_SMALLEST_CONTRAST: Final = 16
_STRAIGHT_ENOUGH_DEGREES: Final = 0.25
_WHITE: Final = 255
# A full stop at 300 dpi covers about 25 pixels.
_SPECK_SQUARE_INCHES: Final = 8 / 300**2
INK: Final = 128


def divide_background(page: Grey) -> Grey:
    """Make the paper evenly white: shadows, yellowed edges and black borders go."""
    small = cv2.resize(page, None, fx=_LIGHT_SCALE, fy=_LIGHT_SCALE, interpolation=cv2.INTER_AREA)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_STROKE_PIXELS, _STROKE_PIXELS))
    paper = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, brush), _SHADOW_PIXELS)
    height, width = page.shape
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return _grey(cv2.divide(page, paper, scale=_WHITE))


def stretch_contrast(page: Grey) -> Grey:
    """Make the ink black and the paper white where the scan is pale."""
    sample = page[::4, ::4]
    black, white = np.percentile(sample, (_BLACKEST_PERCENT, _WHITEST_PERCENT))
    if white - black < _SMALLEST_CONTRAST:
        return page
    shades = (np.arange(256) - black) * (_WHITE / (white - black))
    return _grey(cv2.LUT(page, np.clip(shades, 0, _WHITE).astype(np.uint8)))


def turned_by(skew_degrees: float) -> float:
    """Return by how much `straighten` really turns: a skew too small to harm is left."""
    return 0.0 if abs(skew_degrees) < _STRAIGHT_ENOUGH_DEGREES else skew_degrees


def straighten(page: Grey, skew_degrees: float) -> Grey:
    """Turn the page back by its skew."""
    if turned_by(skew_degrees) == 0.0:
        return page
    height, width = page.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -skew_degrees, 1)
    return _grey(
        cv2.warpAffine(
            page, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    )


def speck_pixels(dpi: int) -> float:
    """Return below how many pixels a mark is too small to be even a full stop."""
    return _SPECK_SQUARE_INCHES * dpi * dpi


def remove_specks(page: Grey, dpi: int) -> Grey:
    """Paint over ink that is too small to be even a full stop."""
    ink = (page < INK).astype(np.uint8)
    _, labels, measures, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    is_speck = measures[:, cv2.CC_STAT_AREA] < speck_pixels(dpi)
    is_speck[0] = False
    cleaned = page.copy()
    cleaned[is_speck[labels]] = _WHITE
    return cleaned


def smooth(page: Grey) -> Grey:
    """Take the middle of each pixel's neighbours: salt and pepper go, edges stay."""
    return _grey(cv2.medianBlur(page, 3))


def resize(page: Grey, factor: float) -> Grey:
    """Enlarge or reduce the page."""
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return _grey(cv2.resize(page, None, fx=factor, fy=factor, interpolation=how))


def turn(page: Grey, degrees: int) -> Grey:
    """Turn the page clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(page, -(degrees // 90) % 4))


def _grey(page: object) -> Grey:
    return np.asarray(page, dtype=np.uint8)
