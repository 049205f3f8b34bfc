"""Keys of the terminal, read one by one while the program goes on."""

import contextlib
import os
import select
import signal
import sys
import termios
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_READ_BYTES = 64
_SHOW_CURSOR = b"\x1b[?25h"
# Keys that the terminal turns into signals after which somebody else writes on the screen.
_LEAVING = (signal.SIGTSTP, signal.SIGQUIT)


def in_foreground(terminal: int) -> bool:
    """Whether the terminal of this descriptor listens to us and not to another job."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        # The terminal is gone, or it is not ours.
        return False


class Keyboard:
    """Keys without Return and without echo; nothing where stdin is no terminal of ours.

    The terminal is as it was before while another job has it, while we are stopped (Ctrl-Z) and
    after the end, however that comes about. `on_return` is called after a stop.
    """

    def __init__(self, on_return: Callable[[], None]) -> None:
        self._on_return = on_return
        self._terminal: int | None = None
        self._as_it_was: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty():
            self._terminal = sys.stdin.fileno()
            self._handlers = {number: signal.signal(number, self._leave) for number in _LEAVING}
            self._take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def pressed(self) -> str:
        """Return the keys since the last time; it does not wait."""
        if self._terminal is None or not in_foreground(self._terminal):
            return ""
        self._take()
        read = b""
        with contextlib.suppress(OSError):
            while select.select([self._terminal], [], [], 0)[0]:
                more = os.read(self._terminal, _READ_BYTES)
                if not more:
                    break
                read += more
        return read.decode("ascii", "ignore")

    def _take(self) -> None:
        """Ask for single keys, where the terminal is ours and not asked yet."""
        terminal = self._terminal
        if terminal is None or self._as_it_was is not None or not in_foreground(terminal):
            return
        with contextlib.suppress(termios.error):
            before = termios.tcgetattr(terminal)
            changed = termios.tcgetattr(terminal)
            # Ctrl-C and Ctrl-Z stay signals.
            changed[3] &= ~(termios.ICANON | termios.ECHO)
            termios.tcsetattr(terminal, termios.TCSADRAIN, changed)
            self._as_it_was = before

    def _give_back(self) -> None:
        before, self._as_it_was = self._as_it_was, None
        if before is None or self._terminal is None or not in_foreground(self._terminal):
            return
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, before)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        """Do what the signal always did, with the terminal as it was meanwhile."""
        assert self._terminal is not None
        with contextlib.suppress(OSError):
            os.write(self._terminal, _SHOW_CURSOR)
        self._give_back()
        ours = signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
        # Stopped here, until somebody lets us go on.
        signal.signal(number, ours)
        self._take()
        self._on_return()
