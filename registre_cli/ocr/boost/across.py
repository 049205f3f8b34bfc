"""What a line break parts: the text stays, the field is found."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import accumulate, chain, islice, repeat

from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.page import MOST_MATCHES_ON_A_PAGE, BoostedPage, readable
from registre_cli.ocr.boost.record import Field
from registre_cli.ocr.boost.rule import Match, Rule
from registre_cli.ocr.boost.triggers import Triggers

# What a rule wants to see behind its match is shorter: `, ci-après nommées`, ` des minutes`.
_LONGEST_CONTEXT_CHARACTERS = 25
# No line has this sign: a rule that wants it knows that nothing goes on.
_END_OF_PAGE = "\n"


@dataclass(frozen=True)
class _Flow:
    """The written lines of a page as one; `starts` is where each begins, `indexes` which it is."""

    text: str
    starts: tuple[int, ...]
    indexes: tuple[int, ...]

    def near_line_ends(self, rule: Rule) -> Iterator[Match]:
        """Yield the matches around which what the rule wants may stand on another line."""
        ends = chain(islice(self.starts, 1, None), repeat(len(self.text)))
        end = 0
        for match in rule.pattern.finditer(self.text):
            while end <= match.start():
                end = next(ends)
            if match.end() + _LONGEST_CONTEXT_CHARACTERS > end:
                yield match

    def start_of(self, index: int) -> int:
        """Return where the line begins that has this index on its page."""
        return self.starts[bisect_left(self.indexes, index)]

    def line_at(self, offset: int) -> int:
        """Return which of the written lines stands there."""
        return bisect_right(self.starts, offset) - 1


def finders(rules: Iterable[Rule]) -> Triggers:
    """Return the rules whose fields may stand on two lines."""
    return Triggers(rule for rule in rules if rule.template and not rule.is_foreign)


def with_fields_across(fields: Sequence[Field], page: BoostedPage, rules: Triggers) -> list[Field]:
    """Return `fields` with those whose parts stand on two lines, blank ones between them or not.

    A number at the end of a line is a field only if it is one with the next line, too, and one at
    the beginning only if it is not the end of such a field.
    """
    flow = _flow(page)
    kept = list(fields)
    for rule in rules.of(flow.text.lower()):
        assert rule.template is not None
        matches = list(islice(flow.near_line_ends(rule), MOST_MATCHES_ON_A_PAGE))
        if not matches and not kept:
            continue
        group = rule.template.group
        stands = {(match.start(group), match[group]) for match in matches}
        found = list(_in_context(flow, page, rule, matches))
        parted_ends = {end for _, end in found if end is not None}
        kept = [
            one
            for one in kept
            if one.rule != rule.name
            or not (
                _is_start_of_more(one, page, flow, stands)
                or _is_end_of_more(one, page, flow, parted_ends)
            )
        ]
        known = {(one.kind, one.line, one.value) for one in kept}
        kept += [
            field
            for field, parted_end in found
            if parted_end is not None or (field.kind, field.line, field.value) not in known
        ]
    return kept


def _flow(page: BoostedPage) -> _Flow:
    indexes = readable(page.lines, range(len(page.lines)))
    lines = [page.lines[index] for index in indexes]
    starts = accumulate((len(line) + 1 for line in lines), initial=0)
    return _Flow(" ".join(lines) + _END_OF_PAGE, tuple(islice(starts, len(lines))), tuple(indexes))


def _in_context(
    flow: _Flow, page: BoostedPage, rule: Rule, matches: Sequence[Match]
) -> Iterator[tuple[Field, int | None]]:
    """Yield the fields with what stands around them, and where those on two lines end."""
    assert rule.template is not None
    for match in matches:
        start, end = match.span(rule.template.group)
        line = flow.line_at(start)
        try:
            place = page.place(flow.indexes[line])
            field = rule.field(match, rule.replacement(match), place)
        except (DoubtfulError, NotMeantError):
            continue
        if field is not None:
            yield field, end if flow.line_at(end - 1) != line else None


def _is_start_of_more(
    field: Field, page: BoostedPage, flow: _Flow, stands: AbstractSet[tuple[int, str]]
) -> bool:
    """Whether it goes on in the next line, or is a number that is none with what stands there."""
    line = page.lines[field.line - 1]
    if not line.endswith(field.as_read):
        return False
    start = flow.start_of(field.line - 1) + len(line) - len(field.as_read)
    if (start, field.as_read) in stands:
        return False
    return field.as_read[-1:].isdigit() or any(start == other for other, _ in stands)


def _is_end_of_more(
    field: Field, page: BoostedPage, flow: _Flow, parted_ends: AbstractSet[int]
) -> bool:
    """Whether a field that began in a line before ends with it."""
    line = page.lines[field.line - 1]
    start = len(line) - len(line.lstrip())
    if not line.startswith(field.as_read, start):
        return False
    return flow.start_of(field.line - 1) + start + len(field.as_read) in parted_ends
