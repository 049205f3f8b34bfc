"""One rule: what it matches and where, what it writes, which field it yields."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import regex
from rapidfuzz import fuzz

from registre_cli.core.documents import Source
from registre_cli.ocr.boost.doubt import UnwritableError
from registre_cli.ocr.boost.record import Field, FieldKind, Place

# Our own patterns are run by `re`; a user's by `regex`, which has a time-out.
Match: TypeAlias = "re.Match[str] | regex.Match[str]"


@dataclass(frozen=True)
class Example:
    """What a rule makes of a line; equal texts say that it must leave the line alone.

    `value` is that of the field which the rule finds there, where an example says it.
    """

    before: str
    after: str
    value: str | None = None


@dataclass(frozen=True)
class Slot:
    """A group of the match, as it was read or transformed."""

    group: int
    transform: Callable[[str], str] | None

    def filled(self, match: Match) -> str:
        """Return the text for one match.

        Raises what the transform raises, and UnwritableError where it has no answer.
        """
        read = match[self.group] or ""
        if self.transform is None:
            return read
        try:
            return self.transform(read)
        except (ValueError, LookupError, TypeError) as error:
            raise UnwritableError(error) from error


@dataclass(frozen=True)
class Template:
    """Text with slots that a match fills."""

    parts: tuple[str | Slot, ...]

    def filled(self, match: Match) -> str:
        """Return the text for one match. Raises what the transforms raise."""
        return "".join(
            [part.filled(match) if isinstance(part, Slot) else part for part in self.parts]
        )


@dataclass(frozen=True)
class FieldTemplate:
    """Which field a match yields: the group in which it was read, and its value."""

    kind: FieldKind
    group: int
    value: Template


@dataclass(frozen=True)
class Rule:
    """One correction: where `pattern` matches, `write` stands afterwards.

    A line without any of `needs` (in small letters) is not looked at. Of a match only the group
    `written` changes; what stands before it is its context. `is_foreign` rules come from the user.
    """

    name: str
    why: str
    sources: frozenset[Source]
    pattern: Any
    write: Template
    examples: tuple[Example, ...]
    written: int = 0
    needs: tuple[str, ...] = ()
    template: FieldTemplate | None = None
    is_foreign: bool = False
    file: str = ""

    @property
    def only_finds(self) -> bool:
        """Whether it leaves what it matches as it was read."""
        return self.write.parts == (Slot(self.written, None),)

    def may_match(self, lowered: str) -> bool:
        """Whether a text in small letters has what the rule needs."""
        return not self.needs or any(map(lowered.__contains__, self.needs))

    def replacement(self, match: Match) -> str:
        """Return what this rule writes for one match. Raises what its transforms raise."""
        return self.write.filled(match)

    def field(self, match: Match, written: str, place: Place) -> Field | None:
        """Return what the match says. Raises what the transforms raise."""
        if self.template is None:
            return None
        as_read = match[self.template.group] or ""
        value = self.template.value.filled(match)
        if not value:
            return None
        likeness = (
            100.0 if as_read in written else fuzz.partial_ratio(_tight(as_read), _tight(written))
        )
        return Field(
            self.template.kind, place.page, place.line, as_read, value,
            round(likeness / 100, 2), self.name,
        )  # fmt: skip


@dataclass(frozen=True)
class RuleSet:
    """All rules in the order in which they are applied."""

    rules: tuple[Rule, ...]

    def of(self, source: Source) -> tuple[Rule, ...]:
        """Return the rules for one kind of document."""
        return tuple(rule for rule in self.rules if source in rule.sources)


def _tight(text: str) -> str:
    return text.replace(" ", "").replace("\xa0", "").lower()
