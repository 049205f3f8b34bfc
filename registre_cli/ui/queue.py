"""Showing the queue: the list, one document, its texts."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict

from rich.console import Console

from registre_cli.core.errors import ProblemFoundError
from registre_cli.queue.models import QueueDocument, QueueRow, Status
from registre_cli.ui.console import cell, moment, output_console, print_json, table
from registre_cli.ui.fields import FieldsRecord, show_fields

# Below this the list shows what the next command needs, and leaves the rest to queue show.
_WIDE_COLUMNS = 110


def show_rows(rows: dict[str, tuple[QueueRow, ...]], *, as_json: bool) -> None:
    """Show documents, a table for each environment."""
    if as_json:
        print_json(
            {
                "environments": [
                    {"name": name, "documents": [asdict(row) for row in found]}
                    for name, found in rows.items()
                ]
            }
        )
        return
    out = output_console()
    wide = out.width >= _WIDE_COLUMNS
    for name, found in rows.items():
        more = ("tries>", "conf>", "note*") if wide else ()
        shown = table(f"Queue of {name}", "id", "source", "number", "status", *more)
        for row in found:
            mark = None if row.confidence is None else f"{row.confidence:.0f}"
            cells = [
                cell(row.id),
                cell(row.source),
                cell(row.document_number, limit=24 if wide else 14),
                cell(_status_word(row)),
                cell(f"{row.attempts}/{row.max_attempts}"),
                cell(mark),
                cell(row.reason or row.error, limit=200),
            ]
            shown.add_row(*cells[: len(shown.columns)])
        out.print(shown if found else cell(f"{name}: no such document"))


def show_document(environment: str, document: QueueDocument, *, as_json: bool) -> None:
    """Show everything about one document but its text."""
    if as_json:
        print_json(_full_document(environment, document))
        return
    out = output_console()
    row = document.row
    facts = table(f"{row.source} {row.document_number}", "", "*")
    facts.show_header = False
    for label, value in (
        ("id", row.id),
        ("environment", environment),
        ("status", f"{row.status_id} {_status_word(row)}"),
        ("blocked by", row.reason),
        ("path", document.path),
        ("circonscription", row.circonscription),
        ("cadastre", document.cadastre),
        ("nature", document.acte_type),
        ("tries", f"{row.attempts} of {row.max_attempts}"),
        ("priority", document.priority or None),
        ("worker", document.worker_id),
        ("created", moment(row.created_at)),
        ("started", document.started_at and moment(document.started_at)),
        ("lease until", document.lease_until and moment(document.lease_until)),
        ("not before", document.not_before and moment(document.not_before)),
        ("completed", row.completed_at and moment(row.completed_at)),
        ("confidence", None if row.confidence is None else f"{row.confidence:.1f}"),
        ("characters", None if document.raw_text is None else len(document.raw_text)),
        ("error", row.error),
    ):
        if value is not None:
            facts.add_row(cell(label, style="bold"), cell(value))
    out.print(facts)
    _show_pages(out, document)
    _show_history(out, document)


def show_stored_fields(document: QueueDocument) -> None:
    """Show what the rules found. Raises ProblemFoundError where nothing is stored."""
    if document.fields_json is None:
        _require_text(document, "boosted")
        raise ProblemFoundError(
            f"document {document.row.id} was read before fields were stored",
            fix=f"registre boost explain --document {document.row.id}, or "
            f"registre queue retry {document.row.id} to read it again",
        )
    show_fields(FieldsRecord.of(json.loads(document.fields_json)))


def show_text(document: QueueDocument, which: str) -> None:
    """Print a text as it is stored, line by line and harmless, or the difference of both.

    Raises ProblemFoundError where the document has no text.
    """
    _require_text(document, which)
    raw = (document.raw_text or "").splitlines()
    boosted = (document.boosted_text or "").splitlines()
    out = output_console()
    if which == "diff":
        lines = list(difflib.unified_diff(raw, boosted, "raw", "boosted", lineterm="", n=1))
        for line in lines:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
            out.print(cell(line, style=style), soft_wrap=True)
        if not lines:
            out.print("no difference")
        return
    for line in raw if which == "raw" else boosted:
        out.print(cell(line), soft_wrap=True)


def _require_text(document: QueueDocument, which: str) -> None:
    if document.raw_text is None or (which != "raw" and document.boosted_text is None):
        raise ProblemFoundError(
            f"{document.row.document_number} has no {'' if which == 'raw' else 'boosted '}text",
            fix=f"registre queue show {document.row.id} says how far it is",
        )


def _show_pages(out: Console, document: QueueDocument) -> None:
    pages = json.loads(document.pages_json) if document.pages_json else []
    if not pages:
        return
    shown = table("Pages", "page>", "from", "engine", "look", "size", "conf>", "chars>", "sec>")
    for page in pages:
        mark = page.get("confidence")
        shown.add_row(
            cell(page.get("number")),
            cell(page.get("source")),
            cell(page.get("engine")),
            cell(_look(page)),
            cell(_size(page)),
            cell(None if mark is None else f"{mark:.0f}"),
            cell(page.get("chars")),
            cell(f"{float(page.get('seconds') or 0):.1f}"),
        )
    out.print(shown)
    tokens = sum(int(page.get("tokens") or 0) for page in pages)
    if tokens:
        cost_usd = sum(float(page.get("cost_usd") or 0) for page in pages)
        out.print(f"  {tokens:,} tokens, ${cost_usd:.4f}")


def _size(page: Mapping[str, object]) -> str:
    reduced = ", reduced" if page.get("reduced") else ""
    return f"{page.get('width')}×{page.get('height')}, {page.get('dpi')} dpi{reduced}"


def _look(page: Mapping[str, object]) -> str | None:
    """Say under which preparation the page read best, and how it was turned."""
    parts = [str(page["look"])] if page.get("look") else []
    if page.get("rotation"):
        parts.append(f"turned {page['rotation']}°")
    return ", ".join(parts) or None


def _show_history(out: Console, document: QueueDocument) -> None:
    history = json.loads(document.history_json) if document.history_json else []
    if not history:
        return
    shown = table("Tries", "try>", "ended", "outcome", "worker", "reason*")
    for entry in history:
        shown.add_row(
            cell(entry.get("attempt")),
            cell(str(entry.get("ended_at", ""))[:19]),
            cell(entry.get("outcome")),
            cell(entry.get("worker_id"), limit=28),
            cell(entry.get("reason"), limit=200),
        )
    out.print(shown)


def _status_word(row: QueueRow) -> str:
    try:
        return Status(row.status_id).name.lower()
    except ValueError:
        return str(row.status_id)


def _full_document(environment: str, document: QueueDocument) -> dict[str, object]:
    shown = asdict(document)
    head = shown.pop("row")
    for name in ("pages", "fields", "history"):
        text = shown.pop(f"{name}_json")
        shown[name] = json.loads(text) if text else None
    return {"environment": environment, **head, **shown}
