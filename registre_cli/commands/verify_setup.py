"""`registre verify-setup`: everything that the pool needs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registre_cli.commands.options import EnvFile, Environments, Json, opened

if TYPE_CHECKING:
    from registre_cli.preflight.check import CheckResult

app = typer.Typer(rich_markup_mode=None)


@app.command()
def verify_setup(
    env: Environments = None,
    strict: Annotated[bool, typer.Option("--strict", help="A warning fails too.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no server.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only checks that start so. Repeatable.")
    ] = None,
    format_: Annotated[
        Literal["text", "github", "junit"], typer.Option("--format", help="How to print.")
    ] = "text",
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="A line for each check that passed, too.")
    ] = False,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Check everything that the pool needs, each with the way to mend it. Exit 1 on a failure."""
    from registre_cli.core.errors import ConfigurationError, ExitCode, WrongUsageError
    from registre_cli.preflight.check import CheckStatus, refused
    from registre_cli.ui.preflight import show_results

    if as_json and format_ != "text":
        raise WrongUsageError("--json and --format exclude each other", fix="give one of them")
    form = "json" if as_json else format_
    try:
        results = _look(env or (), only or (), env_file, offline=offline)
    except ConfigurationError as error:
        # Whoever reads the form gets it also where there are no settings to check with.
        show_results([refused(error)], form)
        raise typer.Exit(error.exit_code) from None
    show_results(results, form, verbose=verbose)
    bad = {CheckStatus.FAIL, CheckStatus.WARN} if strict else {CheckStatus.FAIL}
    if any(result.status in bad for result in results):
        raise typer.Exit(ExitCode.PROBLEM)


def _look(
    env: Sequence[str], only: Sequence[str], env_file: Path | None, *, offline: bool
) -> "Sequence[CheckResult]":
    """Run the checks that were asked for."""
    from contextlib import nullcontext
    from functools import partial

    from registre_cli.core.errors import WrongUsageError
    from registre_cli.core.settings import load_settings
    from registre_cli.pool.overview import living_pools
    from registre_cli.preflight.check import run_checks
    from registre_cli.preflight.suite import checks_for
    from registre_cli.queue.opening import choose_environments

    with nullcontext(load_settings(env_file)) if offline else opened(env_file) as settings:
        chosen = () if offline else choose_environments(settings, env)
        every = checks_for(
            settings,
            chosen,
            env_file,
            living_pools=partial(living_pools, settings),
            offline=offline,
        )
        checks = [check for check in every if not only or check.name.startswith(tuple(only))]
        if not checks:
            raise WrongUsageError(
                "no check has such a name", fix=f"one of {', '.join(check.name for check in every)}"
            )
        return run_checks(checks)
