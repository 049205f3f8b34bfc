"""How good a reading is, judged by what was read and by what was left unread."""

from typing import Final

import cv2
import numpy as np

from registre_cli.ocr.grey import Grey
from registre_cli.ocr.models import PageReading, Word

# Below this the words of a page are mostly wrong; nonsense scores 33 to 45.
_WORTHLESS_CONFIDENCE: Final = 50.0
_GOOD_CONFIDENCE: Final = 80.0
_NONSENSE_CONFIDENCE: Final = 60.0
_LONG_WORD_CHARACTERS: Final = 4
_SCALE: Final = 0.5
# Thin strokes turn grey at this scale.
_INK: Final = 176
# Ink of the size of letters that no word covers: half of a page can be lost at confidence 92.
_MOST_UNCOVERED_SHARE: Final = 0.35
_FEWEST_LETTERS: Final = 30
_LETTER_HEIGHT_INCHES: Final = (0.04, 0.35)


def worth(reading: PageReading) -> float:
    """Return how many letters and digits can be believed; compares looks at one page."""
    return sum(
        sum(character.isalnum() for character in word.text)
        * max(word.confidence - _WORTHLESS_CONFIDENCE, 0.0)
        / (100 - _WORTHLESS_CONFIDENCE)
        for word in reading.words
    )


def is_good(reading: PageReading, page: Grey, dpi: int) -> bool:
    """Whether no other look is needed: believable words, and no print that none covers."""
    if reading.confidence is None or reading.confidence < _GOOD_CONFIDENCE:
        return False
    if words_stand(reading):
        return False
    return uncovered_share(reading.words, page, dpi) <= _MOST_UNCOVERED_SHARE


def is_nonsense(reading: PageReading) -> bool:
    """Whether the page may stand on its head or lie on its side."""
    return reading.confidence is None or reading.confidence < _NONSENSE_CONFIDENCE


def words_stand(reading: PageReading) -> bool:
    """Whether most words were read from top to bottom: Tesseract knows lines of that kind."""
    long = [word for word in reading.words if len(word.text) >= _LONG_WORD_CHARACTERS]
    standing = sum(1 for word in long if word.box.height > word.box.width)
    return standing > len(long) / 2


def uncovered_share(words: tuple[Word, ...], page: Grey, dpi: int) -> float:
    """Return which share of the marks of a letter's size lies outside every word; 0 to 1."""
    small = cv2.resize(page, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_AREA)
    ink = (np.asarray(small) < _INK).astype(np.uint8)
    count, _, measures, centres = cv2.connectedComponentsWithStats(ink, connectivity=8)
    low, high = (inches * dpi * _SCALE for inches in _LETTER_HEIGHT_INCHES)
    tall = measures[1:count, cv2.CC_STAT_HEIGHT]
    wide = measures[1:count, cv2.CC_STAT_WIDTH]
    is_letter = (tall >= low) & (tall <= high) & (wide <= 2 * high) & (wide >= low / 3)
    letters = centres[1:count][is_letter]
    if len(letters) < _FEWEST_LETTERS:
        return 0.0
    covered = np.zeros(small.shape, dtype=bool)
    for word in words:
        left, top = int(word.box.left * _SCALE), int(word.box.top * _SCALE)
        right = left + int(word.box.width * _SCALE) + 2
        covered[max(top - 1, 0) : top + int(word.box.height * _SCALE) + 2, max(left, 0) : right] = (
            True
        )
    x, y = letters[:, 0].astype(int), letters[:, 1].astype(int)
    return float(1 - np.count_nonzero(covered[y, x]) / len(letters))
