"""`registre verify-setup`: everything that the pool needs."""

from typing import Annotated, Literal

import typer

from registre_cli.commands.options import EnvFile, Environments, Json, opened

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
    from contextlib import nullcontext
    from functools import partial

    from registre_cli.core.errors import ExitCode, WrongUsageError
    from registre_cli.core.settings import load_settings
    from registre_cli.pool.check import choose_environments
    from registre_cli.pool.overview import living_pools
    from registre_cli.preflight.check import CheckStatus, run_checks
    from registre_cli.preflight.suite import checks_for
    from registre_cli.ui.preflight import show_results

    if as_json and format_ != "text":
        raise WrongUsageError("--json and --format exclude each other", fix="give one of them")
    with nullcontext(load_settings(env_file)) if offline else opened(env_file) as settings:
        chosen = () if offline else choose_environments(settings, env or ())
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
        results = run_checks(checks)
    show_results(results, "json" if as_json else format_, verbose=verbose)
    bad = {CheckStatus.FAIL, CheckStatus.WARN} if strict else {CheckStatus.FAIL}
    if any(result.status in bad for result in results):
        raise typer.Exit(ExitCode.PROBLEM)
