"""Rules as data: one TOML file a subject, each rule with its examples."""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeAlias

import regex
from rapidfuzz import fuzz

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost.record import Field, FieldKind, Place
from registre_cli.ocr.boost.transforms import TRANSFORMS

# In `write`: {1} is the first group as it was read, {1:digits} the same transformed.
_SLOT = re.compile(r"\{(\d+)(?::(\w+))?\}")

_KEYS = {"name", "why", "sources", "needs", "match", "write", "field", "changes", "leaves"}

# Our own patterns are run by `re`; a user's by `regex`, which has a time-out.
Match: TypeAlias = "re.Match[str] | regex.Match[str]"


@dataclass(frozen=True)
class Example:
    """What a rule makes of a line; equal texts say that it must leave the line alone."""

    before: str
    after: str


@dataclass(frozen=True)
class Slot:
    """A group of the match, as it was read or transformed."""

    group: int
    transform: Callable[[str], str] | None


@dataclass(frozen=True)
class Template:
    """Text with slots that a match fills."""

    parts: tuple[str | Slot, ...]

    def filled(self, match: Match) -> str:
        """Return the text for one match. Raises what the transforms raise."""
        texts = []
        for part in self.parts:
            if isinstance(part, Slot):
                read = match[part.group] or ""
                texts.append(part.transform(read) if part.transform else read)
            else:
                texts.append(part)
        return "".join(texts)


@dataclass(frozen=True)
class FieldTemplate:
    """Which field a match yields: the group in which it was read, and its value."""

    kind: FieldKind
    group: int
    value: Template


@dataclass(frozen=True)
class Rule:
    """One correction: where `pattern` matches, `write` stands afterwards.

    A line without any of `needs` (in small letters) is not looked at. `is_foreign` rules come
    from the user.
    """

    name: str
    why: str
    sources: frozenset[Source]
    pattern: Any
    write: Template
    examples: tuple[Example, ...]
    needs: tuple[str, ...] = ()
    template: FieldTemplate | None = None
    is_foreign: bool = False
    file: str = ""

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


@dataclass(frozen=True)
class RuleProblem:
    """What is wrong with a file of rules, or with one rule of it."""

    file: str
    rule: str | None
    message: str


# What becomes of a problem: loading ends, or it goes on without that rule.
Report = Callable[[RuleProblem], None]


def _refuse(problem: RuleProblem) -> None:
    where = problem.file if problem.rule is None else f"{problem.file}: rule {problem.rule!r}"
    raise ConfigurationError(
        f"{where}: {problem.message}", fix="registre boost check lists all that is wrong"
    )


def load_rules(folder: Path | None = None, *, report: Report = _refuse) -> RuleSet:
    """Return the rules of the package, with those of `folder` added or, by name, replaced.

    Raises ConfigurationError where the folder cannot be read and, unless they are reported,
    with file and rule where one is not valid.
    """
    rules: dict[str, Rule] = {}
    shipped = files("registre_cli.ocr.boost").joinpath("rules").iterdir()
    _load_shelf(shipped, rules, report, foreign=False)
    if folder is not None:
        try:
            own = list(folder.iterdir())
        except OSError as error:
            raise ConfigurationError(
                f"the rules in {folder} cannot be read: {error.strerror}",
                fix="give a folder of .toml files (OCR_BOOST_RULES)",
            ) from error
        _load_shelf(own, rules, report, foreign=True)
    return RuleSet(tuple(rules.values()))


def _load_shelf(
    shelf: Iterable[Traversable], rules: dict[str, Rule], report: Report, *, foreign: bool
) -> None:
    for file in sorted(shelf, key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            _load_file(file, rules, report, foreign=foreign)


def _load_file(file: Traversable, rules: dict[str, Rule], report: Report, *, foreign: bool) -> None:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
        off = _texts(document.pop("off", []), "off")
        entries = document.pop("rule", [])
        if not isinstance(entries, list) or document:
            raise ValueError(
                f"unknown {', '.join(document)}" if document else "write [[rule]] above each rule"
            )
    except (tomllib.TOMLDecodeError, ValueError, TypeError, OSError) as error:
        report(RuleProblem(file.name, None, str(error)))
        return
    for name in off:
        if rules.pop(name, None) is None:
            report(RuleProblem(file.name, name, "is turned off, and there is no such rule"))
    for entry in entries:
        try:
            rule = _rule(entry, file.name, foreign=foreign)
        except (KeyError, ValueError, TypeError, re.error, regex.error) as error:
            message = f"{'missing ' if isinstance(error, KeyError) else ''}{error}"
            named = str(entry.get("name", "(without a name)")) if isinstance(entry, dict) else None
            report(RuleProblem(file.name, named, message))
        else:
            rules[rule.name] = rule


def _rule(entry: dict[str, object], file: str, *, foreign: bool) -> Rule:
    if not isinstance(entry, dict):
        raise TypeError("write [[rule]] above each rule")
    if unknown := entry.keys() - _KEYS:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    match = str(entry["match"])
    pattern = regex.compile(match) if foreign else re.compile(match)
    if pattern.match(""):
        raise ValueError("match accepts the empty text")
    sources = entry.get("sources", list(Source))
    if not isinstance(sources, list):
        raise TypeError("sources is a list")
    return Rule(
        name=str(entry["name"]),
        why=str(entry["why"]),
        sources=frozenset(Source(source) for source in sources),
        pattern=pattern,
        write=_template(str(entry["write"]), pattern.groups),
        examples=tuple(_examples(entry)),
        needs=_texts(entry.get("needs", []), "needs"),
        template=_field_template(entry.get("field"), pattern.groups),
        is_foreign=foreign,
        file=file,
    )


def _field_template(field: object, groups: int) -> FieldTemplate | None:
    if field is None:
        return None
    if not isinstance(field, dict):
        raise TypeError("field is a table with kind, group and value")
    template = FieldTemplate(
        FieldKind(field["kind"]), int(field["group"]), _template(str(field["value"]), groups)
    )
    if template.group > groups:
        raise ValueError(f"field names group {template.group}, the pattern has {groups}")
    return template


def _template(text: str, groups: int) -> Template:
    parts: list[str | Slot] = []
    end = 0
    for slot in _SLOT.finditer(text):
        group, name = int(slot[1]), slot[2]
        if group > groups:
            raise ValueError(f"write names group {group}, the pattern has {groups}")
        if name and name not in TRANSFORMS:
            raise ValueError(f"unknown transform {name!r}")
        parts += (text[end : slot.start()], Slot(group, TRANSFORMS[name] if name else None))
        end = slot.end()
    return Template(tuple(part for part in (*parts, text[end:]) if part))


def _examples(entry: dict[str, object]) -> Iterable[Example]:
    changes = entry["changes"]
    if not isinstance(changes, list):
        raise TypeError("changes is a list of pairs, before and after")
    for pair in changes:
        if not isinstance(pair, list) or [type(text) for text in pair] != [str, str]:
            raise TypeError("changes is a list of pairs, before and after")
        yield Example(*pair)
    for text in _texts(entry["leaves"], "leaves"):
        yield Example(text, text)


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"{name} is a list of texts")
    return tuple(value)


def _tight(text: str) -> str:
    return text.replace(" ", "").replace("\xa0", "").lower()
