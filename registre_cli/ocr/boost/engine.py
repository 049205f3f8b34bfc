"""Applying the rules line by line, with a record of each correction."""

import re
from dataclasses import dataclass

from registre_cli.core.documents import CELL_SEPARATOR, PAGE_MARKER, Source
from registre_cli.ocr.boost.rules_file import Rule, RuleSet

_PAGE_LINE = re.compile(re.escape(PAGE_MARKER).replace(r"\{number\}", r"(\d+)"))
_BARS = re.compile(r"(\s*\|(?:\s*\|)*\s*)")
# A line of more is no line of a document: it is left as it was read.
LONGEST_LINE_CHARACTERS = 5_000


@dataclass(frozen=True)
class Correction:
    """What one rule did at one place; lines count from 1 on their page."""

    rule: str
    page: int
    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Boosted:
    """The corrected text, and every correction in it."""

    text: str
    corrections: tuple[Correction, ...]


def boost(text: str, source: Source, rules: RuleSet) -> Boosted:
    """Apply the rules for `source`; page markers and the order of lines stay as they are."""
    chosen = rules.of(source)
    corrections: list[Correction] = []
    lines: list[str] = []
    page, line_number = 1, 0
    for line in text.split("\n"):
        line_number += 1
        if marker := _PAGE_LINE.fullmatch(line):
            page, line_number = int(marker[1]), 0
        elif len(line) <= LONGEST_LINE_CHARACTERS:
            line = "".join(
                _corrected(cell, chosen, page, line_number, corrections) for cell in _cells(line)
            )
        lines.append(line)
    return Boosted("\n".join(lines), tuple(corrections))


def _cells(line: str) -> list[str]:
    """Part a row into its cells and the bars between them: such a bar is never a misread 1."""
    return _BARS.split(line) if CELL_SEPARATOR in line else [line]


def _corrected(
    line: str, rules: tuple[Rule, ...], page: int, number: int, corrections: list[Correction]
) -> str:
    for rule in rules:

        def write(match: re.Match[str], rule: Rule = rule) -> str:
            after = rule.replacement(match)
            if after != match[0]:
                corrections.append(Correction(rule.name, page, number, match[0], after))
            return after

        line = rule.pattern.sub(write, line)
    return line
