"""Options that several commands share, and the settings that come of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from registre_cli.core.settings import Settings
    from registre_cli.queue.connection import Connection

EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="Read settings from this file instead of ./.env."),
]
Environments = Annotated[
    list[str] | None,
    typer.Option("--env", help="Environment: dev, staging or prod. Repeatable; default: all."),
]


def _size(given: str | None) -> str | None:
    """Refuse what is no size as wrong usage, not as a wrong setting."""
    from registre_cli.core.errors import WrongUsageError

    if given is not None and given != "auto" and not (given.isdecimal() and int(given) > 0):
        raise WrongUsageError(
            f"--size {given} is no size: give 1 or more workers, or auto", fix="--size 2"
        )
    return given


# How many workers, or `auto`.
Size = Annotated[
    str | None,
    typer.Option("--size", callback=_size, help="How many workers, or auto."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@contextmanager
def opened(env_file: Path | None, **flags: object) -> Iterator["Settings"]:
    """Yield the settings, logging set up, the embedded servers running where they are needed."""
    from registre_cli.core.log import configure_logging
    from registre_cli.core.settings import load_settings
    from registre_cli.embedded import serving

    settings = load_settings(env_file, **flags)
    configure_logging(settings.log_level, settings.log_format)
    with serving(settings) as served:
        if served.local is not None and served.local.database_url is not None:
            # The embedded database is ours alone: it never waits for a person to migrate it.
            from registre_cli.queue.migrate import migrate

            migrate(served.local.database_url)
        yield served


@contextmanager
def one_queue(env_file: Path | None, env: str | None) -> Iterator[tuple[str, "Connection"]]:
    """Yield the one environment that is meant, and a connection to its queue."""
    from registre_cli.core.errors import WrongUsageError
    from registre_cli.queue.opening import choose_environments, open_queue

    with opened(env_file) as settings:
        environments = choose_environments(settings, [env] if env else ())
        if len(environments) > 1:
            names = ", ".join(environment.name for environment in environments)
            raise WrongUsageError(
                f"several environments are configured ({names})", fix="name one with --env"
            )
        with open_queue(environments[0]) as connection:
            yield environments[0].name, connection
