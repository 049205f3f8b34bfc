"""Draws the picture of the live view that the README shows, from a made-up pool."""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, ConsoleDimensions

from registre_cli.core.documents import Source
from registre_cli.limiter import EngineUsage
from registre_cli.limiter.budget import Usage
from registre_cli.pool.models import PoolStatus, QueueGlance, WorkerState, WorkerStatus
from registre_cli.ui.live import live_page

PICTURE = Path(__file__).with_name("live-view.svg")
SCREEN = ConsoleDimensions(92, 24)
# No font is loaded from anywhere: whoever looks has one of fixed width.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""

_DOCUMENTS = (
    (Source.INDEX, WorkerState.WORKING, "1 234 567", 2, 3, 4.1, 18),
    (Source.INDEX, WorkerState.WORKING, "2 718 281", 1, 1, 0.9, 17),
    (Source.INDEX, WorkerState.LIMITED, "3 141 592", 3, 5, 12.3, 15),
    (Source.ACTE, WorkerState.WORKING, "25 498 107", 4, 9, 7.6, 6),
    (Source.ACTE, WorkerState.IDLE, None, 0, 0, 1.2, 8),
)


def picture() -> str:
    """Return the live view of a pool of five as SVG."""
    console = Console(
        width=SCREEN.width,
        height=SCREEN.height,
        record=True,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    console.print(live_page(_pool(), _queue(), _usage(), SCREEN))
    drawn = console.export_svg(title="registre pool run", code_format=_FORMAT, unique_id="registre")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def _pool() -> PoolStatus:
    workers = tuple(
        WorkerStatus(
            worker_id=f"reader-1-4242-c0de-w{number}.1",
            pid=4300 + number,
            mode=mode,
            state=state,
            environment=None if document is None else "prod",
            document_id=None if document is None else str(number),
            document_number=document,
            page=page,
            pages=pages,
            since_seconds=since,
            documents_done=done,
            documents_failed=0,
            rss_bytes=(210 + 7 * number) * 1_000_000,
            cpu_percent=98.0 if state is WorkerState.WORKING else 0.0,
        )
        for number, (mode, state, document, page, pages, since, done) in enumerate(_DOCUMENTS, 1)
    )
    return PoolStatus(
        pool_id="reader-1-4242-c0de",
        host="reader-1",
        version="0.1.0",
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        size=7,
        environments=("prod",),
        paused=False,
        borrow=True,
        allocation={Source.INDEX: 3, Source.ACTE: 2},
        workers=workers,
        notes=("2 workers wait for room: CPU: 6.2 of 6.4 vCPU",),
    )


def _queue() -> tuple[QueueGlance, ...]:
    return (
        QueueGlance("prod", Source.INDEX, 412, 3, 8_120, 4),
        QueueGlance("prod", Source.ACTE, 96, 1, 2_031, 0),
    )


def _usage() -> dict[str, EngineUsage]:
    return {"tesseract": EngineUsage(Usage(60, 60), Usage(0, None), 1, 0.0)}


if __name__ == "__main__":
    PICTURE.write_text(picture())
    sys.stderr.write(f"{PICTURE} is drawn\n")
