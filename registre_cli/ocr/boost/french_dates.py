"""Days as French documents write them: in digits, with the month's name, in words."""

import re
from datetime import date
from functools import lru_cache

from rapidfuzz import fuzz, process

from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.vocabularies import fold

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
_FIRST_YEAR, _LAST_YEAR = 1600, 2100
_MONTH_LIKENESS = 80.0
_WORD_LIKENESS = 80.0
# Shorter words of numbers have too many near neighbours.
_SHORTEST_FUZZY_WORD = 5
_LAST_MONTH = 12

_NUMBERS = {
    "premier": 1, "un": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7,
    "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14,
    "quinze": 15, "seize": 16, "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40,
    "cinquante": 50, "soixante": 60, "cent": 100, "cents": 100, "mil": 1000, "mille": 1000,
}  # fmt: skip
_HUNDRED, _THOUSAND = 100, 1000

_DIGIT_FOR = str.maketrans("OoQDIl|!SsBZz", "0000111155822")
_ISO = re.compile(r"(\S{4})-(\S{2})-(\S{2})(?: \((.+)\))?")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_DAY = r"[\dOoIlSBZ]{1,2}|[1Il]er"
_WITH_MONTH = re.compile(rf"({_DAY}) {{1,2}}([^\W\d][\w!|]*)[., ]{{1,2}}([\dOoIlSBZ]{{4}})")
_YEAR_FIRST_DIGITS = re.compile(r"(\d{4})[/.](\d{2})[/.](\d{2})")
_SHORT_MONTHS = {
    "janv": 1, "jan": 1, "fevr": 2, "fev": 2, "avr": 4, "juil": 7, "sept": 9, "oct": 10, "nov": 11,
    "dec": 12,
}  # fmt: skip
_YEAR_FIRST = re.compile(
    r"L['’][Aa][Nn] (.+?), le (.+?) (?:jours? )?(?:du mois de |de |d')?([^\W\d]\w{2,8})"
)
_IN_WORDS = re.compile(
    r"(.+?) (?:jours? )?(?:du mois de |de |d')?([^\W\d]\w{2,8}),? (m[il1]\S* .+|deux m.+)"
)


@lru_cache(maxsize=4_096)
def day_of(text: str) -> date:
    """Return the day that `text` names.

    Raises DoubtfulError where there is no such day, NotMeantError where it names none.
    """
    if found := _ISO.fullmatch(text):
        return _day(*(number.translate(_DIGIT_FOR) for number in found.groups()[:3]))
    if found := _DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
        if int(day) <= _LAST_MONTH and day != month:
            raise DoubtfulError("the day or the month may stand first")
        return _day(year, month, day)
    if found := _YEAR_FIRST_DIGITS.fullmatch(text):
        return _day(*found.groups())
    if found := _WITH_MONTH.fullmatch(text):
        signs = found[1].removesuffix("er") + found[3]
        if 2 * sum(map(str.isdigit, signs)) < len(signs):
            raise NotMeantError
        return _day(found[3].translate(_DIGIT_FOR), _month(found[2]), _day_number(found[1]))
    if found := _YEAR_FIRST.fullmatch(text):
        year, day, month = found.groups()
        return _day(_number(year), _month(month), _day_number(day))
    if found := _IN_WORDS.fullmatch(text):
        return _day(_number(found[3]), _month(found[2]), _number(found[1]))
    raise NotMeantError


def spoken(day: date) -> str:
    """Return `15 janvier 2020`, the first of a month as `1er`."""
    ordinal = "1er" if day.day == 1 else str(day.day)
    return f"{ordinal} {MONTHS[day.month - 1]} {day.year}"


def dated(text: str) -> str:
    """Return the day as it is searched for, and behind it as it is said.

    A date in words keeps its words. Raises like `day_of`.
    """
    day = day_of(text)
    iso = _ISO.fullmatch(text)
    if iso and iso[4]:
        behind = iso[4] if _says(iso[4], day) else f"{spoken(day)}) ({iso[4]}"
        return f"{day.isoformat()} ({behind})"
    in_words = _YEAR_FIRST.fullmatch(text) or _IN_WORDS.fullmatch(text)
    return f"{day.isoformat()} ({text if in_words else spoken(day)})"


def _says(text: str, day: date) -> bool:
    try:
        return day_of(text) == day
    except (DoubtfulError, NotMeantError):
        return False


def _day(year: str | int, month: str | int, day: str | int) -> date:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise DoubtfulError("there is no such day") from None
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise DoubtfulError("the year is out of reach")
    return found


def _day_number(text: str) -> str | int:
    if re.fullmatch(_DAY, text):
        return text.removesuffix("er").translate(_DIGIT_FOR)
    return _number(text)


def _month(text: str) -> int:
    folded = _alike(text)
    if short := _SHORT_MONTHS_ALIKE.get(folded):
        return short
    names = [_alike(name) for name in MONTHS]
    found = process.extractOne(folded, names, scorer=fuzz.ratio, score_cutoff=_MONTH_LIKENESS)
    if found is None:
        raise NotMeantError
    return int(found[2]) + 1


def _number(text: str) -> int:
    total = current = 0
    previous = 0
    for word in re.split(r"[ -]+", text):
        if fold(word) == "et":
            continue
        value = _word_value(word)
        if value == _THOUSAND:
            total, current = total + max(current, 1) * _THOUSAND, 0
        elif value == _HUNDRED:
            current = max(current, 1) * _HUNDRED
        elif value == _NUMBERS["vingt"] and previous == _NUMBERS["quatre"]:
            current += 4 * value - previous
        else:
            current += value
        previous = value
    return total + current


def _word_value(word: str) -> int:
    folded = _alike(word)
    names = {_alike(name): value for name, value in _NUMBERS.items()}
    if folded in names:
        return names[folded]
    if len(folded) >= _SHORTEST_FUZZY_WORD:
        found = process.extractOne(
            folded, list(names), scorer=fuzz.ratio, score_cutoff=_WORD_LIKENESS
        )
        if found is not None:
            return names[found[0]]
    raise NotMeantError


def _alike(text: str) -> str:
    """Fold what OCR confuses in a word: i, l and 1 are one letter here."""
    return fold(text).strip(".,").replace("l", "i").replace("!", "i")


_SHORT_MONTHS_ALIKE = {_alike(name): number for name, number in _SHORT_MONTHS.items()}
