"""`registre deploy`: install, start, prove healthy, or roll back."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from registre_cli.commands.options import Json

if TYPE_CHECKING:
    from registre_cli.core.errors import RegistreError
    from registre_cli.deploy.service import Request
    from registre_cli.deploy.transport.base import Transport

Answer = TypeVar("Answer")

app = typer.Typer(
    help="Install a release, start its pool, prove it healthy, or roll back.",
    add_completion=False,
    rich_markup_mode=None,
)

Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="user@server, through ssh. Repeatable; default: this host."),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder on the target. Default: REGISTRE_HOME there."),
]
Manager = Annotated[
    Literal["pm2", "systemd"] | None,
    typer.Option("--manager", help="pm2 or systemd. Default: that of the last deploy, then pm2."),
]
Ecosystem = Annotated[
    Path | None,
    typer.Option(
        "--ecosystem",
        help="The target's ecosystem.config.js. Default here: the one in this folder, if any.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print each step, from what to what; change nothing.")
]
Parallel = Annotated[
    int,
    typer.Option("--parallel", min=1, help="Hosts at once, after the first one is healthy."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needed where nobody can answer.")]
HealthTimeout = Annotated[
    float,
    typer.Option("--health-timeout", min=1, help="Seconds that the pool has to prove itself."),
]


@app.callback(invoke_without_command=True)
def deploy(
    context: typer.Context,
    manager: Manager = None,
    host: Hosts = None,
    parallel: Parallel = 1,
    dry_run: DryRun = False,
    yes: Yes = False,
    health_timeout: HealthTimeout = 30.0,
    wheel: Annotated[
        Path | None,
        typer.Option("--wheel", help="The wheel, or a project's folder. Default: this checkout."),
    ] = None,
    env_file: Annotated[
        Path | None,
        typer.Option(
            "--env-file",
            help="The pool's settings on the target. Default: those of the running release.",
        ),
    ] = None,
    ecosystem: Ecosystem = None,
    home: Home = None,
    python: Annotated[
        str, typer.Option("--python", help="The target's Python, 3.11 or later.")
    ] = "python3",
    as_json: Json = False,
) -> None:
    """Install a release, start its pool, prove it healthy, or roll back. Exit 1 if it failed."""
    if context.invoked_subcommand is not None:
        return
    from registre_cli.deploy.journal import Kind
    from registre_cli.deploy.service import Request
    from registre_cli.deploy.wheel import take_wheel

    request = Request(
        kind=Kind.DEPLOY,
        wheel=take_wheel(wheel),
        settings=_settings(env_file),
        manager=manager,
        ecosystem=_ecosystem(ecosystem, host),
        home=_on_target(home, host),
        python=python,
        health_seconds=health_timeout,
    )
    _go(request, host or (), parallel, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def rollback(
    release: Annotated[
        str | None,
        typer.Option("--to", help="A release of deploy history. Default: the healthy one before."),
    ] = None,
    manager: Manager = None,
    host: Hosts = None,
    parallel: Parallel = 1,
    dry_run: DryRun = False,
    yes: Yes = False,
    health_timeout: HealthTimeout = 30.0,
    ecosystem: Ecosystem = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Go back to the release before; a deploy that was killed is undone first and only."""
    from registre_cli.deploy.journal import Kind
    from registre_cli.deploy.service import Request

    request = Request(
        kind=Kind.ROLLBACK,
        manager=manager,
        ecosystem=_on_target(ecosystem, host),
        home=_on_target(home, host),
        health_seconds=health_timeout,
        release=release,
    )
    _go(request, host or (), parallel, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def status(host: Hosts = None, home: Home = None, as_json: Json = False) -> None:
    """Show what runs, who deploys, and what was left behind. Exit 1 where it is not healthy."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.deploy.status import read_status
    from registre_cli.ui.deploy import show_statuses

    found, errors = _ask(host, lambda transport: read_status(transport, _on_target(home, host)))
    show_statuses(list(found.values()), as_json=as_json)
    _tell(errors)
    if not all(status.ok for status in found.values()):
        raise typer.Exit(ExitCode.PROBLEM)


@app.command()
def history(host: Hosts = None, home: Home = None, as_json: Json = False) -> None:
    """Show every deploy that ended, and how."""
    from registre_cli.deploy.status import read_target_history
    from registre_cli.ui.deploy import show_history

    found, errors = _ask(
        host, lambda transport: read_target_history(transport, _on_target(home, host))
    )
    show_history(found, as_json=as_json)
    _tell(errors)


@app.command()
def unlock(host: Hosts = None, home: Home = None) -> None:
    """Remove the lock, whoever holds it. A deploy that still lives then stops at its next step."""
    from registre_cli.deploy.status import unlock as remove
    from registre_cli.ui.deploy import show_unlocked

    removed, errors = _ask(host, lambda transport: remove(transport, _on_target(home, host)))
    for name, lock in removed.items():
        show_unlocked(name, lock)
    _tell(errors)


def _go(
    request: "Request",
    hosts: Sequence[str],
    parallel: int,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Plan for every target, ask once, and take them: the first one alone, then the others."""
    from registre_cli.core.errors import ExitCode, WrongUsageError
    from registre_cli.deploy.hosts import Fleet
    from registre_cli.deploy.transport.opening import open_transports
    from registre_cli.ui.console import print_json
    from registre_cli.ui.deploy import Progress, confirmed, plan_document, show_plan
    from registre_cli.ui.hosts import host_document, show_end, show_hosts

    if not (dry_run or yes) and not sys.stdin.isatty():
        raise WrongUsageError("nobody is there to be asked", fix="give --yes, or --dry-run")
    with open_transports(hosts) as transports:
        progress = Progress(several=len(transports) > 1)
        fleet = Fleet(transports, request, progress, parallel=parallel)
        if dry_run and as_json:
            print_json({"plans": [plan_document(plan) for plan in fleet.plans]})
            return
        for plan in fleet.plans:
            show_plan(plan)
        if dry_run:
            return
        if not yes and not confirmed():
            raise typer.Exit(ExitCode.INTERRUPTED)
        results = fleet.roll_out(show_end)
    if as_json:
        print_json({"targets": [host_document(result) for result in results]})
    elif len(results) > 1:
        show_hosts(results)
    if any(result.interrupted for result in results):
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not all(result.ok for result in results):
        raise typer.Exit(ExitCode.PROBLEM)


def _ask(
    hosts: list[str] | None, question: Callable[["Transport"], Answer]
) -> tuple[dict[str, Answer], "dict[str, RegistreError]"]:
    from registre_cli.deploy.hosts import ask_each
    from registre_cli.deploy.transport.opening import open_transports

    with open_transports(hosts or ()) as transports:
        return ask_each(transports, question)


def _tell(errors: "dict[str, RegistreError]") -> None:
    """Say what was wrong with the hosts that gave no answer, and end with the first one's code."""
    from registre_cli.ui.console import show_error

    for error in errors.values():
        show_error(error)
    for error in errors.values():
        raise typer.Exit(error.exit_code)


def _settings(env_file: Path | None) -> bytes | None:
    if env_file is None:
        return None
    from registre_cli.core.errors import ConfigurationError

    try:
        return env_file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"--env-file {env_file}: {error.strerror}", fix="give the path of a file"
        ) from None


def _ecosystem(path: Path | None, hosts: list[str] | None) -> PurePosixPath | None:
    default = Path("ecosystem.config.js")
    if path is None and not hosts and default.is_file():
        path = default
    return _on_target(path, hosts)


def _on_target(path: Path | None, hosts: list[str] | None) -> PurePosixPath | None:
    """Return a path as the target sees it: a relative one is of this folder, or of its account."""
    if path is None:
        return None
    return PurePosixPath(path if hosts else path.absolute())
