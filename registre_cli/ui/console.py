"""The consoles, and the few ways in which anything of ours reaches a screen."""

import json
import os
import sys

from rich.console import Console
from rich.text import Text

from registre_cli.core.errors import RegistreError
from registre_cli.core.text import printable


def output_console() -> Console:
    """Return the console for results (stdout); colour only where the contract allows it."""
    return Console(file=sys.stdout, highlight=False, markup=False, no_color=_no_color())


def message_console() -> Console:
    """Return the console for messages and progress (stderr)."""
    return Console(file=sys.stderr, highlight=False, markup=False, no_color=_no_color())


def may_redraw(console: Console) -> bool:
    """Whether a live display is right here: a terminal that can move its cursor."""
    return console.is_terminal and not console.is_dumb_terminal and not _no_color()


def cell(value: object, *, limit: int | None = None, style: str = "") -> Text:
    """Return any value as harmless text for a table; `None` is an empty cell."""
    return Text("" if value is None else printable(str(value), limit=limit), style=style)


def print_json(document: object) -> None:
    """Print one JSON document on stdout and nothing else there."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")


def show_error(error: RegistreError) -> None:
    """Say on stderr what went wrong and how to mend it."""
    console = message_console()
    console.print(Text.assemble(("Error: ", "bold red"), printable(error.message)), soft_wrap=True)
    if error.fix:
        console.print(Text.assemble(("  fix: ", "bold"), printable(error.fix)), soft_wrap=True)


def _no_color() -> bool:
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
