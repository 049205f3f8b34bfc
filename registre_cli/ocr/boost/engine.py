"""Applying the rules page by page, with a record of each correction and of what was found."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter

from registre_cli.core.documents import CELL_SEPARATOR, PAGE_MARKER, Source
from registre_cli.core.log import get_logger
from registre_cli.ocr.boost import line_ends
from registre_cli.ocr.boost.across import finders, with_fields_across
from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError, UnwritableError
from registre_cli.ocr.boost.entries import IndexEntries
from registre_cli.ocr.boost.page import MOST_MATCHES_ON_A_PAGE, BoostedPage, readable
from registre_cli.ocr.boost.record import Boosted, Correction, Entry, Field, Flag, Place
from registre_cli.ocr.boost.rule import Match, Rule, RuleSet
from registre_cli.ocr.boost.triggers import Triggers

_PAGE_LINE = re.compile(
    "^" + re.escape(PAGE_MARKER).replace(r"\{number\}", r"(\d{1,9})") + "$", re.M
)
_PLACE = attrgetter("page", "line")
_CELL_SIGN = CELL_SEPARATOR.strip()
# What one rule of the user may spend on one document; then it is left out for the rest of it.
FOREIGN_RULE_SECONDS = 1.0
# One is enough for nearly all.
_MOST_REPEATS = 3


def boost(text: str, source: Source, rules: RuleSet) -> Boosted:
    """Apply the rules for `source`; page markers and the order of lines stay as they are."""
    return _Pass(source, rules).over(text)


class _Pass:
    """One document on its way through the rules."""

    def __init__(self, source: Source, rules: RuleSet) -> None:
        rules_of_source = rules.of(source)
        self._triggers = Triggers(rules_of_source)
        self._finders = finders(rules_of_source)
        self._given_up: set[str] = set()
        # A user's rules may turn in a circle.
        self._not_repeated = {
            rule.name for rule in rules_of_source if rule.is_foreign or rule.only_finds
        }
        self._is_repeating = False
        self._entries = IndexEntries() if source is Source.INDEX else None
        self._corrections: list[Correction] = []
        self._fields: list[Field] = []
        self._flags: list[Flag] = []
        self._spent_seconds: dict[str, float] = {}
        self._unwritable: set[str] = set()

    def over(self, text: str) -> Boosted:
        parts = []
        for marker, number, page_text in _pages(text):
            parts += [marker, self._page(number, page_text)]
        entries: tuple[Entry, ...] = ()
        if self._entries is not None:
            entries, fields, flags = self._entries.finished()
            self._fields += fields
            self._flags += flags
        for found_there in (self._corrections, self._fields, self._flags):
            found_there.sort(key=_PLACE)
        return Boosted(
            "".join(parts),
            tuple(self._corrections),
            tuple(self._fields),
            entries,
            tuple(self._flags),
        )

    def _page(self, number: int, text: str) -> str:
        page = BoostedPage(number, text.split("\n"))
        as_read = list(page.lines)
        self._join_parted_words(page)
        before = len(self._fields)
        self._correct_until_nothing_changes(page)
        if self._entries is None:
            found = self._fields[before:]
            self._fields[before:] = with_fields_across(found, page, self._finders)
        else:
            self._take_entries(page, as_read, self._fields[before:])
        return "\n".join(page.lines)

    def _join_parted_words(self, page: BoostedPage) -> None:
        for index in line_ends.hyphened(page.lines):
            joined = line_ends.join_parted_word(page.lines[index], page.lines[index + 1])
            for at, after in enumerate(joined or (), start=index):
                place = page.place(at)
                self._corrections.append(
                    Correction(line_ends.RULE, place.page, place.line, page.lines[at], after)
                )
                page.write(at, after)

    def _take_entries(self, page: BoostedPage, as_read: list[str], found: list[Field]) -> None:
        assert self._entries is not None
        of_line: dict[int, list[Field]] = defaultdict(list)
        for one in found:
            of_line[one.line].append(one)
        for index in readable(page.lines, range(len(page.lines))):
            line, of_this = page.lines[index], of_line.get(index + 1, [])
            if of_this or _CELL_SIGN in line:
                self._entries.take(line, as_read[index], page.place(index), of_this)

    def _correct_until_nothing_changes(self, page: BoostedPage) -> None:
        """Apply every rule; where one made a text that an earlier one mends, once more."""
        left_out = set(self._given_up)
        changed = self._correct_once(page, left_out)
        if not changed:
            return
        fields, flags = len(self._fields), len(self._flags)
        self._is_repeating = True
        for _ in range(_MOST_REPEATS):
            page.look_only_at(changed)
            changed = self._correct_once(page, left_out | self._not_repeated)
            if not changed:
                break
        self._is_repeating = False
        # What is said there was found by the first round, as it was read.
        del self._fields[fields:], self._flags[flags:]

    def _correct_once(self, page: BoostedPage, left_out: set[str]) -> set[int]:
        """Apply every rule; return the lines that changed, and add to `left_out`."""
        changed: set[int] = set()
        for rule in self._triggers.on(page):
            if rule.name not in left_out:
                changed |= self._correct(page, rule, left_out)
        return changed

    def _correct(self, page: BoostedPage, rule: Rule, left_out: set[str]) -> set[int]:
        changed: set[int] = set()
        seen = 0
        for index in page.concerned(rule):
            line = page.lines[index]
            if rule.is_foreign:
                matches = self._foreign_matches(rule, line, page.place(index))
            else:
                matches = list(rule.pattern.finditer(line))
            if not matches:
                continue
            place = page.place(index)
            seen += len(matches)
            if seen > MOST_MATCHES_ON_A_PAGE:
                message = f"matches more than {MOST_MATCHES_ON_A_PAGE} times: the rest was left"
                self._flags.append(Flag(rule.name, place.page, place.line, line[:80], message))
                left_out.add(rule.name)
                break
            corrected = self._apply(rule, line, matches, place)
            if corrected != line:
                page.write(index, corrected)
                changed.add(index)
        return changed

    def _apply(self, rule: Rule, line: str, matches: list[Match], place: Place) -> str:
        parts: list[str] = []
        end = 0
        for match in matches:
            after = self._written(rule, match, place)
            parts += (line[end : match.start(rule.written)], after)
            end = match.end(rule.written)
        return "".join([*parts, line[end:]])

    def _foreign_matches(self, rule: Rule, line: str, place: Place) -> list[Match]:
        if rule.name in self._given_up:
            return []
        spent = self._spent_seconds.get(rule.name, 0.0)
        started = time.monotonic()
        try:
            return list(rule.pattern.finditer(line, timeout=FOREIGN_RULE_SECONDS - spent))
        except TimeoutError:
            self._given_up.add(rule.name)
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
        before: str = match[rule.written]
        try:
            after = rule.replacement(match)
            if self._is_repeating and after == before:
                return before
            field = rule.field(match, after, place)
        except NotMeantError:
            return before
        except DoubtfulError as doubt:
            self._flags.append(Flag(rule.name, place.page, place.line, before, doubt.message))
            if isinstance(doubt, UnwritableError):
                self._warn_once(rule, place, doubt.message)
            return before
        if after != before:
            self._corrections.append(Correction(rule.name, place.page, place.line, before, after))
        if field is not None:
            self._fields.append(field)
        return after

    def _warn_once(self, rule: Rule, place: Place, reason: str) -> None:
        """Log that the rule cannot write what it matched; each place of the document is flagged."""
        if rule.name in self._unwritable:
            return
        self._unwritable.add(rule.name)
        get_logger().warning(
            "Correction left out", rule=rule.name, page=place.page, line=place.line, reason=reason
        )


def _pages(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield each page's marker with its line end, its number and its text; all together is `text`.

    What stands before the first marker is of page 1.
    """
    marker, number, end = "", 1, 0
    for match in _PAGE_LINE.finditer(text):
        if match.start() > end or marker:
            yield marker, number, text[end : match.start()]
        begins = min(match.end() + 1, len(text))
        marker, number, end = text[match.start() : begins], int(match[1]), begins
    yield marker, number, text[end:]
