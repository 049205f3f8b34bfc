"""Looking again and again: a redrawn screen on a terminal, one block after another elsewhere."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from registre_cli.ui.console import may_redraw, output_console

Draw = Callable[[Console], None]


@contextmanager
def watching() -> Iterator[Callable[[Draw], None]]:
    """Yield a function that shows what a drawing prints in place of the last one."""
    console = output_console()
    if not may_redraw(console):
        yield lambda draw: draw(console)
        return
    with Live(console=console, auto_refresh=False, screen=True) as live:

        def redraw(draw: Draw) -> None:
            drawn = io.StringIO()
            page = Console(
                file=drawn,
                force_terminal=True,
                width=console.width,
                highlight=False,
                markup=False,
            )
            draw(page)
            live.update(Text.from_ansi(drawn.getvalue()), refresh=True)

        yield redraw
