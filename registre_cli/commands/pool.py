"""`registre pool`: run the workers, and see every pool."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registre_cli.commands.options import EnvFile, Environments, Json, Size, opened

if TYPE_CHECKING:
    from registre_cli.core.settings import Settings
    from registre_cli.pool.options import Observer

Pools = Annotated[
    list[str] | None,
    typer.Option("--pool", help="A pool's id, from pool status; repeatable. Default: every pool."),
]

app = typer.Typer(
    help="Run the workers, and see every pool of every host.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def run(
    size: Size = None,
    min_index: Annotated[
        int | None, typer.Option("--min-index", min=0, help="Workers kept for index.")
    ] = None,
    min_acte: Annotated[
        int | None, typer.Option("--min-acte", min=0, help="Workers kept for acte.")
    ] = None,
    env: Environments = None,
    burst: Annotated[bool, typer.Option("--burst", help="End when nothing is eligible.")] = False,
    max_documents: Annotated[
        int | None, typer.Option("--max-documents", min=1, help="End after so many claims.")
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            metavar="USD",
            min=0,
            help="Stop before this run's engines would cost more, in US dollars.",
        ),
    ] = None,
    borrow: Annotated[
        bool,
        typer.Option("--borrow/--no-borrow", help="May a worker help the other mode when idle."),
    ] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Run every worker, even beyond the declared limits.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON at the end.")
    ] = False,
    env_file: EnvFile = None,
) -> None:
    """Read documents until told to stop: SIGTERM or Ctrl-C ends after the page, twice at once."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.pool.options import PoolOptions
    from registre_cli.pool.porter import RoomRules
    from registre_cli.pool.run import environments_to_serve, run_pool
    from registre_cli.ui.console import may_redraw, message_console, print_json
    from registre_cli.ui.pool import summary_document, summary_line

    flags = {
        "ocr_worker_pool_size": size,
        "ocr_min_index_workers": min_index,
        "ocr_min_acte_workers": min_acte,
    }
    with opened(env_file, **flags) as settings, _observer(settings) as observer:
        options = PoolOptions(
            environments=environments_to_serve(settings, env or ()),
            size=_size(settings),
            min_index=settings.ocr_min_index_workers,
            min_acte=settings.ocr_min_acte_workers,
            burst=burst,
            max_documents=max_documents,
            max_cost_usd=max_cost,
            borrow=borrow,
            room=RoomRules(auto=settings.ocr_worker_pool_size == "auto", force=force),
        )
        summary = run_pool(settings, options, observer)
    if as_json:
        print_json(summary_document(summary))
    elif may_redraw(message_console()):
        # Elsewhere stderr is JSON lines only, the last of which says the same.
        message_console().print(summary_line(summary))
    if summary.halted_by is not None:
        raise summary.halted_by
    if (burst or max_documents) and (summary.documents_failed or summary.tries_failed):
        raise typer.Exit(ExitCode.PROBLEM)


@app.command()
def status(as_json: Json = False, env_file: EnvFile = None) -> None:
    """Show every pool on every host, its workers and the budgets. Exit 1 where none runs."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.pool.overview import overview
    from registre_cli.ui.console import print_json
    from registre_cli.ui.pool import pools_document, show_pools

    with opened(env_file) as settings:
        pools, usage = overview(settings)
    if as_json:
        print_json(pools_document(pools, usage))
    else:
        show_pools(pools, usage)
    if not pools:
        raise typer.Exit(ExitCode.PROBLEM)


@app.command()
def pause(pools: Pools = None, as_json: Json = False, env_file: EnvFile = None) -> None:
    """Let pools take no new document; what they read is finished."""
    _order(env_file, "pause", pools, as_json=as_json)


@app.command()
def resume(pools: Pools = None, as_json: Json = False, env_file: EnvFile = None) -> None:
    """Let paused pools go on."""
    _order(env_file, "resume", pools, as_json=as_json)


@app.command()
def scale(
    size: Annotated[int, typer.Argument(min=1, metavar="N", help="How many workers.")],
    pools: Pools = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Change the size of running pools; workers too many finish their page first."""
    _order(env_file, "scale", pools, size=size, as_json=as_json)


@app.command()
def stop(pools: Pools = None, as_json: Json = False, env_file: EnvFile = None) -> None:
    """Stop pools politely: pages are finished, documents and tries given back."""
    _order(env_file, "stop", pools, as_json=as_json)


def _order(
    env_file: Path | None,
    what: Literal["pause", "resume", "scale", "stop"],
    pools: list[str] | None,
    *,
    size: int | None = None,
    as_json: bool,
) -> None:
    from registre_cli.pool.orders import PoolOrder, give_order
    from registre_cli.ui.results import show_ids

    with opened(env_file) as settings:
        told = give_order(settings, PoolOrder(what, size), pools or ())
    show_ids(f"told to {what}", told, as_json=as_json)


def _size(settings: "Settings") -> int:
    if settings.ocr_worker_pool_size == "auto":
        from registre_cli.pool.planning import size_that_fits

        return size_that_fits(settings)
    return settings.ocr_worker_pool_size


@contextmanager
def _observer(settings: "Settings") -> Iterator["Observer"]:
    """Yield the live view on a terminal, and nobody elsewhere, where JSON lines are written."""
    from registre_cli.pool.options import Nobody
    from registre_cli.ui.console import may_redraw, message_console
    from registre_cli.ui.live import live_view

    if settings.log_format == "json" or not may_redraw(message_console()):
        yield Nobody()
        return
    with live_view() as view:
        yield view
