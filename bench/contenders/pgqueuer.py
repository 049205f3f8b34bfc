"""pgqueuer, in the settings of its tuning guide: asyncpg on one connection, uvloop, `autovac`.

The durability is its default, the same as ours: what is completed survives a power cut.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from multiprocessing.synchronize import Barrier

import asyncpg
import psycopg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, SyncPsycopgDriver
from pgqueuer.queries import Queries, SyncQueries
from pgqueuer.types import QueueExecutionMode

from bench.contenders.signals import Announcer

LEFT = "SELECT EXISTS (SELECT FROM pgqueuer)"
BATCH = 500


def install(dsn: str) -> None:
    """Make the schema, with the recommended settings for its vacuum."""

    async def make(queries: Queries) -> None:
        await queries.install()
        await queries.optimize_autovacuum()

    asyncio.run(_with_queries(dsn, make))


def fill(dsn: str, number: int) -> None:
    """Queue jobs."""

    async def enqueue(queries: Queries) -> None:
        await queries.enqueue(["nothing"] * number, [None] * number, [0] * number)

    asyncio.run(_with_queries(dsn, enqueue))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE pgqueuer")


def drain(dsn: str, worker: str, ready: Barrier, batch: int = 1) -> None:
    """Run jobs until nothing is left, `batch` of them a fetch."""
    uvloop.run(_run(dsn, QueueExecutionMode.drain, batch, before=ready.wait))


drain_in_batches = partial(drain, batch=BATCH)


def serve(dsn: str, started: str) -> None:
    """Run jobs as they come, and say when each begins."""
    announcer = Announcer(started)
    uvloop.run(_run(dsn, QueueExecutionMode.continuous, 1, on_job=announcer.say))


class Producer:
    """Queues one job at a time."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._queries = SyncQueries(SyncPsycopgDriver(self._connection))

    def add(self) -> None:
        """Queue one."""
        self._queries.enqueue("nothing", None)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


async def _with_queries(dsn: str, do: Callable[[Queries], Coroutine[None, None, None]]) -> None:
    connection = await asyncpg.connect(dsn)
    await do(Queries(AsyncpgDriver(connection)))
    await connection.close()


async def _run(
    dsn: str,
    mode: QueueExecutionMode,
    batch: int,
    *,
    before: Callable[[], object] = lambda: None,
    on_job: Callable[[], None] = lambda: None,
) -> None:
    queuer = PgQueuer.from_asyncpg_connection(await asyncpg.connect(dsn))

    @queuer.entrypoint("nothing")
    async def nothing(_job: object) -> None:
        on_job()

    before()
    await queuer.run(batch_size=batch, mode=mode)
