"""Ending a question that a silent server never answers.

Keepalives find a peer that vanished, the server's own statement time-out a slow statement. A
peer whose kernel still acknowledges while nobody answers (a frozen proxy, a stopped server
process) is found by neither: here the socket is shut down, and the question fails.
"""

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator

from registre_cli.queue.connection import STATEMENT_TIMEOUT_SECONDS, Connection

# A little longer than the server may take for a statement, and within half a minute.
ANSWER_SECONDS = STATEMENT_TIMEOUT_SECONDS + 3.0
_LOOK_SECONDS = 0.5


class Watchdog:
    """One thread a process that shuts down the sockets of questions that are overdue."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[float, int]] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def guard(self, connection: Connection, seconds: float = ANSWER_SECONDS) -> Iterator[None]:
        """Let a question on `connection` take so long; then it fails as a lost connection."""
        number = next(self._numbers)
        with self._lock:
            self._waiting[number] = (time.monotonic() + seconds, connection.fileno())
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(number, None)

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                now = time.monotonic()
                for number, (deadline, descriptor) in list(self._waiting.items()):
                    if now >= deadline:
                        del self._waiting[number]
                        _shut_down(descriptor)


def _shut_down(descriptor: int) -> None:
    """Shut the connection down without closing the number that libpq still uses."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


WATCHDOG = Watchdog()
