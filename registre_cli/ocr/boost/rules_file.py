"""Rules as data: one TOML file a subject, each rule with its examples."""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

import regex
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost.record import FieldKind
from registre_cli.ocr.boost.rule import Example, FieldTemplate, Rule, RuleSet, Slot, Template
from registre_cli.ocr.boost.transforms import TRANSFORMS

# In `write`: {0} is the whole match as it was read, {1} its first group, {1:digits} transformed.
_SLOT = re.compile(r"\{(\d+)(?::(\w+))?\}")
_NUMBERED_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
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

_Text = Annotated[str, StringConstraints(min_length=1)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Context(_Entry):
    """Where a match counts: in lines with one of these texts, behind and in front of these."""

    line: tuple[_Text, ...] = ()
    before: str = ""
    after: str = ""


class _FieldEntry(_Entry):
    kind: FieldKind
    group: int = 0
    value: _Text


class _RuleEntry(_Entry):
    name: _Name
    why: _Text
    match: _Text
    write: str
    leaves: tuple[_Text, ...]
    kinds: tuple[Source, ...] = tuple(Source)
    context: _Context = _Context()
    field: _FieldEntry | None = None
    changes: tuple[tuple[_Text, str], ...] = ()
    finds: tuple[tuple[_Text, _Text], ...] = ()


class _RulesFile(_Entry):
    off: tuple[_Text, ...] = ()
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
            rule = _rule(entry, number, file.name, report, foreign=foreign)
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


def _rule(entry: Any, number: int, file: str, report: Report, *, foreign: bool) -> Rule | None:
    name = entry.get("name") if isinstance(entry, dict) else None
    named = name if isinstance(name, str) else None
    nameless = "" if named else f"rule {number} (without a name): "
    try:
        return _made(_RuleEntry.model_validate(entry), file, foreign=foreign)
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


def _made(entry: _RuleEntry, file: str, *, foreign: bool) -> Rule:
    pattern, shift = _pattern(entry, foreign=foreign)
    return Rule(
        name=entry.name,
        why=entry.why,
        sources=frozenset(entry.kinds),
        pattern=pattern,
        write=_template(entry.write, "write", pattern.groups, shift),
        examples=tuple(_examples(entry)),
        written=shift,
        needs=entry.context.line,
        template=_field_template(entry.field, pattern.groups, shift) if entry.field else None,
        is_foreign=foreign,
        file=file,
    )


def _pattern(entry: _RuleEntry, *, foreign: bool) -> tuple[Any, int]:
    """Return the compiled pattern with its context, and the number of the match's own group."""
    engine: Any = regex if foreign else re
    before, match, after = entry.context.before, entry.match, entry.context.after
    if engine.compile(match).match(""):
        raise ValueError("match accepts the empty text")
    ahead = f"(?={after})" if after else ""
    if not before:
        return engine.compile(f"(?:{match}){ahead}", engine.MULTILINE), 0
    if engine.compile(before).groups:
        raise ValueError("context.before has a group: write (?:…)")
    if _NUMBERED_REFERENCE.search(match):
        raise ValueError("match refers to a group by number: give the group a name")
    return engine.compile(f"(?:{before})({match}){ahead}", engine.MULTILINE), 1


def _field_template(field: _FieldEntry, groups: int, shift: int) -> FieldTemplate:
    if field.group + shift > groups:
        raise ValueError(f"field names group {field.group}, the pattern has {groups - shift}")
    return FieldTemplate(
        field.kind, field.group + shift, _template(field.value, "field.value", groups, shift)
    )


def _template(text: str, key: str, groups: int, shift: int) -> Template:
    parts: list[str | Slot] = []
    end = 0
    for slot in _SLOT.finditer(text):
        group, name = int(slot[1]) + shift, slot[2]
        if group > groups:
            raise ValueError(f"{key} names group {slot[1]}, match has {groups - shift}")
        if name and name not in TRANSFORMS:
            known = ", ".join(sorted(TRANSFORMS))
            raise ValueError(f"{key}: unknown transform {name!r}; there are {known}")
        parts += (text[end : slot.start()], Slot(group, TRANSFORMS[name] if name else None))
        end = slot.end()
    return Template(tuple(part for part in (*parts, text[end:]) if part))


def _examples(entry: _RuleEntry) -> Iterator[Example]:
    for before, after in entry.changes:
        yield Example(before, after)
    for text, value in entry.finds:
        yield Example(text, text, value)
    for text in entry.leaves:
        yield Example(text, text)
