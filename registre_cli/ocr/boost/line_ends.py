"""Words that a hyphen parts at the end of a line: the rest moves up, no line moves."""

import re
from collections.abc import Iterator, Sequence

from registre_cli.ocr.boost.vocabularies import words_of_deeds

RULE = "hyphen-at-line-end"
_HYPHENS = ("-", "\u00ad", "¬")
_LONGEST_PART_CHARACTERS = 22
_PARTED = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,20})[-\u00ad¬]$")
_REST = re.compile(r"([a-zà-ÿ]{2,20})([,.;:)]*)(?: |$)")


def hyphened(lines: Sequence[str]) -> Iterator[int]:
    """Yield the lines that end with a hyphen and are followed by another."""
    return (index for index, line in enumerate(lines[:-1]) if line.endswith(_HYPHENS))


def join_parted_word(line: str, following: str) -> tuple[str, str] | None:
    """Return this line and the next with the word whole; `None` where no known word is parted."""
    tail = max(len(line) - _LONGEST_PART_CHARACTERS, 0)
    parted = _PARTED.search(line, tail)
    if parted is None:
        return None
    rest = _REST.match(following)
    if rest is None or (parted[1] + rest[1]).lower() not in words_of_deeds():
        return None
    return f"{line[: parted.end(1)]}{rest[1]}{rest[2]}", following[rest.end() :]
