"""Days as French documents write them: in digits, with the month's name, in words."""

import re
from datetime import date
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.french_numbers import alike, number_in_words

MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
_FIRST_YEAR, _LAST_YEAR = 1600, 2100
_MONTH_LIKENESS = 80.0
_LAST_MONTH = 12
_YEAR_DIGITS = 4

_DIGIT_FOR = str.maketrans("OoQDIl|!SsBZz", "0000111155822")
_ISO = re.compile(r"(\S{4})-(\S{2})-(\S{2})(?: \((.+)\))?")
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d \(")
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_DAY = r"[\dOoIlSBZ]{1,2}|[1Il]er"
_SIGNS = "[-.,:;~ ]{0,3}"
_WITH_MONTH = re.compile(rf"({_DAY}){_SIGNS}([^\W\d][\w!|]*){_SIGNS}([\dOoIlSBZ]{{4,5}})")
_YEAR_FIRST_DIGITS = re.compile(r"(\d{4})[/.](\d{2})[/.](\d{2})")
_SHORT_MONTHS = {
    "janv": 1, "jan": 1, "fevr": 2, "fev": 2, "avr": 4, "juil": 7, "sept": 9, "oct": 10, "nov": 11,
    "dec": 12,
}  # fmt: skip
_YEAR_FIRST = re.compile(
    r"L['’]AN (.+?)[,.;:]{1,2} ?le ?(.+?) ?(?:jours? )?(?:du mois de |de |d['’])?([^\W\d]\w{2,8})",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(
    r"(.+?) (?:jours? )?(?:du mois de |de |d['’])?([^\W\d]\w{2,8}),? (m[il1]\S* .+|deux[ -]m.+)",
    re.IGNORECASE,
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
        month = _month(found[2])
        if len(found[3]) > _YEAR_DIGITS:
            raise DoubtfulError("the year has a digit too many")
        return _day(found[3].translate(_DIGIT_FOR), month, _day_number(found[1]))
    if _WRITTEN.match(text):
        raise NotMeantError
    if found := _YEAR_FIRST.fullmatch(text):
        month = _month(found[3])
        return _day(number_in_words(found[1]), month, _day_number(found[2]))
    if found := _IN_WORDS.fullmatch(text):
        month = _month(found[2])
        return _day(number_in_words(found[3]), month, number_in_words(found[1]))
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
    said = spoken(day)
    if iso := _ISO.fullmatch(text):
        if iso[4]:
            said = iso[4] if _says(iso[4], day) else f"{said}) ({iso[4]}"
    elif _YEAR_FIRST.fullmatch(text) or _IN_WORDS.fullmatch(text):
        said = text
    return f"{day.isoformat()} ({said})"


def _says(text: str, day: date) -> bool:
    if text == spoken(day):
        return True
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
    return number_in_words(text)


def _month(text: str) -> int:
    folded = alike(text)
    if short := _SHORT_MONTHS_ALIKE.get(folded):
        return short
    if not process.extractOne(
        folded, _MONTHS_ALIKE, scorer=fuzz.ratio, score_cutoff=_MONTH_LIKENESS
    ):
        raise NotMeantError
    edits = sorted((Levenshtein.distance(folded, name), month) for name, month in _NAMES)
    if edits[0][1] != edits[1][1] and edits[0][0] == edits[1][0]:
        raise DoubtfulError(f"{text!r} can be one month or another")
    return edits[0][1]


_MONTHS_ALIKE = [alike(name) for name in MONTHS]
_SHORT_MONTHS_ALIKE = {alike(name): number for name, number in _SHORT_MONTHS.items()}
_NAMES = [
    *((name, month) for month, name in enumerate(_MONTHS_ALIKE, 1)),
    *_SHORT_MONTHS_ALIKE.items(),
]
