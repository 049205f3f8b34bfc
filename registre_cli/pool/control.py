"""A worker's end of the pipe: orders come in, reports go out, and an orphan ends."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection as Pipe
from typing import Any

import structlog

from registre_cli.core.documents import Source
from registre_cli.pool.exits import EXIT_ORPHANED
from registre_cli.pool.messages import Logged, Order, Pause, Report, SetMode, Stop, Wake

_PR_SET_PDEATHSIG = 1


class Control:
    """What the supervisor wants of this worker, kept up to date by a thread."""

    def __init__(self, pipe: Pipe, mode: Source, *, paused: bool) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self.mode = mode
        self.paused = paused
        self.stopping = False
        self._wake = threading.Event()

    def listen(self) -> None:
        """Start the thread that takes orders."""
        threading.Thread(target=self._take_orders, name="orders", daemon=True).start()

    def report(self, report: Report) -> None:
        """Tell the supervisor; without one this process ends."""
        try:
            with self._sending:
                self._pipe.send(report)
        except (BrokenPipeError, ConnectionError):
            os._exit(EXIT_ORPHANED)

    def rest(self, seconds: float) -> None:
        """Wait until there is something to look at, at most so long.

        `forget_wishes` must have been called before the fetch that found nothing: a wake-up
        that came during that fetch ends this wait at once.
        """
        self._wake.wait(seconds)

    def forget_wishes(self) -> None:
        """Call this before looking at the queue, never after."""
        self._wake.clear()

    def _take_orders(self) -> None:
        while True:
            try:
                self._obey(self._pipe.recv())
            except (EOFError, ConnectionError):
                # The supervisor is gone. Ending here, at once, is what keeps an orphan from
                # claiming and from writing; its lease ends by itself.
                os._exit(EXIT_ORPHANED)

    def _obey(self, order: Order) -> None:
        match order:
            case SetMode(mode):
                self.mode = mode
            case Pause(paused):
                self.paused = paused
            case Stop():
                self.stopping = True
            case Wake():
                pass
        self._wake.set()


def die_with_parent() -> None:
    """Let the kernel end this process when its parent, the fork server, is gone (Linux).

    The fork server ends with the supervisor; this holds even while native code keeps every
    thread of ours from running.
    """
    # A forked process inherits what keeps the fork server alive: without this it would live as
    # long as we do, and so would we while native code holds the interpreter.
    server: Any = vars(forkserver)["_forkserver"]
    if server._forkserver_alive_fd is not None:  # noqa: SLF001 - there is no public way
        os.close(server._forkserver_alive_fd)  # noqa: SLF001
        server._forkserver_alive_fd = None  # noqa: SLF001
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def log_through(report: Callable[[Report], None]) -> None:
    """Send this process' log lines to the supervisor, so that they do not tear its screen."""

    def send(
        _logger: object, level: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        fields: dict[str, Any] = dict(event)
        report(Logged(level, str(fields.pop("event")), fields))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, send])
