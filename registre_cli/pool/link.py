"""A connection to one environment that comes back by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
from pydantic import SecretStr

from registre_cli.core.errors import RegistreError, TransientDocumentError
from registre_cli.core.log import get_logger
from registre_cli.core.text import printable
from registre_cli.queue.connection import Connection, connect, explain
from registre_cli.queue.store import QueueStore
from registre_cli.queue.watchdog import WATCHDOG

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 10.0
# These mean that the connection, not the statement, is at fault.
# A server that became a stand-by (read only) will be followed by another.
_LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
)


def _never() -> bool:
    return False


class DatabaseAwayError(Exception):
    """The environment does not answer now; ask again later."""


class DatabaseRefusedError(TransientDocumentError):
    """The environment answers, and does not take what is written: a trigger, a missing right."""


class Link:
    """One environment's queue for one thread; not to be shared between threads."""

    def __init__(
        self, environment: str, dsn: SecretStr, *, purpose: str, retry_delay_base_seconds: float
    ) -> None:
        self.environment = environment
        self._dsn = dsn
        self._purpose = purpose
        self._delay = retry_delay_base_seconds
        self._connection: Connection | None = None
        self._pause_seconds = 0.0
        self._again_at = 0.0
        self.away_because: str | None = None

    def ask(self, question: Callable[[QueueStore], T]) -> T:
        """Run `question` on the queue. Raises DatabaseAwayError, and reconnects next time."""
        try:
            return self._ask(question)
        except DatabaseRefusedError as error:
            # Whoever only asks has nothing to lose: ask again when somebody mended it.
            raise self._lost(error.message) from None

    def insist(
        self, question: Callable[[QueueStore], T], *, give_up: Callable[[], bool] = _never
    ) -> T:
        """Ask until it is answered, for what must be written.

        Raises DatabaseAwayError once `give_up()` says so, DatabaseRefusedError where the server
        will not have it.
        """
        while True:
            try:
                return self._ask(question)
            except DatabaseAwayError:
                if give_up():
                    raise
                time.sleep(min(max(self._again_at - time.monotonic(), 0.05), 0.5))

    def _ask(self, question: Callable[[QueueStore], T]) -> T:
        if time.monotonic() < self._again_at:
            raise DatabaseAwayError(self.away_because)
        try:
            if self._connection is None:
                self._connection = connect(
                    self._dsn, application_name=f"registre {self._purpose}", keep_plans=True
                )
            store = QueueStore(self._connection, retry_delay_base_seconds=self._delay)
            with WATCHDOG.guard(self._connection):
                answer = question(store)
        except RegistreError as error:
            raise self._lost(error.message) from None
        except _LOST as error:
            raise self._lost(explain(error).message) from None
        except psycopg.Error as error:
            said = printable(str(error).strip().partition("\n")[0], limit=200)
            raise DatabaseRefusedError(f"the database refused: {said}") from None
        self._note_back()
        return answer

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _lost(self, reason: str) -> DatabaseAwayError:
        if self.away_because is None:
            get_logger().warning(
                "Database away", environment=self.environment, purpose=self._purpose, reason=reason
            )
        self.away_because = reason
        self.close()
        self._pause_seconds = min(
            max(self._pause_seconds * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS
        )
        self._again_at = time.monotonic() + self._pause_seconds
        return DatabaseAwayError(reason)

    def _note_back(self) -> None:
        self._pause_seconds = self._again_at = 0.0
        if self.away_because is not None:
            self.away_because = None
            get_logger().info("Database back", environment=self.environment, purpose=self._purpose)
