"""Days that a line break parts: the text stays, the field is found."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.french_dates import day_of
from registre_cli.ocr.boost.record import Field, FieldKind, Place

RULE = "date-across-lines"
_DAY_AT_END = re.compile(r"(?<![\d.,/-])(\d{1,2}|1er)$")
_DAY_AND_MONTH_AT_END = re.compile(r"(?<![\d.,/-])((?:\d{1,2}|1er) [^\W\d]{3,9})$")
_MONTH_AND_YEAR = re.compile(r"([^\W\d]{3,9} (?:1[6-9]|20)\d{2})(?!\d)")
_YEAR = re.compile(r"((?:1[6-9]|20)\d{2})(?!\d)")


def fields_across(lines: Sequence[str], places: Sequence[Place | None]) -> Iterator[Field]:
    """Yield the days whose parts stand on two lines, blank ones between them or not."""
    written = [
        (line, place) for line, place in zip(lines, places, strict=True) if line or not place
    ]
    for (line, place), (following, next_place) in pairwise(written):
        if place is None or next_place is None:
            continue
        for ends, begins in ((_DAY_AT_END, _MONTH_AND_YEAR), (_DAY_AND_MONTH_AT_END, _YEAR)):
            if (end := ends.search(line[-20:])) and (begin := begins.match(following)):
                as_read = f"{end[1]} {begin[1]}"
                try:
                    value = day_of(as_read).isoformat()
                except (DoubtfulError, NotMeantError):
                    continue
                yield Field(FieldKind.DATE, place.page, place.line, as_read, value, 1.0, RULE)
