"""Signals and news from other threads, as something that a loop can wait for."""

import contextlib
import signal
import socket
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Counts the requests to stop; `reader` becomes readable on each, and on `news()`."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self.stops_asked = 0
        self._news = False
        self._before: dict[signal.Signals, Any] = {}

    def news(self) -> None:
        """Say from any thread that there may be work."""
        self._news = True
        self._ring()

    def take_news(self) -> bool:
        """Return whether there was news since the last time, and forget it."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4096):
                pass
        # Forgotten before the queue is looked at: what comes meanwhile is news again.
        news, self._news = self._news, False
        return news

    def ask_to_stop(self) -> None:
        """Ask as a signal would."""
        self.stops_asked += 1
        self._ring()

    @contextlib.contextmanager
    def blocked(self) -> Iterator[None]:
        """Hold signals back while a process is being started."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def __enter__(self) -> Self:
        for number in _STOPPING:
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.reader.close()
        self._writer.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.ask_to_stop()

    def _ring(self) -> None:
        # A full buffer means that the loop has not looked yet: it will.
        with contextlib.suppress(BlockingIOError, OSError):
            self._writer.send(b"!")
