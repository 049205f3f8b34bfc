"""A real terminal for tests: a program in a pseudo-terminal, and the screen that it draws."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

_LOCAL_MODES = 3


class Terminal:
    """Runs a program in a terminal of its own; `lines` is what a person would see."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._reading = threading.Lock()
        self.output = b""
        self.control, self.program_side = pty.openpty()
        self._set_size(columns, rows)
        self.before = termios.tcgetattr(self.program_side)
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=self.program_side,
            stdout=self.program_side,
            stderr=self.program_side,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.program_side)

    @property
    def lines(self) -> list[str]:
        with self._reading:
            return [line.rstrip() for line in self._screen.display]

    @property
    def cursor_is_hidden(self) -> bool:
        with self._reading:
            return bool(self._screen.cursor.hidden)

    @property
    def reads_single_keys(self) -> bool:
        return not self._modes()[_LOCAL_MODES] & (termios.ICANON | termios.ECHO)

    def is_as_it_was(self) -> bool:
        return self._modes() == self.before and not self.cursor_is_hidden

    def press(self, keys: str) -> None:
        os.write(self.control, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        with self._reading:
            self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def count(self, text: str) -> int:
        """On how many lines of the screen this stands."""
        return sum(text in line for line in self.lines)

    def wait_for(self, condition: Callable[[], object], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"after {seconds:g} s: {what}:\n" + "\n".join(self.lines))
            time.sleep(0.05)

    def wait_text(self, pattern: str, seconds: float = 30) -> None:
        self.wait_for(
            lambda: any(re.search(pattern, line) for line in self.lines), pattern, seconds
        )

    def _modes(self) -> list[Any]:
        return termios.tcgetattr(self.program_side)

    def _set_size(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.control, termios.TIOCSWINSZ, size)
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def _read(self) -> None:
        while True:
            try:
                read = os.read(self.control, 65_536)
            except OSError:
                return
            with self._reading:
                self.output += read
                self._stream.feed(read)
