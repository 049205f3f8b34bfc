"""Text of which every field is known, and where on the pages it comes to stand."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from registre_cli.ocr.boost.record import FieldKind


@dataclass(frozen=True)
class PrintedField:
    """One thing that a page says; `value` in the form of `ocr.boost.record.Field`."""

    kind: FieldKind
    value: str


@dataclass(frozen=True)
class Slot:
    """What a deed prints at one place; without a field it says nothing that is looked for."""

    printed: str
    field: PrintedField | None = None


@dataclass(frozen=True)
class PrintedLine:
    """A line with its fields, and those that begin in it and end in the next."""

    text: str
    fields: tuple[PrintedField, ...] = ()
    begun: tuple[PrintedField, ...] = ()


def wrapped(template: str, slots: Mapping[str, Slot], width: int) -> list[PrintedLine]:
    """Fill the slots of one paragraph and break it into lines of `width` characters."""
    text = ""
    spans: list[tuple[int, int, PrintedField]] = []
    for literal, name, _, _ in Formatter().parse(" ".join(template.split())):
        text += literal
        if name is not None:
            slot = slots[name]
            if slot.field is not None:
                spans.append((len(text), len(text) + len(slot.printed), slot.field))
            text += slot.printed
    lines = []
    start = 0
    for line in textwrap.wrap(text, width, break_on_hyphens=False):
        end = start + len(line)
        here = [(until <= end, field) for at, until, field in spans if start <= at < end]
        whole = tuple(field for is_whole, field in here if is_whole)
        begun = tuple(field for is_whole, field in here if not is_whole)
        lines.append(PrintedLine(line, whole, begun))
        start = end + 1
    return lines
