"""Waiting for new documents: LISTEN where it works."""

from collections.abc import Iterator

import psycopg
from pydantic import SecretStr

from registre_cli.queue.connection import Connection, connect, is_pooled

CHANNEL = "registre_ready"


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

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
