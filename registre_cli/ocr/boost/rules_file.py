"""Rules as data: one TOML file a subject, each rule with its examples."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import regex
from pydantic import Field, ValidationError

from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost.rule import Rule, RuleSet
from registre_cli.ocr.boost.rule_entry import FileEntry, RuleEntry, Text, made

_SHAPE = (
    "a rule has name, why, match and write, changes or finds, and leaves; it may have kinds "
    "(index, acte), context (line, before, after) and field (kind, group, value)"
)

# Pydantic's kinds of errors, in the words of the file.
_SAID = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key",
    "tuple_type": "must be a list",
}


class _RulesFile(FileEntry):
    off: tuple[Text, ...] = ()
    parts: dict[str, Text] = Field(default_factory=dict)
    rule: tuple[Any, ...] = ()


@dataclass(frozen=True)
class RuleProblem:
    """What is wrong with a file of rules, or with the rule of it that is named."""

    file: str
    rule: str | None
    message: str


# What becomes of a problem: loading ends, or it goes on without that rule.
Report = Callable[[RuleProblem], None]


def _refuse(problem: RuleProblem) -> None:
    where = problem.file if problem.rule is None else f"{problem.file}: rule {problem.rule!r}"
    raise ConfigurationError(
        f"{where}: {problem.message}",
        fix=f"{_SHAPE}; registre boost check lists all that is wrong",
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
    home: dict[str, str] = {}
    for file in sorted(shelf, key=lambda entry: entry.name):
        if not file.name.endswith(".toml"):
            continue
        try:
            document = _RulesFile.model_validate(tomllib.loads(file.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            report(RuleProblem(file.name, None, str(error)))
            continue
        except ValidationError as error:
            for message in _messages(error):
                report(RuleProblem(file.name, None, message))
            continue
        _turn_off(document.off, file.name, rules, report)
        for number, entry in enumerate(document.rule, start=1):
            rule = _rule(entry, number, document.parts, file.name, report, foreign=foreign)
            if rule is None:
                continue
            if rule.name in home:
                message = f"{home[rule.name]} has a rule of this name"
                report(RuleProblem(file.name, rule.name, message))
            home[rule.name] = file.name
            rules[rule.name] = rule


def _turn_off(names: Iterable[str], file: str, rules: dict[str, Rule], report: Report) -> None:
    for name in names:
        if rules.pop(name, None) is None:
            message = f"off names {name!r}, and there is no such rule"
            report(RuleProblem(file, name, message))


def _rule(
    entry: Any,
    number: int,
    parts: Mapping[str, str],
    file: str,
    report: Report,
    *,
    foreign: bool,
) -> Rule | None:
    name = entry.get("name") if isinstance(entry, dict) else None
    named = name if isinstance(name, str) else None
    nameless = "" if named else f"rule {number} (without a name): "
    try:
        return made(RuleEntry.model_validate(entry), parts, file, foreign=foreign)
    except ValidationError as error:
        for message in _messages(error):
            report(RuleProblem(file, named, nameless + message))
    except (ValueError, re.error, regex.error) as error:
        report(RuleProblem(file, named, nameless + str(error)))
    return None


def _messages(error: ValidationError) -> Iterator[str]:
    """Say what pydantic found, in the words of the file."""
    for found in error.errors():
        where = ".".join(str(part) for part in found["loc"])
        said = _SAID.get(found["type"], found["msg"][:1].lower() + found["msg"][1:])
        if found["loc"] == ("rule",) or not where:
            said = "write [[rule]] above each rule"
        yield f"{where}: {said}" if where else said
