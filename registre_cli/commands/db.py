"""`registre db`: our additive schema changes."""

from typing import TYPE_CHECKING

import typer

from registre_cli.commands.options import EnvFile, Environments, Json, opened

if TYPE_CHECKING:
    from registre_cli.queue.migrate import Migration, MigrationState

app = typer.Typer(help="Our additive schema changes.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def migrate(env: Environments = None, env_file: EnvFile = None, as_json: Json = False) -> None:
    """Add the columns, indexes and the trigger that are missing; never change what is there."""
    from registre_cli.queue.migrate import migrate as apply
    from registre_cli.queue.opening import choose_environments
    from registre_cli.ui.db import show_applied

    with opened(env_file) as settings:
        applied: dict[str, tuple[Migration, ...]] = {}
        for environment in choose_environments(settings, env or ()):
            assert environment.database_url is not None
            applied[environment.name] = apply(environment.database_url)
        show_applied(applied, as_json=as_json)


@app.command()
def status(env: Environments = None, env_file: EnvFile = None, as_json: Json = False) -> None:
    """Show which changes are there. Exit 1 where one is missing."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.queue.connection import connect
    from registre_cli.queue.migrate import migration_states
    from registre_cli.queue.opening import choose_environments
    from registre_cli.ui.db import show_states

    with opened(env_file) as settings:
        states: dict[str, tuple[MigrationState, ...]] = {}
        for environment in choose_environments(settings, env or ()):
            assert environment.database_url is not None
            with connect(environment.database_url) as connection:
                states[environment.name] = migration_states(connection)
        show_states(states, as_json=as_json)
        if any(state.applied_at is None for found in states.values() for state in found):
            raise typer.Exit(ExitCode.PROBLEM)
