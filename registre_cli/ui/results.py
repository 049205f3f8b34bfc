"""Saying what a repair did."""

from collections.abc import Sequence

from registre_cli.ui.console import cell, output_console, print_json


def show_ids(what: str, ids: Sequence[str], *, as_json: bool) -> None:
    """Print the ids that were touched, one a line."""
    if as_json:
        print_json({"result": what, "ids": list(ids)})
        return
    out = output_console()
    for document_id in ids:
        out.print(cell(f"{document_id} {what}"), soft_wrap=True)
    if not ids:
        out.print(cell(f"no document {what}"))
