"""The consoles, and the few ways in which anything of ours reaches a screen."""

import os
import sys
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from registre_cli.core.errors import RegistreError
from registre_cli.core.text import json_text, printable

_ID_CHARACTERS = 36


class _Output(Console):
    """A console that leaves it to the root of the program what a reader's leaving means."""

    def on_broken_pipe(self) -> None:
        """Say that the reader left, instead of ending with the exit code of a problem."""
        raise BrokenPipeError


def output_console() -> Console:
    """Return the console for results (stdout); colour only where the contract allows it."""
    return _Output(file=sys.stdout, highlight=False, markup=False, no_color=_no_color())


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
    try:
        sys.stdout.write(json_text(document, indent=2) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The parser of the command line would end with 1 where the error has its number.
        raise BrokenPipeError from None


def show_error(error: RegistreError) -> None:
    """Say on stderr what went wrong and how to mend it."""
    console = message_console()
    console.print(Text.assemble(("Error: ", "bold red"), printable(error.message)), soft_wrap=True)
    if error.fix:
        console.print(Text.assemble(("  fix: ", "bold"), printable(error.fix)), soft_wrap=True)


def _no_color() -> bool:
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def table(title: str, *columns: str) -> Table:
    """Return an empty table in the one style of all commands; numbers go to the right.

    A column named `documents>` is right-aligned, `text*` takes the space that is left.
    """
    shown = Table(
        title=cell(title) if title else None,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        shown.add_column(
            column.rstrip(">*"),
            justify="right" if column.endswith(">") else "left",
            overflow="ellipsis",
            no_wrap=not column.endswith("*"),
            # An id that is cut cannot be copied into the next command.
            min_width=_ID_CHARACTERS if column.rstrip("*") == "id" else None,
            ratio=1 if column.endswith("*") else None,
        )
    return shown


def duration(seconds: float | None) -> str:
    """Return seconds as people say them: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    if seconds is None:
        return "—"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def counted(number: int, thing: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def moment(at: datetime | None) -> str:
    """Return a time in ISO 8601, UTC, to the second."""
    if at is None:
        return "—"
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
