"""The live view of one pool: tables in place, log lines above them, keys that order it about."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

from rich.console import (
    Console,
    ConsoleDimensions,
    ConsoleOptions,
    Group,
    RenderableType,
    RenderResult,
)
from rich.live import Live
from rich.text import Text

from registre_cli.core.log import configure_logging
from registre_cli.limiter import EngineUsage
from registre_cli.pool.models import PoolStatus, QueueGlance
from registre_cli.pool.orders import PoolOrder
from registre_cli.ui.console import message_console
from registre_cli.ui.keyboard import Keyboard, in_foreground
from registre_cli.ui.pool import (
    note_line,
    pool_title,
    queue_table,
    spent_words,
    usage_line,
    worker_table,
)

_SOONEST_REDRAW_SECONDS = 0.25
# Of one processor, for drawing: a large view on a slow machine is drawn less often.
_PROCESSOR_SHARE = 0.012
_KEPT_LINES = 500
# A table needs so many lines besides its rows.
_TABLE_LINES = 4
_FEWEST_WORKERS = 4
_MOST_NOTES = 3
_KEYS = "q stop   p pause or resume   + - one worker more or less"


class _Page:
    """What is live; its content is looked up whenever the screen is drawn."""

    def __init__(self) -> None:
        self.content: RenderableType = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.content


class LiveView:
    """An observer that redraws in place, at most four times a second.

    Nothing is drawn and no key is read while another job has the terminal.
    """

    def __init__(self) -> None:
        self._console = message_console()
        self._keyboard = Keyboard(self._start_anew)
        self._page = _Page()
        self._live: Live | None = None
        self._size: ConsoleDimensions | None = None
        self._open = False
        self._pressed = False
        self._drawn_at = 0.0
        self._pause_seconds = _SOONEST_REDRAW_SECONDS
        self._status: PoolStatus | None = None
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._lost_lines = 0
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        self._keyboard.__enter__()
        self._open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as last:
            last.callback(self._keyboard.__exit__, kind, error, trace)
            self._open = False
            if self._live is not None and self._may_draw():
                self._live.stop()
            self._print_lines()

    def show(
        self,
        status: PoolStatus,
        queue: tuple[QueueGlance, ...],
        usage: Mapping[str, EngineUsage],
    ) -> None:
        """Redraw, unless that was done just now."""
        self._status = status
        since = time.monotonic() - self._drawn_at
        # The answer to a key does not wait.
        if since < (_SOONEST_REDRAW_SECONDS if self._pressed else self._pause_seconds):
            return
        self._drawn_at = time.monotonic()
        self._pressed = False
        if not self._may_draw():
            self._print_lines()
            return
        before = time.thread_time()
        self._draw(status, queue, usage)
        cost = time.thread_time() - before
        self._pause_seconds = max(_SOONEST_REDRAW_SECONDS, cost / _PROCESSOR_SHARE)

    def orders(self) -> Sequence[PoolOrder]:
        """Return what the keys ask of the pool."""
        if self._status is None:
            return ()
        orders: list[PoolOrder] = []
        size, paused = self._status.size, self._status.paused
        for key in self._keyboard.pressed():
            if key == "q":
                orders.append(PoolOrder("stop"))
            elif key == "p":
                orders.append(PoolOrder("resume" if paused else "pause"))
                paused = not paused
            elif key in "+-" and (key == "+" or size > 1):
                size += 1 if key == "+" else -1
                orders.append(PoolOrder("scale", size))
        self._pressed = self._pressed or bool(orders)
        return orders

    def write(self, line: str) -> int:
        """Take a log line; it is printed above the tables with the next redraw."""
        if line.strip():
            with self._writing:
                self._lost_lines += len(self._lines) == _KEPT_LINES
                self._lines.append(line.rstrip("\n"))
        if not self._open:
            self._print_lines()
        return len(line)

    def flush(self) -> None:
        """Nothing is kept back for long."""

    def isatty(self) -> bool:
        """Log lines here are read by a person."""
        return True

    def _draw(
        self,
        status: PoolStatus,
        queue: tuple[QueueGlance, ...],
        usage: Mapping[str, EngineUsage],
    ) -> None:
        live = self._screen()
        self._page.content = live_page(status, queue, usage, self._console.size)
        # Printing draws what is live anew below the lines: one redraw for both.
        if not self._print_lines():
            live.refresh()

    def _may_draw(self) -> bool:
        """Whether the screen is ours; a stream without a descriptor is no job's terminal."""
        try:
            return in_foreground(self._console.file.fileno())
        except (OSError, ValueError):
            return False

    def _screen(self) -> Live:
        """Return the live part of the screen: begun anew where its size has changed."""
        if self._live is not None and self._size == self._console.size:
            return self._live
        if self._live is not None:
            # Its lines were broken anew: where it began is unknown.
            self._live.stop()
            self._console.clear()
        self._size = self._console.size
        self._live = Live(self._page, console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        return self._live

    def _start_anew(self) -> None:
        """Others have written on the screen."""
        self._size = None

    def _print_lines(self) -> bool:
        with self._writing:
            lines, lost = list(self._lines), self._lost_lines
            self._lines.clear()
            self._lost_lines = 0
        if lost:
            lines.insert(0, f"… {lost} lines more")
        if lines:
            self._console.print(Text("\n".join(lines)), soft_wrap=True)
        return bool(lines)


@contextmanager
def live_view() -> Iterator[LiveView]:
    """Show the tables while this lasts; above them only what a person must know."""
    with LiveView() as view:
        configure_logging("warning", "console", view)
        yield view


def live_page(
    status: PoolStatus,
    queue: Sequence[QueueGlance],
    usage: Mapping[str, EngineUsage],
    screen: ConsoleDimensions,
) -> RenderableType:
    """Return the live view for a screen of this size: it never scrolls, the workers stay."""
    below: list[Text] = [usage_line(engine, used) for engine, used in usage.items()]
    if status.spent.tokens:
        below.append(Text(f"this run: {spent_words(status.spent)}"))
    below += _notes(status.notes)
    below.append(Text(_KEYS, style="dim"))
    # The last line stays free: a terminal scrolls when it is filled.
    room = screen.height - 1 - len(below) - _TABLE_LINES - 1
    above = queue_table(queue)
    lines_above = len(queue) + _TABLE_LINES + 1
    parts: list[RenderableType] = []
    if queue and room - lines_above >= min(len(status.workers), _FEWEST_WORKERS + 1):
        room -= lines_above
        parts.append(above)
    elif queue:
        room -= 1
        parts.append(_one_line(_queue_sum(queue)))
    parts.append(_one_line(pool_title(status)))
    parts.append(worker_table(status, max(room, 1), screen.width))
    parts += [_one_line(line) for line in below]
    return Group(*parts)


def _notes(notes: Sequence[str]) -> list[Text]:
    shown = [note_line(note) for note in notes[:_MOST_NOTES]]
    if len(notes) > _MOST_NOTES:
        shown.append(note_line(f"{len(notes) - _MOST_NOTES} notes more: registre pool status"))
    return shown


def _queue_sum(queue: Sequence[QueueGlance]) -> Text:
    return Text(
        f"Queue: {sum(glance.eligible for glance in queue)} eligible, "
        f"{sum(glance.in_progress for glance in queue)} reading, "
        f"{sum(glance.done for glance in queue)} done, "
        f"{sum(glance.failed for glance in queue)} failed"
    )


def _one_line(line: Text) -> Text:
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
