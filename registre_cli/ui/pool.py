"""Showing pools: the live view of one, the table of all, the summary at the end."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from registre_cli.core.log import configure_logging
from registre_cli.core.text import printable
from registre_cli.limiter import EngineUsage
from registre_cli.ocr.models import Spent
from registre_cli.pool.models import PoolStatus, PoolSummary, QueueGlance, WorkerStatus
from registre_cli.ui.console import cell, duration, message_console, moment, output_console, table

_REDRAW_SECONDS = 0.5
_MEGABYTE = 1_000_000
# What the live view needs besides the rows of its tables.
_FRAME_LINES = 12
# What the other columns of the worker table take, and the least that a number needs.
_OTHER_COLUMNS = 68
_LEAST_NUMBER_COLUMNS = 8

_STATE_STYLE = {"working": "green", "limited": "yellow", "stopping": "red", "idle": "dim"}


class LiveView:
    """An observer that redraws two tables in place, at most twice a second."""

    def __init__(self) -> None:
        self._console = message_console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._next = 0.0

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(
        self,
        status: PoolStatus,
        queue: tuple[QueueGlance, ...],
        usage: Mapping[str, EngineUsage],
    ) -> None:
        """Redraw, unless that was done just now."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _REDRAW_SECONDS
        page = live_page(status, queue, usage, self._console.size)
        self._live.update(page, refresh=True)

    def write(self, line: str) -> int:
        """Take a log line and print it above the tables, so that nothing is torn."""
        if line.strip():
            self._live.console.print(Text(line.rstrip("\n")), soft_wrap=True)
        return len(line)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """Log lines here are read by a person."""
        return True


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
    """Return the live view for a screen of this size: the workers never scroll away."""
    taken = len(queue) + len(usage) + len(status.notes)
    room = max(screen.height - _FRAME_LINES - taken, 3)
    parts: list[RenderableType] = [_queue_table(queue)] if queue else []
    parts.append(_worker_table(status, room, screen.width))
    parts += [_usage_line(engine, used) for engine, used in usage.items()]
    if status.spent.tokens:
        parts.append(Text(f"this run: {_spent_words(status.spent)}"))
    parts += [Text.assemble(("! ", "bold yellow"), cell(note)) for note in status.notes]
    return Group(*parts)


def _usage_line(engine: str, used: EngineUsage) -> Text:
    """Return one engine's budget: what the last minute used, who waits, what is held."""
    line = Text.assemble(
        (f"{engine}: ", "bold"),
        f"{used.rpm.used}/{used.rpm.limit or '∞'} pages/min, ",
        f"{used.tpm.used}/{used.tpm.limit or '∞'} tokens/min",
    )
    if used.waiting:
        line.append(f", {used.waiting} waiting", "yellow")
    if used.held_seconds:
        line.append(f", held for {duration(used.held_seconds)}", "bold yellow")
    return line


def show_pools(
    pools: Sequence[PoolStatus], usage: Mapping[str, EngineUsage], console: Console | None = None
) -> None:
    """Show every pool of every host."""
    out = console or output_console()
    if not pools:
        out.print("no pool is running")
    for status in pools:
        out.print(_worker_table(status, room=1_000, width=out.width))
        if status.spent.tokens:
            out.print(f"this run: {_spent_words(status.spent)}")
        for note in status.notes:
            out.print(Text.assemble(("! ", "bold yellow"), cell(note)))
    for engine, used in usage.items():
        out.print(_usage_line(engine, used))


def pools_document(
    pools: Sequence[PoolStatus], usage: Mapping[str, EngineUsage]
) -> dict[str, object]:
    """Return the pools in the shape of the contract."""
    return {
        "pools": [{**asdict(status), "started_at": moment(status.started_at)} for status in pools],
        "limiter": {engine: asdict(used) for engine, used in usage.items()},
    }


def summary_document(summary: PoolSummary) -> dict[str, object]:
    """Return what a pool did, for scripts."""
    shown = replace(summary, halted_by=None)
    document = asdict(shown)
    del document["confidences"], document["halted_by"], document["spent"]
    return {
        **document,
        **asdict(summary.spent),
        "mean_confidence": summary.mean_confidence,
        "halted_by": summary.halted_by and printable(summary.halted_by.message),
    }


def summary_line(summary: PoolSummary) -> Text:
    """Return what a pool did, in one line."""
    mark = summary.mean_confidence
    parts = [
        f"{summary.documents_done} documents read",
        f"{summary.pages} pages{_by_engine(summary.pages_by_engine)}",
        f"{summary.seconds:.1f} s",
    ]
    if mark is not None:
        parts.append(f"mean confidence {mark:.1f}")
    if summary.spent.tokens:
        parts.append(_spent_words(summary.spent))
    if summary.given_back:
        parts.append(f"{summary.given_back} given back")
    line = Text(", ".join(parts))
    if summary.documents_failed or summary.tries_failed:
        line.append(
            f", {summary.documents_failed} failed, {summary.tries_failed} tries failed", "bold red"
        )
    return line


def _by_engine(pages: Mapping[str, int]) -> str:
    """Say who read, where it was not one engine alone."""
    if len(pages) < 2:
        return ""
    return " (" + ", ".join(f"{printable(name)} {count}" for name, count in pages.items()) + ")"


def _spent_words(spent: Spent) -> str:
    return f"{spent.tokens:,} tokens, ${spent.cost_usd:.4f}"


def _queue_table(queue: Sequence[QueueGlance]) -> Table:
    shown = table("Queue", "environment", "source", "eligible>", "reading>", "done>", "failed>")
    for glance in queue:
        shown.add_row(
            cell(glance.environment),
            cell(glance.source),
            cell(glance.eligible, style="bold" if glance.eligible else "dim"),
            cell(glance.in_progress),
            cell(glance.done),
            cell(glance.failed, style="red" if glance.failed else ""),
        )
    return shown


def _worker_table(status: PoolStatus, room: int, width: int) -> Table:
    shares = ", ".join(f"{count} {source}" for source, count in status.allocation.items())
    paused = " — PAUSED" if status.paused else ""
    title = f"Pool {status.pool_id} — {', '.join(status.environments)} — {shares}{paused}"
    shown = table(
        title, "#>", "mode", "state", "document", "page>", "for>", "done>", "failed>",
        "MB>", "CPU>",
    )  # fmt: skip
    number_columns = max(width - _OTHER_COLUMNS, _LEAST_NUMBER_COLUMNS)
    for number, worker in enumerate(status.workers[:room], start=1):
        shown.add_row(*_worker_cells(number, worker, number_columns))
    hidden = len(status.workers) - room
    if hidden > 0:
        shown.add_row(cell(f"+{hidden}"))
    return shown


def _worker_cells(number: int, worker: WorkerStatus, number_columns: int) -> list[Text]:
    return [
        cell(number),
        cell(worker.mode),
        cell(worker.state, style=_STATE_STYLE.get(str(worker.state), "")),
        cell(worker.document_number, limit=number_columns),
        cell(f"{worker.page}/{worker.pages}" if worker.pages else ""),
        cell(f"{worker.since_seconds:.0f} s"),
        cell(worker.documents_done),
        cell(worker.documents_failed, style="red" if worker.documents_failed else ""),
        cell(worker.rss_bytes // _MEGABYTE),
        cell(f"{worker.cpu_percent:.0f}%"),
    ]
