"""Showing what the demo did."""

from rich.table import Table
from rich.text import Text

from registre_cli.demo.scenario import DemoResult
from registre_cli.queue.models import QueueDocument
from registre_cli.ui.console import cell, message_console, output_console, table
from registre_cli.ui.pool import summary_document, summary_line

_EXAMPLE_LINES = 16


def say_step(what: str) -> None:
    """Say on stderr what happens now."""
    message_console().print(Text(f"› {what}"))


def demo_document(result: DemoResult) -> dict[str, object]:
    """Return the result for scripts."""
    return {
        "ok": result.complete,
        **summary_document(result.summary),
        "documents": [
            {
                "id": document.row.id,
                "source": document.row.source,
                "document_number": document.row.document_number,
                "status_id": document.row.status_id,
                "confidence": document.row.confidence,
                "chars": len(document.raw_text or ""),
                "boosted_chars": len(document.boosted_text or ""),
            }
            for document in result.documents
        ],
    }


def show_demo(result: DemoResult) -> None:
    """Show the documents, the sums, and one text before and after the rules."""
    out = output_console()
    shown = table("Documents", "source", "number", "circonscription", "status>", "conf>", "chars>")
    for document in result.documents:
        row = document.row
        shown.add_row(
            cell(row.source),
            cell(row.document_number),
            cell(row.circonscription),
            cell(row.status_id, style="green" if row.status_id == 5 else "bold red"),
            cell(None if row.confidence is None else f"{row.confidence:.1f}"),
            cell(len(document.raw_text or "")),
        )
    out.print(shown)
    out.print(_side_by_side(result.example))
    out.print(summary_line(result.summary))
    if not result.complete:
        out.print(Text("Not every document was read: registre queue check", "bold red"))


def _side_by_side(document: QueueDocument) -> Table:
    """Return the raw and the boosted text beside each other, the changed lines among them."""
    raw = (document.raw_text or "").splitlines()
    boosted = (document.boosted_text or "").splitlines()
    pairs = list(zip(raw, boosted, strict=False))
    first = next((n for n, (a, b) in enumerate(pairs) if a != b), 0)
    start = max(min(first - 3, len(pairs) - _EXAMPLE_LINES), 0)
    shown = table(f"{document.row.source} {document.row.document_number}", "raw*", "boosted*")
    for before, after in pairs[start : start + _EXAMPLE_LINES]:
        if not before and not after:
            continue
        changed = before != after
        shown.add_row(
            cell(before, style="red" if changed else ""),
            cell(after, style="green" if changed else ""),
        )
    return shown
