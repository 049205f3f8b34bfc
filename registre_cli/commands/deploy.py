"""`registre deploy`: install, start, prove healthy, or roll back."""

import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registre_cli.commands.options import Json

if TYPE_CHECKING:
    from registre_cli.deploy.service import Request
    from registre_cli.deploy.transport.base import Transport

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
        home=_posix(home),
        python=python,
        health_seconds=health_timeout,
    )
    _go(request, host, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def rollback(
    release: Annotated[
        str | None,
        typer.Option("--to", help="A release of deploy history. Default: the healthy one before."),
    ] = None,
    manager: Manager = None,
    host: Hosts = None,
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
        ecosystem=_posix(ecosystem),
        home=_posix(home),
        health_seconds=health_timeout,
        release=release,
    )
    _go(request, host, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def status(host: Hosts = None, home: Home = None, as_json: Json = False) -> None:
    """Show what runs, who deploys, and what was left behind. Exit 1 where it is not healthy."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.deploy.status import read_status
    from registre_cli.ui.deploy import show_statuses

    found = [read_status(transport, _posix(home)) for transport in _transports(host)]
    show_statuses(found, as_json=as_json)
    if not all(status.ok for status in found):
        raise typer.Exit(ExitCode.PROBLEM)


@app.command()
def history(host: Hosts = None, home: Home = None, as_json: Json = False) -> None:
    """Show every deploy that ended, and how."""
    from registre_cli.deploy.status import read_target_history
    from registre_cli.ui.deploy import show_history

    found = {t.name: read_target_history(t, _posix(home)) for t in _transports(host)}
    show_history(found, as_json=as_json)


@app.command()
def unlock(host: Hosts = None, home: Home = None) -> None:
    """Remove the lock, whoever holds it. A deploy that still lives then stops at its next step."""
    from registre_cli.deploy.status import unlock as remove
    from registre_cli.ui.deploy import show_unlocked

    for transport in _transports(host):
        show_unlocked(transport.name, remove(transport, _posix(home)))


def _go(
    request: "Request", hosts: list[str] | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Plan for every target, ask once, and take the targets one after the other."""
    from registre_cli.core.errors import ExitCode, WrongUsageError
    from registre_cli.deploy.service import prepare
    from registre_cli.ui.console import print_json
    from registre_cli.ui.deploy import (
        Progress,
        confirmed,
        outcome_document,
        plan_document,
        show_outcome,
        show_plan,
    )

    if not (dry_run or yes) and not sys.stdin.isatty():
        raise WrongUsageError("nobody is there to be asked", fix="give --yes, or --dry-run")
    transports = _transports(hosts)
    progress = Progress(several=len(transports) > 1)
    prepared = [prepare(transport, request, progress) for transport in transports]
    if dry_run and as_json:
        print_json({"plans": [plan_document(one.plan) for one in prepared]})
        return
    for one in prepared:
        show_plan(one.plan)
    if dry_run:
        return
    if not yes and not confirmed():
        raise typer.Exit(ExitCode.INTERRUPTED)
    outcomes = []
    for one in prepared:
        outcome = one.execute()
        outcomes.append((one.plan.target, outcome))
        show_outcome(one.plan.target, outcome)
        if not outcome.ok:
            break
    if as_json:
        print_json({"targets": [outcome_document(target, end) for target, end in outcomes]})
    if any(outcome.interrupted for _, outcome in outcomes):
        raise typer.Exit(ExitCode.INTERRUPTED)
    if not all(outcome.ok for _, outcome in outcomes):
        raise typer.Exit(ExitCode.PROBLEM)


def _transports(hosts: list[str] | None) -> "list[Transport]":
    from registre_cli.deploy.transport.local import LocalTransport
    from registre_cli.deploy.transport.ssh import SshTransport

    return [SshTransport(host) for host in hosts] if hosts else [LocalTransport()]


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
    # Here a relative path is ours; on another host it is seen from the account's home.
    return _posix(path.absolute() if path is not None and not hosts else path)


def _posix(path: Path | None) -> PurePosixPath | None:
    return PurePosixPath(path) if path is not None else None
