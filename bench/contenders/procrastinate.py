"""procrastinate, in the settings of its documentation.

Measured first, the fastest of these is used: one process a worker (beside one process with as
many concurrent jobs), jobs kept (beside deleted). LISTEN is off while a backlog is drained.
"""

import asyncio
from multiprocessing.synchronize import Barrier

import procrastinate
import psycopg

from bench.contenders.signals import Announcer

LEFT = "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))"


def install(dsn: str) -> None:
    """Make the schema."""
    with procrastinate.App(
        connector=procrastinate.SyncPsycopgConnector(conninfo=dsn)
    ).open() as app:
        app.schema_manager.apply_schema()


def fill(dsn: str, number: int) -> None:
    """Queue jobs."""
    with procrastinate.App(
        connector=procrastinate.SyncPsycopgConnector(conninfo=dsn)
    ).open() as app:
        app.configure_task("nothing").batch_defer(*[{} for _ in range(number)])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE procrastinate_jobs")


def drain(dsn: str, worker: str, ready: Barrier) -> None:
    """Run jobs until nothing is left."""
    asyncio.run(_run(dsn, ready=ready, wait=False, listen_notify=False))


def serve(dsn: str, started: str) -> None:
    """Run jobs as they come, and say when each begins."""
    asyncio.run(_run(dsn, announcer=Announcer(started), wait=True, listen_notify=True))


class Producer:
    """Queues one job at a time."""

    def __init__(self, dsn: str) -> None:
        self._app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=dsn))
        self._app.open()
        self._job = self._app.configure_task("nothing")

    def add(self) -> None:
        """Queue one."""
        self._job.defer()

    def close(self) -> None:
        """End the connection."""
        self._app.close()


async def _run(
    dsn: str,
    *,
    wait: bool,
    listen_notify: bool,
    ready: Barrier | None = None,
    announcer: Announcer | None = None,
) -> None:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    @app.task(name="nothing")
    async def nothing() -> None:
        if announcer is not None:
            announcer.say()

    async with app.open_async():
        if ready is not None:
            ready.wait()
        await app.run_worker_async(wait=wait, listen_notify=listen_notify)
