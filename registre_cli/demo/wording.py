"""How registers and deeds write days, numbers and amounts."""

from datetime import date

from registre_cli.demo.names import MONTHS

_UNITS = (
    "", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze",
    "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
)  # fmt: skip
_TENS = (
    "", "", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt",
    "quatre-vingt",
)  # fmt: skip
_TWENTY, _HUNDRED, _THOUSAND = 20, 100, 1_000


def grouped(number: int) -> str:
    """Return a number in groups of three digits, as registers write it."""
    return f"{number:,}".replace(",", " ")


def french_date(day: date) -> str:
    """Return `15 janvier 2020`, the first of a month as `1er`."""
    return f"{day_and_month(day)} {day.year}"


def day_and_month(day: date) -> str:
    """Return `15 janvier`, the first of a month as `1er`."""
    return f"{'1er' if day.day == 1 else day.day} {MONTHS[day.month - 1]}"


def date_in_words(day: date) -> str:
    """Return `quinze janvier mil neuf cent quatre-vingt-dix-huit`."""
    number = "premier" if day.day == 1 else in_words(day.day)
    return f"{number} {MONTHS[day.month - 1]} {year_in_words(day.year)}"


def year_in_words(year: int) -> str:
    """Return a year as deeds write it: `mil neuf cent trois`, `deux mille dix`."""
    thousands, rest = divmod(year, _THOUSAND)
    first = "mil" if thousands == 1 else f"{in_words(thousands)} mille"
    return f"{first} {in_words(rest)}".strip()


def in_words(number: int) -> str:
    """Return a number from 0 to 999 in French words, nothing for 0."""
    hundreds, rest = divmod(number, _HUNDRED)
    if hundreds:
        first = "cent" if hundreds == 1 else f"{_UNITS[hundreds]} cent"
        return f"{first} {in_words(rest)}".strip()
    if rest < _TWENTY:
        return _UNITS[rest]
    tens, unit = divmod(rest, 10)
    if tens in {7, 9}:
        unit += 10
    if not unit:
        return _TENS[tens] + ("s" if tens == 8 else "")
    joined = " et " if unit in {1, 11} and tens < 8 else "-"
    return f"{_TENS[tens]}{joined}{_UNITS[unit]}"
