"""What a program finds in the raw text that corrects nothing: values in their printed form."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date

from registre_cli.core.documents import PAGE_MARKER, Source
from registre_cli.demo.names import MONTHS
from registre_cli.demo.wording import in_words, year_in_words
from registre_cli.ocr.boost import FieldKind

# A field, and the page on which it stands.
Found = tuple[int, FieldKind, str]

_MARKER = re.compile(re.escape(PAGE_MARKER).replace(r"\{number\}", r"(\d+)"))
_GROUPED = r"\d{1,3}(?: \d{3}){1,2}"
_MONTH = "|".join(MONTHS)
_DAYS = {**{in_words(day): day for day in range(1, 32)}, "premier": 1}
_YEARS = {year_in_words(year): year for year in range(1900, 2030)}
_DAY_WORDS = "|".join(sorted(_DAYS, key=len, reverse=True))
_YEAR_WORDS = "|".join(sorted(_YEARS, key=len, reverse=True))

_LOT = re.compile(
    r"\b[Ll]ot(?: numéro)?(?: :)? (\d \d{3} \d{3}|P\. \d{1,4}|\d{1,4}(?:-\d{1,4})*)"
    r"(?![\w-])(?! \d{3}\b)"
)
_NUMBER = re.compile(rf"(?<!lot )\b(?:No|N°|numéro|Rad\.) ({_GROUPED})(?![\w-])(?! des minutes)")
_ROW = re.compile(rf"^\d{{4}}-\d\d-\d\d(?: \|)? ({_GROUPED})(?= |$)", re.MULTILINE)
_AMOUNT = re.compile(r"(?<![\d,.] )(?<![\d,.])(\d{1,3}(?: \d{3})+|\d+)(?:,(\d\d))? \$")
_ISO = re.compile(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?![\w-])")
_WITH_MONTH = re.compile(rf"(?<![\w.,])(\d{{1,2}}|1er) ({_MONTH}) (\d{{4}})(?!\w)", re.IGNORECASE)
_IN_WORDS = re.compile(rf"(?<![\w-])({_DAY_WORDS}) ({_MONTH}) ({_YEAR_WORDS})(?![\w-])")
_YEAR_FIRST = re.compile(
    rf"L'AN ({_YEAR_WORDS.upper()}), le (\d{{1,2}}|1er) ({_MONTH})(?![\w-])(?! \d)"
)


def strict_fields(text: str, source: Source) -> Counter[Found]:
    """Return lots, registration numbers, dates and amounts that stand as they are printed.

    Line breaks inside a deed count as blanks.
    """
    found: Counter[Found] = Counter()
    for number, page in pages(text):
        flowing = page if source is Source.INDEX else " ".join(page.split())
        found.update((number, kind, value) for kind, value in _on_page(flowing, source))
    return found


def verbatim(text: str, truth: Counter[Found]) -> Counter[Found]:
    """Return those of the true values that stand on their page, letter by letter."""
    flowing = {number: " ".join(page.split()) for number, page in pages(text)}
    return Counter(
        {
            (page, kind, value): min(times, flowing.get(page, "").count(value))
            for (page, kind, value), times in truth.items()
        }
    )


def pages(text: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each page."""
    _, *parts = _MARKER.split(text)
    for number, page in zip(parts[::2], parts[1::2], strict=True):
        yield int(number), page.removeprefix("\n")


def strict_dates(text: str) -> Iterator[tuple[re.Match[str], date]]:
    """Yield the days that are written without a mistake."""
    for match in _ISO.finditer(text):
        yield from _day(match, match[1], match[2], match[3])
    for match in _WITH_MONTH.finditer(text):
        yield from _day(
            match, match[3], MONTHS.index(match[2].lower()) + 1, match[1].removesuffix("er")
        )
    for match in _IN_WORDS.finditer(text):
        yield from _day(match, _YEARS[match[3]], MONTHS.index(match[2]) + 1, _DAYS[match[1]])
    for match in _YEAR_FIRST.finditer(text):
        year = _YEARS[match[1].lower()]
        yield from _day(match, year, MONTHS.index(match[3]) + 1, match[2].removesuffix("er"))


def _on_page(text: str, source: Source) -> Iterator[tuple[FieldKind, str]]:
    for match in _LOT.finditer(text):
        lot = match[1]
        yield FieldKind.LOT, lot if lot.startswith("P") else lot.replace(" ", "")
    numbers = [_NUMBER, _ROW] if source is Source.INDEX else [_NUMBER]
    for pattern in numbers:
        for match in pattern.finditer(text):
            yield FieldKind.REGISTRATION, match[1].replace(" ", "")
    for match in _AMOUNT.finditer(text):
        cents = f".{match[2]}" if match[2] not in {None, "00"} else ""
        yield FieldKind.AMOUNT, match[1].replace(" ", "") + cents
    for _, day in strict_dates(text):
        yield FieldKind.DATE, day.isoformat()


def _day(
    match: re.Match[str], year: str | int, month: str | int, day: str | int
) -> Iterator[tuple[re.Match[str], date]]:
    try:
        yield match, date(int(year), int(month), int(day))
    except ValueError:
        return
