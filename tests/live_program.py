"""Shows a made-up pool in the live view until a key stops it: for tests in a real terminal.

live_program.py WORKERS QUEUES [lines N | crash | cpu SECONDS]
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from registre_cli.core.documents import Source
from registre_cli.core.log import get_logger
from registre_cli.limiter import EngineUsage
from registre_cli.limiter.budget import Usage
from registre_cli.pool.models import PoolStatus, QueueGlance, WorkerState, WorkerStatus
from registre_cli.ui.live import live_view

TICK_SECONDS = 0.25
ENVIRONMENTS = ("prod", "staging", "dev")
USAGE = {"tesseract": EngineUsage(Usage(3, 60), Usage(0, None), 0, 0.0)}


def workers(number: int, at: float) -> Iterator[WorkerStatus]:
    """Workers at their pages; nothing in them is random."""
    for n in range(1, number + 1):
        yield WorkerStatus(
            worker_id=f"reader-1-100-ab-w{n}.1",
            pid=1000 + n,
            mode=list(Source)[n % 2],
            state=WorkerState.IDLE if n % 5 == 0 else WorkerState.WORKING,
            environment="prod",
            document_id=str(n),
            document_number=f"{n} 234 567 [bold]\x1b[31m red",
            page=1 + n % 3,
            pages=4,
            since_seconds=round(at % 60 + n, 1),
            documents_done=3 * n,
            documents_failed=int(n % 7 == 0),
            rss_bytes=230_000_000 + n * 1_000_000,
            cpu_percent=90.0 + n % 9,
        )


def status(number: int, *, paused: bool = False, at: float = 0.0) -> PoolStatus:
    """A pool of so many workers."""
    return PoolStatus(
        pool_id="reader-1-100-ab",
        host="reader-1",
        version="0.1.0",
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        size=number,
        environments=ENVIRONMENTS,
        paused=paused,
        borrow=True,
        allocation={Source.INDEX: (number + 1) // 2, Source.ACTE: number // 2},
        workers=tuple(workers(number, at)),
        notes=("2 workers wait for room: CPU: 6 of 6.4 vCPU",),
    )


def queue(environments: int) -> tuple[QueueGlance, ...]:
    """So many environments with documents."""
    return tuple(
        QueueGlance(name, source, 1_234_567, 2, 89_012, 3)
        for name in ENVIRONMENTS[:environments]
        for source in Source
    )


def main(number: int, queues: int, what: str = "", argument: float = 0.0) -> None:
    """Be a pool until `q`."""
    paused = False
    began, computed = time.monotonic(), 0.0
    with live_view() as view:
        while True:
            before = time.process_time()
            for order in view.orders():
                if order.what == "stop":
                    return
                if order.what == "scale":
                    number = order.size or 1
                else:
                    paused = order.what == "pause"
            if what == "lines":
                for n in range(int(argument)):
                    get_logger().warning("Worker lost", reason=f"line {n} " + "x" * 150)
            at = time.monotonic() - began
            view.show(status(number, paused=paused, at=at), queue(queues), USAGE)
            computed += time.process_time() - before
            if what == "crash" and at > 1:
                raise ZeroDivisionError
            if what == "cpu" and at > argument:
                break
            time.sleep(TICK_SECONDS)
    print(f"cpu {100 * computed / (time.monotonic() - began):.2f}%")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4], *map(float, sys.argv[4:5]))
