"""Numbers in words, as deeds write days and years: `mil neuf cent quatre-vingt-treize`."""

import re
from collections.abc import Iterator

from rapidfuzz.distance import Levenshtein

from registre_cli.ocr.boost.doubt import DoubtfulError
from registre_cli.ocr.boost.vocabularies import fold

_VALUES = {
    "premier": 1, "un": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7,
    "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14,
    "quinze": 15, "seize": 16, "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40,
    "cinquante": 50, "soixante": 60, "cent": 100, "cents": 100, "mil": 1000, "mille": 1000,
}  # fmt: skip
_HUNDRED, _THOUSAND = 100, 1000
_LAST_OF_ONE_WORD, _SOIXANTE, _QUATRE_VINGTS = 16, 60, 80
# One wrong letter in so many is a misread word; shorter words have too many near neighbours.
_LETTERS_FOR_ONE_EDIT = 4


def number_in_words(text: str) -> int:
    """Return the number that `text` says.

    Raises DoubtfulError where a word may be two, or where these words are no number together.
    """
    words = [alike(word) for word in re.split(r"[ -]+", text)]
    values = [value for word in words if word != "et" for value in _values(word)]
    number = _total(values)
    if values != list(_said(number)):
        raise DoubtfulError("these words are no number together")
    return number


def alike(text: str) -> str:
    """Fold what OCR confuses in a word: i, l and 1 are one letter here."""
    return fold(text).strip(".,").replace("l", "i").replace("!", "i")


def _values(word: str) -> list[int]:
    """Return what a word says, or two between which the blank is lost."""
    if word in _VALUES_ALIKE:
        return [_VALUES_ALIKE[word]]
    for name, value in _VALUES_ALIKE.items():
        if (rest := word.removeprefix(name)) != word and rest in _VALUES_ALIKE:
            return [value, _VALUES_ALIKE[rest]]
    edits = sorted(
        (Levenshtein.distance(word, name), value) for name, value in _VALUES_ALIKE.items()
    )
    fewest, value = edits[0]
    rivals = {other for count, other in edits if count == fewest}
    if len(rivals) > 1 or fewest > len(word) // _LETTERS_FOR_ONE_EDIT:
        raise DoubtfulError("a word of the number can be none or another")
    return [value]


def _total(values: list[int]) -> int:
    total = current = 0
    for value in values:
        if value == _THOUSAND:
            total, current = total + max(current, 1) * _THOUSAND, 0
        elif value == _HUNDRED:
            current = max(current, 1) * _HUNDRED
        elif value == _VALUES["vingt"] and current % _HUNDRED == _VALUES["quatre"]:
            current += _QUATRE_VINGTS - _VALUES["quatre"]
        else:
            current += value
    return total + current


def _said(number: int) -> Iterator[int]:
    """Yield the values of the words that say `number`."""
    for unit in (_THOUSAND, _HUNDRED):
        times, number = divmod(number, unit)
        if times:
            yield from (*_said(times), unit) if times > 1 else (unit,)
    if number > _LAST_OF_ONE_WORD:
        ten = number // 10 * 10
        if number >= _SOIXANTE:
            ten = _QUATRE_VINGTS if number >= _QUATRE_VINGTS else _SOIXANTE
        yield from (_VALUES["quatre"], _VALUES["vingt"]) if ten == _QUATRE_VINGTS else (ten,)
        number -= ten
    if number > _LAST_OF_ONE_WORD:
        yield 10
        number -= 10
    if number:
        yield number


_VALUES_ALIKE = {alike(name): value for name, value in _VALUES.items()}
