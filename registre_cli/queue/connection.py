"""Connections to PostgreSQL that notice a lost peer and work behind a transaction pooler."""

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from pydantic import SecretStr

from registre_cli.core.errors import ConfigurationError, RegistreError, UnreachableError

Connection = psycopg.Connection[TupleRow]

CONNECT_TIMEOUT_SECONDS = 5
# A peer that vanished without a reset is noticed after idle + count x interval at most.
_KEEPALIVES_IDLE_SECONDS = 8
_KEEPALIVES_INTERVAL_SECONDS = 4
_KEEPALIVES_COUNT = 3
_UNACKNOWLEDGED_MILLISECONDS = 20_000
STATEMENT_TIMEOUT_SECONDS = 25
# Runs of a statement after which the server keeps its plan.
_PREPARE_AFTER_RUNS = 5

_CONFIGURATION_SQLSTATES = ("28", "3D", "42501")


def connect(
    dsn: SecretStr, *, application_name: str = "registre", keep_plans: bool = False
) -> Connection:
    """Open an autocommit connection.

    `keep_plans` is for whoever runs the same few statements all day: the server parses and
    plans them once, except behind a transaction pooler, where nothing can be kept.

    Raises ConfigurationError for a wrong DSN, password, role or database and
    UnreachableError where nothing answers; neither message holds the password.
    """
    try:
        conninfo_to_dict(dsn.get_secret_value())
    except psycopg.ProgrammingError:
        # libpq quotes the text that it cannot read, password and all.
        raise ConfigurationError(
            "the database URL is not a PostgreSQL DSN",
            fix="write it as postgresql://user:password@host:5432/database",
        ) from None
    try:
        connection = psycopg.connect(
            dsn.get_secret_value(),
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            application_name=application_name,
            keepalives=1,
            keepalives_idle=_KEEPALIVES_IDLE_SECONDS,
            keepalives_interval=_KEEPALIVES_INTERVAL_SECONDS,
            keepalives_count=_KEEPALIVES_COUNT,
            tcp_user_timeout=_UNACKNOWLEDGED_MILLISECONDS,
        )
    except psycopg.OperationalError as error:
        raise explain(error) from None
    try:
        if not is_pooled(connection):
            # Behind a transaction pooler a setting would stay with somebody else's session.
            connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
            if keep_plans:
                # A plan that was made for an almost empty table would scan the table, and
                # would still do so when a million documents have come.
                connection.execute("SET enable_seqscan = off")
                connection.prepare_threshold = _PREPARE_AFTER_RUNS
    except psycopg.OperationalError as error:
        raise explain(error) from None
    return connection


def is_pooled(connection: Connection) -> bool:
    """Whether a pooler stands between: it hands out process numbers of its own.

    There LISTEN and session settings do not work reliably.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is None or row[0] != connection.info.backend_pid


def explain(error: psycopg.Error) -> RegistreError:
    """Turn an error of the connection into one that a person can act on."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    said = lines[-1] if lines else type(error).__name__
    refused = (error.sqlstate or "").startswith(_CONFIGURATION_SQLSTATES) or any(
        mark in said
        for mark in (
            "password authentication failed",
            "no password supplied",
            "does not exist",
            "no pg_hba.conf entry",
        )
    )
    if refused:
        return ConfigurationError(
            f"PostgreSQL refuses us: {said}",
            fix="correct user, password and database in the *_DATABASE_URL",
        )
    return UnreachableError(
        f"PostgreSQL cannot be reached: {said}",
        fix="check that the server runs and that the *_DATABASE_URL names its host and port",
    )
