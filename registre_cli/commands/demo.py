"""`registre demo`: the whole way on generated documents."""

from contextlib import nullcontext
from typing import Annotated

import typer

from registre_cli.commands.options import Json, opened

app = typer.Typer(rich_markup_mode=None)


@app.command()
def demo(
    size: Annotated[int, typer.Option("--size", min=1, help="How many workers.")] = 2,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Make the same documents again.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make 19 scanned-looking documents, queue them, and let a pool read them all."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.demo.scenario import prepare, read
    from registre_cli.pool.options import Nobody
    from registre_cli.ui.console import may_redraw, message_console, print_json
    from registre_cli.ui.demo import demo_document, say_step, show_demo
    from registre_cli.ui.live import live_view

    say_step("Starting the private PostgreSQL and Valkey")
    with opened(None) as settings:
        say_step("Drawing and damaging 19 documents (12 index, 7 acte)")
        ids, pages = prepare(settings, seed)
        say_step(f"Reading {pages} pages with {size} workers")
        watching = live_view() if may_redraw(message_console()) else nullcontext(Nobody())
        with watching as observer:
            result = read(settings, ids, size, observer)
    if as_json:
        print_json(demo_document(result))
    else:
        show_demo(result)
    if not result.complete:
        raise typer.Exit(ExitCode.PROBLEM)
