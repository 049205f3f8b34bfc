"""Showing what a document says: its fields, its entries, and where a person has to look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from registre_cli.ui.console import cell, output_console, table

# Below this the tables show what a person reads, and leave the rest to --json.
_WIDE_COLUMNS = 110
Row = Mapping[str, object]


@dataclass(frozen=True)
class FieldsRecord:
    """The three lists of `ocr_fields`; whatever else a column of others holds is left out."""

    fields: tuple[Row, ...]
    entries: tuple[Row, ...]
    flags: tuple[Row, ...]

    @classmethod
    def of(cls, document: object) -> "FieldsRecord":
        """Take the lists out of a stored document."""
        return cls(*(_rows(document, name) for name in ("fields", "entries", "flags")))


def show_fields(record: FieldsRecord) -> None:
    """Show fields, entries and flags, a table each."""
    out = output_console()
    if not any((record.fields, record.entries, record.flags)):
        out.print("no fields were found")
    if record.fields:
        _show_fields(out, record.fields)
    if record.entries:
        _show_entries(out, record.entries)
    if record.flags:
        show_flags(out, record.flags)


def show_flags(out: Console, flags: Sequence[Row]) -> None:
    """Show where a person has to look."""
    shown = table(f"To be looked at ({len(flags):,})", "place>", "rule", "as read*", "why*")
    for flag in flags:
        shown.add_row(
            place_cell(flag),
            cell(flag.get("rule"), limit=24),
            cell(flag.get("text"), limit=200),
            cell(flag.get("message"), limit=200),
        )
    out.print(shown)


def place_cell(row: Row) -> Text:
    """Return page and line, as `2:14`."""
    return cell(f"{row.get('page')}:{row.get('line')}")


def _show_fields(out: Console, fields: Sequence[Row]) -> None:
    wide = out.width >= _WIDE_COLUMNS
    more = ("rule",) if wide else ()
    shown = table(
        f"Fields ({len(fields):,})", "field", "value*", "as read*", "conf>", "place>", *more
    )
    for one in fields:
        confidence = one.get("confidence")
        mark = f"{confidence:.2f}" if isinstance(confidence, float | int) else None
        cells = [
            cell(one.get("kind"), limit=16),
            cell(one.get("value"), limit=200),
            cell(f"inferred ({one.get('as_read')})" if one.get("inferred") else one.get("as_read"),
                 limit=200),
            cell(mark),
            place_cell(one),
            cell(one.get("rule"), limit=32),
        ]  # fmt: skip
        shown.add_row(*cells[: len(shown.columns)])
    out.print(shown)


def _show_entries(out: Console, entries: Sequence[Row]) -> None:
    wide = out.width >= _WIDE_COLUMNS
    more = ("amount>", "remarks*") if wide else ("amount>",)
    shown = table(
        f"Entries ({len(entries):,})", "place>", "date", "number>", "nature*", "parties*", *more
    )
    for entry in entries:
        parties = entry.get("parties")
        nature = entry.get("nature")
        cells = [
            place_cell(entry),
            cell(entry.get("date"), limit=10),
            cell(entry.get("registration"), limit=12),
            cell(f"{nature} (inferred)" if nature and entry.get("nature_inferred") else nature,
                 limit=60),
            cell("; ".join(map(str, parties)) if isinstance(parties, list | tuple) else parties,
                 limit=200),
            cell(entry.get("amount"), limit=14),
            cell(entry.get("remarks"), limit=200),
        ]  # fmt: skip
        shown.add_row(*cells[: len(shown.columns)])
    out.print(shown)


def _rows(document: object, name: str) -> tuple[Row, ...]:
    rows = document.get(name) if isinstance(document, Mapping) else None
    return tuple(row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else ()
