"""Applying the rules line by line, with a record of each correction and of what was found."""

import re
import time

from registre_cli.core.documents import PAGE_MARKER, Source
from registre_cli.core.log import get_logger
from registre_cli.ocr.boost import line_ends
from registre_cli.ocr.boost.across import fields_across
from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.entries import IndexEntries
from registre_cli.ocr.boost.record import Boosted, Correction, Field, Flag, Place
from registre_cli.ocr.boost.rules_file import Match, Rule, RuleSet

_PAGE_LINE = re.compile(re.escape(PAGE_MARKER).replace(r"\{number\}", r"(\d+)"))
# A line of more is no line of a document: it is left as it was read.
LONGEST_LINE_CHARACTERS = 5_000
# What one rule of the user may spend on one document; then it is left out for the rest of it.
FOREIGN_RULE_SECONDS = 1.0


def boost(text: str, source: Source, rules: RuleSet) -> Boosted:
    """Apply the rules for `source`; page markers and the order of lines stay as they are."""
    return _Pass(source, rules).over(text.split("\n"))


class _Pass:
    """One document on its way through the rules."""

    def __init__(self, source: Source, rules: RuleSet) -> None:
        self._rules = list(rules.of(source))
        self._entries = IndexEntries() if source is Source.INDEX else None
        self._corrections: list[Correction] = []
        self._fields: list[Field] = []
        self._flags: list[Flag] = []
        self._spent_seconds: dict[str, float] = {}

    def over(self, lines: list[str]) -> Boosted:
        places: list[Place | None] = []
        page, number = 1, 0
        for index, line in enumerate(lines):
            number += 1
            if marker := _PAGE_LINE.fullmatch(line):
                page, number = int(marker[1]), 0
                places.append(None)
                continue
            place = Place(page, number)
            places.append(place)
            if line and len(line) <= LONGEST_LINE_CHARACTERS:
                self._join(lines, index, place)
                lines[index] = self._line(lines[index], place)
        self._fields += fields_across(lines, places)
        entries = self._entries.finished() if self._entries else ()
        fields = sorted(self._fields, key=lambda field: (field.page, field.line))
        return Boosted(
            "\n".join(lines), tuple(self._corrections), tuple(fields), entries, tuple(self._flags)
        )

    def _join(self, lines: list[str], index: int, place: Place) -> None:
        joined = line_ends.join_parted_word(lines[index], lines[index + 1 : index + 2])
        if joined is None:
            return
        for at, before, after in zip((0, 1), lines[index : index + 2], joined, strict=True):
            self._corrections.append(
                Correction(line_ends.RULE, place.page, place.line + at, before, after)
            )
        lines[index : index + 2] = joined

    def _line(self, as_read: str, place: Place) -> str:
        line, lowered = as_read, as_read.lower()
        first_field = len(self._fields)
        for rule in tuple(self._rules):
            if rule.needs and not any(need in lowered for need in rule.needs):
                continue
            corrected = self._apply(rule, line, place)
            if corrected != line:
                line, lowered = corrected, corrected.lower()
        if self._entries is not None:
            found, flags = self._entries.take(line, as_read, place, self._fields[first_field:])
            self._fields += found
            self._flags += flags
        return line

    def _apply(self, rule: Rule, line: str, place: Place) -> str:
        parts: list[str] = []
        end = 0
        for match in self._matches(rule, line, place):
            after = self._written(rule, match, place)
            parts += (line[end : match.start()], after)
            end = match.end()
        return "".join([*parts, line[end:]]) if parts else line

    def _matches(self, rule: Rule, line: str, place: Place) -> list[Match]:
        if not rule.is_foreign:
            return list(rule.pattern.finditer(line))
        spent = self._spent_seconds.get(rule.name, 0.0)
        started = time.monotonic()
        try:
            return list(rule.pattern.finditer(line, timeout=FOREIGN_RULE_SECONDS - spent))
        except TimeoutError:
            self._rules.remove(rule)
            message = f"took longer than {FOREIGN_RULE_SECONDS:g} s and was left out from here on"
            self._flags.append(Flag(rule.name, place.page, place.line, line[:80], message))
            get_logger().warning(
                "Rule left out", rule=rule.name, page=place.page, line=place.line, reason=message
            )
            return []
        finally:
            self._spent_seconds[rule.name] = min(
                spent + time.monotonic() - started, 0.999 * FOREIGN_RULE_SECONDS
            )

    def _written(self, rule: Rule, match: Match, place: Place) -> str:
        before = match[0]
        try:
            after = rule.replacement(match)
            field = rule.field(match, after, place)
        except NotMeantError:
            return before
        except DoubtfulError as doubt:
            self._flags.append(Flag(rule.name, place.page, place.line, before, doubt.message))
            return before
        if after != before:
            self._corrections.append(Correction(rule.name, place.page, place.line, before, after))
        if field is not None:
            self._fields.append(field)
        return after
