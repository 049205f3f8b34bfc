"""Which rules can match a text, by the pieces that they need there."""

from collections.abc import Iterable, Iterator

from registre_cli.ocr.boost.page import BoostedPage
from registre_cli.ocr.boost.rule import Rule

# A rule, and which of all it is.
_Placed = tuple[int, Rule]


class Triggers:
    """Rules in their order, found by what stands in a text.

    Rules share most of what they need, and most pages have little of it: looking for each piece
    once costs less than asking each rule.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._needs = tuple(dict.fromkeys(need for rule in self._rules for need in rule.needs))
        self._known: dict[tuple[str, ...], tuple[_Placed, ...]] = {}

    def on(self, page: BoostedPage) -> Iterator[Rule]:
        """Yield the rules whose turn it is, also by what those before them wrote."""
        as_it_was, behind = page.lowered(), 0
        for place, rule in self._placed(as_it_was):
            yield rule
            behind = place + 1
            if page.lowered() is not as_it_was:
                break
        else:
            return
        for rule in self._rules[behind:]:
            if rule.may_match(page.lowered()):
                yield rule

    def of(self, lowered: str) -> Iterator[Rule]:
        """Yield the rules that may match a text in small letters."""
        return (rule for _, rule in self._placed(lowered))

    def _placed(self, lowered: str) -> tuple[_Placed, ...]:
        present = tuple([need for need in self._needs if need in lowered])
        known = self._known.get(present)
        if known is None:
            known = self._known[present] = tuple(
                (place, rule)
                for place, rule in enumerate(self._rules)
                if not rule.needs or not set(rule.needs).isdisjoint(present)
            )
        return known
