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
# What libpq adds to each failure: a question, where the line before has the answer.
_LIBPQ_QUESTION = "Is the server running"
_LIBPQ_PREFIXES = ("connection failed: ", "connection is bad: ")


def connect(
    dsn: SecretStr, *, application_name: str = "registre", keep_plans: bool = False
) -> Connection:
    """Open an autocommit connection.

    `keep_plans` is for whoever runs the same few statements all day: the server parses and
    plans them once, except behind a transaction pooler, where nothing can be kept.

    Raises ConfigurationError for a wrong DSN, password, role or database and
    UnreachableError where nothing answers; neither message holds the password.
    """
    _require_dsn(dsn)
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


def _require_dsn(dsn: SecretStr) -> None:
    """Refuse what libpq would quote in its complaint, password and all."""
    fix = "write it as postgresql://user:password@host:5432/database"
    try:
        host = str(conninfo_to_dict(dsn.get_secret_value()).get("host") or "")
    except psycopg.ProgrammingError:
        raise ConfigurationError("the database URL is not a PostgreSQL DSN", fix=fix) from None
    # Only the address of an abstract socket may hold one, as its first character.
    if "@" in host[1:]:
        raise ConfigurationError(
            "the database URL has an @ within its user or password",
            fix=f"{fix}, with %40 for an @ in the password",
        )


def explain(error: psycopg.Error) -> RegistreError:
    """Turn an error of the connection into one that a person can act on."""
    said = _told(error)
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


def _told(error: psycopg.Error) -> str:
    """Return the one line of an error that says what happened, and where."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(_LIBPQ_QUESTION)]
    said = telling[-1] if telling else type(error).__name__
    for prefix in _LIBPQ_PREFIXES:
        said = said.removeprefix(prefix)
    return said
