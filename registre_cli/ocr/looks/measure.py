"""What can be seen of a page before it is read."""

from typing import Final

import cv2
import numpy as np

from registre_cli.ocr.grey import Grey
from registre_cli.ocr.looks import steps

# Lines of print still show at this size, and a hundred turns of it take milliseconds.
_SKEW_SIDE_PIXELS: Final = 600
_WIDEST_SKEW_DEGREES: Final = 5.0
_COARSE_STEP_DEGREES: Final = 0.5
_FINE_STEP_DEGREES: Final = 0.1
# Pure shades: a bitmap has hardly others, even after scaling; paper that was scanned in grey has.
_BLACK, _WHITE = 40, 245
_MOST_BETWEEN: Final = 0.06
_FEWEST_SPECKS: Final = 300
_BAND_INCHES: Final = 0.5
_BAND_OF: Final = 3
_SPECKS_PER_LETTER: Final = 2
# At this size a word's letters are a few pixels apart, and its neighbours are farther.
_WORDS_SIDE_PIXELS: Final = 1_000
_LETTER_GAP_PIXELS: Final = 5
_WORD_ASPECT: Final = 1.6


def is_bilevel(page: Grey) -> bool:
    """Whether the page is black and white already: a fax, a bitmap, a clean drawing."""
    sample = page[::3, ::3]
    between = np.count_nonzero((sample > _BLACK) & (sample < _WHITE))
    return bool(between <= _MOST_BETWEEN * sample.size)


def skew_degrees(page: Grey) -> float:
    """Return by how much the lines run downhill, within ±5 degrees; 0 where nothing shows.

    The right turn makes the sums of the rows differ most from one to the next.
    """
    ink = _reduced_ink(page, _SKEW_SIDE_PIXELS)
    coarse = np.arange(
        -_WIDEST_SKEW_DEGREES, _WIDEST_SKEW_DEGREES + _FINE_STEP_DEGREES, _COARSE_STEP_DEGREES
    )
    near = _sharpest(ink, coarse)
    fine = np.arange(near - _COARSE_STEP_DEGREES, near + _COARSE_STEP_DEGREES, _FINE_STEP_DEGREES)
    found = _sharpest(ink, fine)
    # At the very edge nothing was found but the end of the range.
    return 0.0 if abs(found) > _WIDEST_SKEW_DEGREES - _FINE_STEP_DEGREES else found


def is_speckled(page: Grey, dpi: int) -> bool:
    """Whether marks too small for a full stop outnumber the letters."""
    # One band of three rules it out on most pages; what comes within half of it is counted whole.
    band = max(round(_BAND_INCHES * dpi), 1)
    bands = [page[top : top + band] for top in range(0, page.shape[0], _BAND_OF * band)]
    specks, letters = _specks_and_letters(np.concatenate(bands), dpi)
    if specks <= _FEWEST_SPECKS / (2 * _BAND_OF) or specks <= letters:
        return False
    specks, letters = _specks_and_letters(page, dpi)
    return specks > _FEWEST_SPECKS and specks > _SPECKS_PER_LETTER * letters


def _specks_and_letters(page: Grey, dpi: int) -> tuple[int, int]:
    ink = (page < steps.INK).astype(np.uint8)
    count, _, measures, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    specks = np.count_nonzero(measures[1:count, cv2.CC_STAT_AREA] < steps.speck_pixels(dpi))
    return int(specks), count - 1 - int(specks)


def lies_on_its_side(page: Grey) -> bool:
    """Whether words stand rather than lie: the page is turned by 90 or 270 degrees."""
    ink = _reduced_ink(page, _WORDS_SIDE_PIXELS).astype(np.uint8)
    words = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((_LETTER_GAP_PIXELS,) * 2, np.uint8))
    count, _, measures, _ = cv2.connectedComponentsWithStats(words, connectivity=8)
    wide, tall = measures[1:count, cv2.CC_STAT_WIDTH], measures[1:count, cv2.CC_STAT_HEIGHT]
    is_word = (np.maximum(wide, tall) < _WORDS_SIDE_PIXELS / 4) & (np.minimum(wide, tall) > 2)
    standing = np.count_nonzero(is_word & (tall > _WORD_ASPECT * wide))
    return bool(standing > np.count_nonzero(is_word & (wide > _WORD_ASPECT * tall)))


def _reduced_ink(page: Grey, side_pixels: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    factor = min(side_pixels / max(page.shape), 1.0)
    small = cv2.resize(page, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    _, black = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    return np.asarray(black, dtype=np.float32)


def _sharpest(ink: np.ndarray[tuple[int, int], np.dtype[np.float32]], degrees: np.ndarray) -> float:
    height, width = ink.shape

    def sharpness(angle: float) -> float:
        # Shearing stands for turning at such small angles.
        shear = np.array([[1, 0, 0], [np.tan(np.radians(angle)), 1, 0]], dtype=np.float32)
        rows = cv2.warpAffine(ink, shear, (width, height)).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    return float(max(degrees, key=sharpness))
