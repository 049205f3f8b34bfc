"""One rule as its file says it, and the rule that is made of it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import regex
from pydantic import BaseModel, ConfigDict, StringConstraints

from registre_cli.core.documents import Source
from registre_cli.ocr.boost.record import FieldKind
from registre_cli.ocr.boost.rule import Example, FieldTemplate, Rule, Slot, Template
from registre_cli.ocr.boost.transforms import TRANSFORMS

# In `write`: {0} is the whole match as it was read, {1} its first group, {1:digits} transformed.
_SLOT = re.compile(r"\{(\d+)(?::(\w+))?\}")
# In a pattern: the part of this name. No quantifier of a pattern begins with a letter.
_PART = re.compile(r"\{([a-z]+)\}")
_NUMBERED_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")

Text = Annotated[str, StringConstraints(min_length=1)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class FileEntry(BaseModel):
    """A table of a file: a key that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Context(FileEntry):
    """Where a match counts: in lines with one of these texts, behind and in front of these."""

    line: tuple[Text, ...] = ()
    before: str = ""
    after: str = ""


class _FieldEntry(FileEntry):
    kind: FieldKind
    group: int = 0
    value: Text


class RuleEntry(FileEntry):
    """The keys of one rule."""

    name: _Name
    why: Text
    match: Text
    write: str
    leaves: tuple[Text, ...]
    kinds: tuple[Source, ...] = tuple(Source)
    context: _Context = _Context()
    field: _FieldEntry | None = None
    changes: tuple[tuple[Text, str], ...] = ()
    finds: tuple[tuple[Text, Text], ...] = ()


def made(entry: RuleEntry, parts: Mapping[str, str], file: str, *, foreign: bool) -> Rule:
    """Return the rule, with `parts` of its file put into its patterns.

    Raises ValueError or what the pattern's engine raises where it is none.
    """
    pattern, shift = _pattern(entry, parts, foreign=foreign)
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


def _pattern(entry: RuleEntry, parts: Mapping[str, str], *, foreign: bool) -> tuple[Any, int]:
    """Return the compiled pattern with its context, and the number of the match's own group."""
    engine: Any = regex if foreign else re
    before, match, after = (
        _whole(text, parts) for text in (entry.context.before, entry.match, entry.context.after)
    )
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


def _whole(text: str, parts: Mapping[str, str]) -> str:
    """Put the parts into a pattern; a part may have those that stand above it."""
    earlier: dict[str, str] = {}
    for name, part in parts.items():
        earlier[name] = _filled(part, earlier)
    return _filled(text, earlier)


def _filled(text: str, parts: Mapping[str, str]) -> str:
    def filled(found: re.Match[str]) -> str:
        if found[1] not in parts:
            raise ValueError(f"there is no part {found[0]} above")
        return f"(?:{parts[found[1]]})"

    return _PART.sub(filled, text)


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


def _examples(entry: RuleEntry) -> Iterator[Example]:
    for before, after in entry.changes:
        yield Example(before, after)
    for text, value in entry.finds:
        yield Example(text, text, value)
    for text in entry.leaves:
        yield Example(text, text)
