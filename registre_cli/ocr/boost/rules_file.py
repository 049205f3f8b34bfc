"""Rules as data: one TOML file a subject, each rule with its examples."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost.transforms import TRANSFORMS

# In `write`: {1} is the first group as it was read, {1:digits} the same transformed.
_SLOT = re.compile(r"\{(\d+)(?::(\w+))?\}")


@dataclass(frozen=True)
class Example:
    """What a rule makes of a line; equal texts say that it must leave the line alone."""

    before: str
    after: str


@dataclass(frozen=True)
class Rule:
    """One correction: where `pattern` matches, `write` stands afterwards."""

    name: str
    why: str
    sources: frozenset[Source]
    pattern: re.Pattern[str]
    write: str
    examples: tuple[Example, ...]

    def replacement(self, match: re.Match[str]) -> str:
        """Return what this rule writes for one match."""

        def fill(slot: re.Match[str]) -> str:
            text = match[int(slot[1])] or ""
            return TRANSFORMS[slot[2]](text) if slot[2] else text

        return _SLOT.sub(fill, self.write)


@dataclass(frozen=True)
class RuleSet:
    """All rules in the order in which they are applied."""

    rules: tuple[Rule, ...]

    def of(self, source: Source) -> tuple[Rule, ...]:
        """Return the rules for one kind of document."""
        return tuple(rule for rule in self.rules if source in rule.sources)


def load_rules(folder: Path | None = None) -> RuleSet:
    """Return the rules of the package, with those of `folder` added or, by name, replaced.

    Raises ConfigurationError with file and rule where one is not valid.
    """
    shelves: list[Iterable[Traversable]] = [
        files("registre_cli.ocr.boost").joinpath("rules").iterdir()
    ]
    if folder is not None:
        if not folder.is_dir():
            raise ConfigurationError(
                f"OCR_BOOST_RULES={folder}: no such folder", fix="give a folder of .toml files"
            )
        shelves.append(folder.iterdir())
    rules: dict[str, Rule] = {}
    for shelf in shelves:
        for file in sorted(shelf, key=lambda entry: entry.name):
            if file.name.endswith(".toml"):
                _load_file(file, rules)
    return RuleSet(tuple(rules.values()))


def _load_file(file: Traversable, rules: dict[str, Rule]) -> None:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file.name}: {error}", fix="correct the TOML") from error
    for name in document.get("off", []):
        rules.pop(name, None)
    for entry in document.get("rule", []):
        try:
            rule = _rule(entry)
        except (KeyError, ValueError, TypeError, re.error) as error:
            raise ConfigurationError(
                f"{file.name}: rule {entry.get('name', '(without a name)')!r}: "
                f"{'missing ' if isinstance(error, KeyError) else ''}{error}",
                fix="give name, why, match, write and examples",
            ) from error
        rules[rule.name] = rule


def _rule(entry: dict[str, object]) -> Rule:
    write = str(entry["write"])
    pattern = re.compile(str(entry["match"]))
    for slot in _SLOT.finditer(write):
        if int(slot[1]) > pattern.groups:
            raise ValueError(f"write names group {slot[1]}, the pattern has {pattern.groups}")
        if slot[2] and slot[2] not in TRANSFORMS:
            raise ValueError(f"unknown transform {slot[2]!r}")
    sources = entry.get("sources", list(Source))
    if not isinstance(sources, list):
        raise TypeError("sources is a list")
    return Rule(
        name=str(entry["name"]),
        why=str(entry["why"]),
        sources=frozenset(Source(source) for source in sources),
        pattern=pattern,
        write=write,
        examples=tuple(_examples(entry)),
    )


def _examples(entry: dict[str, object]) -> Iterable[Example]:
    changes, leaves = entry["changes"], entry["leaves"]
    if not isinstance(changes, list) or not isinstance(leaves, list):
        raise TypeError("changes and leaves are lists")
    for before, after in changes:
        yield Example(before, after)
    for text in leaves:
        yield Example(text, text)
