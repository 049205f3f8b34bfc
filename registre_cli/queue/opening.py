"""Choosing environments, and opening one's queue, for a person's command."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from registre_cli.core.errors import ConfigurationError, ProblemFoundError
from registre_cli.core.settings import Environment, Settings
from registre_cli.queue.connection import Connection, connect, explain
from registre_cli.queue.migrate import schema_is_current


def choose_environments(settings: Settings, asked: Sequence[str]) -> tuple[Environment, ...]:
    """Return the configured environments, or those asked for, enabled or not.

    Raises ConfigurationError where one that is asked for has no database.
    """
    if not asked:
        return settings.environments
    by_name = {environment.name: environment for environment in settings.environments}
    for name in asked:
        if name not in by_name:
            raise ConfigurationError(
                f"the environment {name} has no database", fix=f"set {name.upper()}_DATABASE_URL"
            )
    return tuple(environment for name, environment in by_name.items() if name in asked)


@contextmanager
def open_queue(environment: Environment) -> Iterator[Connection]:
    """Yield a connection to a queue that has our schema.

    Raises ConfigurationError where the schema lacks our changes or the server refuses us,
    UnreachableError where it does not answer or leaves, ProblemFoundError without the rights.
    """
    assert environment.database_url is not None
    try:
        with connect(environment.database_url) as connection:
            if not schema_is_current(connection):
                raise ConfigurationError(
                    f"the database of {environment.name} lacks changes that we need",
                    fix=f"registre db migrate --env {environment.name}",
                )
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise ProblemFoundError(
            f"{environment.name}: {error.diag.message_primary}",
            fix="GRANT SELECT, INSERT, UPDATE ON extraction_queue to the user of the DSN",
        ) from None
    except psycopg.errors.CheckViolation as error:
        raise ProblemFoundError(
            f"{environment.name}: the table refuses that: {error.diag.message_primary}",
            fix="see the table's own checks",
        ) from None
    except psycopg.OperationalError as error:
        raise explain(error) from None
