"""Showing pools: the table of all, the summary at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from registre_cli.core.text import printable
from registre_cli.limiter import EngineUsage
from registre_cli.ocr.models import Spent
from registre_cli.pool.models import PoolStatus, PoolSummary, QueueGlance, WorkerStatus
from registre_cli.ui.console import cell, duration, moment, output_console, table

_MEGABYTE = 1_000_000
# What the other columns of the worker table take, and the least that a number needs.
_OTHER_COLUMNS = 68
_LEAST_NUMBER_COLUMNS = 8

_STATE_STYLE = {"working": "green", "limited": "yellow", "stopping": "red", "idle": "dim"}


def usage_line(engine: str, used: EngineUsage) -> Text:
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


def note_line(note: str) -> Text:
    """Return what a person must know, in one line."""
    return Text.assemble(("! ", "bold yellow"), cell(note))


def show_pools(
    pools: Sequence[PoolStatus], usage: Mapping[str, EngineUsage], console: Console | None = None
) -> None:
    """Show every pool of every host."""
    out = console or output_console()
    if not pools:
        out.print("no pool is running")
    for status in pools:
        out.print(pool_title(status))
        out.print(worker_table(status, room=1_000, width=out.width))
        if status.spent.tokens:
            out.print(f"this run: {spent_words(status.spent)}")
        for note in status.notes:
            out.print(note_line(note))
    for engine, used in usage.items():
        out.print(usage_line(engine, used))


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
        parts.append(spent_words(summary.spent))
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


def spent_words(spent: Spent) -> str:
    """Return what engines have cost."""
    return f"{spent.tokens:,} tokens, ${spent.cost_usd:.4f}"


def queue_table(queue: Sequence[QueueGlance]) -> Table:
    """Return where the documents stand."""
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


def pool_title(status: PoolStatus) -> Text:
    """Return who a pool is and how many of its workers run."""
    shares = ", ".join(f"{count} {source}" for source, count in status.allocation.items())
    size = f"{len(status.workers)} of {status.size} workers"
    title = Text.assemble(("PAUSED ", "bold yellow") if status.paused else "", ("Pool ", "bold"))
    return title.append_text(
        cell(f"{status.pool_id} — {', '.join(status.environments)} — {size} ({shares})")
    )


def worker_table(status: PoolStatus, room: int, width: int) -> Table:
    """Return the workers in at most `room` rows, fit for a screen of `width` columns."""
    shown = table(
        "", "#>", "mode", "state", "document", "page>", "for>", "done>", "failed>", "MB>", "CPU>"
    )
    shown.title = None
    if len(status.workers) > room:
        room -= 1
    number_columns = max(width - _OTHER_COLUMNS, _LEAST_NUMBER_COLUMNS)
    for number, worker in enumerate(status.workers[:room], start=1):
        shown.add_row(*_worker_cells(number, worker, number_columns))
    hidden = len(status.workers) - room
    if hidden > 0:
        shown.add_row(cell(f"+{hidden}"), cell("more"))
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
