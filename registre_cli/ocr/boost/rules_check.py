"""Checking rules: every file, every rule, every example."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registre_cli.core.documents import Source
from registre_cli.ocr.boost.doubt import UnwritableError
from registre_cli.ocr.boost.engine import FOREIGN_RULE_SECONDS, boost
from registre_cli.ocr.boost.rule import Example, Rule, RuleSet
from registre_cli.ocr.boost.rules_file import RuleProblem, load_rules

_FEWEST_EXAMPLES = 2


@dataclass(frozen=True)
class RulesReport:
    """What was checked: the rules as they work together, and what is wrong with any of them."""

    rules: tuple[Rule, ...]
    replaced: tuple[str, ...]
    off: tuple[str, ...]
    problems: tuple[RuleProblem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def examples(self) -> int:
        """How many examples were run."""
        return sum(len(rule.examples) for rule in self.rules)

    @property
    def own(self) -> tuple[Rule, ...]:
        """The rules of the user."""
        return tuple(rule for rule in self.rules if rule.is_foreign)


def check_rules(folder: Path | None) -> RulesReport:
    """Load the rules of the package and of `folder` and run all examples.

    Raises ConfigurationError where the folder cannot be read.
    """
    shipped = {rule.name for rule in load_rules().rules}
    problems: list[RuleProblem] = []
    rules = load_rules(folder, report=problems.append).rules
    names = {rule.name for rule in rules}
    own = {rule.name for rule in rules if rule.is_foreign}
    for rule in rules:
        problems += [RuleProblem(rule.file, rule.name, message) for message in _wrong_with(rule)]
    return RulesReport(
        rules, tuple(sorted(own & shipped)), tuple(sorted(shipped - names)), tuple(problems)
    )


def _wrong_with(rule: Rule) -> Iterator[str]:
    acting = sum(one.before != one.after or one.value is not None for one in rule.examples)
    staying = len(rule.examples) - acting
    if min(acting, staying) < _FEWEST_EXAMPLES:
        yield (
            f"needs {_FEWEST_EXAMPLES} examples in changes or finds and {_FEWEST_EXAMPLES} in "
            f"leaves, has {acting} and {staying}"
        )
    for example in rule.examples:
        for source in sorted(rule.sources):
            if wrong := _wrong_example(rule, example, source):
                yield wrong
                break


def _wrong_example(rule: Rule, example: Example, source: Source) -> str | None:
    alone = RuleSet((rule,))
    started = time.monotonic()
    boosted = boost(example.before, source, alone)
    again = boost(boosted.text, source, alone).text
    for flag in boosted.flags:
        if flag.message.startswith(UnwritableError.PREFIX):
            return f"{example.before!r} {flag.message}"
    if rule.is_foreign and time.monotonic() - started > FOREIGN_RULE_SECONDS:
        return f"{example.before!r} takes longer than {FOREIGN_RULE_SECONDS:g} s"
    if boosted.text != example.after:
        expected = (
            "must stay" if example.before == example.after else f"must become {example.after!r}"
        )
        said = "".join(f" ({flag.message})" for flag in boosted.flags[:1])
        return f"{example.before!r} {expected}, becomes {boosted.text!r}{said}"
    values = [field.value for field in boosted.fields]
    if example.value is not None and values != [example.value]:
        return (
            f"{example.before!r} must yield {example.value!r}, yields {', '.join(values) or None}"
        )
    if again != boosted.text:
        return f"{boosted.text!r} is changed once more, into {again!r}"
    return None
