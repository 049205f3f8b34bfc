"""Waiting for new documents: LISTEN where it works."""

from collections.abc import Iterator

import psycopg
from pydantic import SecretStr

from registre_cli.queue.connection import Connection, connect, is_pooled
from registre_cli.queue.watchdog import WATCHDOG

CHANNEL = "registre_ready"
_SIGN_OF_LIFE_SECONDS = 10.0


class Listener:
    """A connection of its own that hears of new documents.

    `works` is false behind a transaction pooler, where LISTEN would hear nothing: there the
    pool polls. Raises UnreachableError or ConfigurationError like `connect`.
    """

    def __init__(self, dsn: SecretStr) -> None:
        self._connection: Connection = connect(dsn, application_name="registre listen")
        self.works = not is_pooled(self._connection)
        if self.works:
            self._connection.execute(f"LISTEN {CHANNEL}")

    def fileno(self) -> int:
        """Return the socket, for a wait on several things at once."""
        return self._connection.fileno()

    def heard(self, timeout_seconds: float = 0) -> bool:
        """Wait for messages, at most so long, and take all of them.

        Raises `psycopg.OperationalError` where the connection is lost: whoever waits must
        look at the queue then, for a message may have been missed.
        """
        messages: Iterator[psycopg.Notify] = self._connection.notifies(
            timeout=timeout_seconds, stop_after=1
        )
        return any(True for _ in messages)

    def is_alive(self) -> bool:
        """Ask the server for a sign of life; a connection that only seems to live hears nothing."""
        try:
            with WATCHDOG.guard(self._connection, _SIGN_OF_LIFE_SECONDS):
                self._connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
