"""What a line break parts: the text stays, the field is found."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.page import BoostedPage, is_readable
from registre_cli.ocr.boost.record import Field
from registre_cli.ocr.boost.rule import Match, Rule


@dataclass(frozen=True)
class _Flow:
    """The written lines of a page as one; `starts` is where each begins, `indexes` which it is."""

    text: str
    starts: tuple[int, ...]
    indexes: tuple[int, ...]

    def line_at(self, offset: int) -> int:
        """Return which of the written lines stands there."""
        return bisect_right(self.starts, offset) - 1


def with_fields_across(
    fields: Sequence[Field], page: BoostedPage, rules: Sequence[Rule]
) -> list[Field]:
    """Return `fields` with those whose parts stand on two lines, blank ones between them or not.

    A number at the end of a line is a field only if it is one with the next line, too.
    """
    flow = _flow(page)
    lowered = flow.text.lower()
    kept = list(fields)
    for rule in rules:
        if rule.template is None or rule.is_foreign:
            continue
        if rule.needs and not any(need in lowered for need in rule.needs):
            continue
        matches = list(rule.pattern.finditer(flow.text))
        kept = [
            one
            for one in kept
            if one.rule != rule.name or not _is_start_of_more(one, page, flow, rule, matches)
        ]
        known = {(one.kind, one.line, one.value) for one in kept}
        kept += [
            field
            for field, is_parted in _in_context(flow, page, rule, matches)
            if is_parted or (field.kind, field.line, field.value) not in known
        ]
    return kept


def _flow(page: BoostedPage) -> _Flow:
    written = [(index, line) for index, line in enumerate(page.lines) if is_readable(line)]
    starts, at = [], 0
    for _, line in written:
        starts.append(at)
        at += len(line) + 1
    text = " ".join(line for _, line in written)
    return _Flow(text, tuple(starts), tuple(index for index, _ in written))


def _in_context(
    flow: _Flow, page: BoostedPage, rule: Rule, matches: Sequence[Match]
) -> Iterator[tuple[Field, bool]]:
    """Yield the fields with what stands around them, and whether they are on two lines."""
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
            yield field, flow.line_at(end - 1) != line


def _is_start_of_more(
    field: Field, page: BoostedPage, flow: _Flow, rule: Rule, matches: Sequence[Match]
) -> bool:
    """Whether the number goes on in the next line, or is no field with what stands there."""
    assert rule.template is not None
    line = page.lines[field.line - 1]
    if not field.as_read[-1:].isdigit() or not line.endswith(field.as_read):
        return False
    start = flow.starts[flow.indexes.index(field.line - 1)] + len(line) - len(field.as_read)
    group = rule.template.group
    return not any(
        match.start(group) == start and match[group] == field.as_read for match in matches
    )
