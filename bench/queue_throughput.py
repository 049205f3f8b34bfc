"""5,000 documents that need no work, claimed and completed: what the queue itself costs."""

import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import psycopg

from bench.contenders import ours, pgqueuer, procrastinate, raw
from bench.machine import versions
from bench.pairs import Spread, alternate, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres
from registre_cli.embedded.servers import PostgresServer

DOCUMENTS = 5_000
# A whole pool is some times slower, and as steady over fewer.
DOCUMENTS_OF_A_POOL = 1_000
WORKERS = (1, 4, 16)
# More workers of a whole pool than these only share cores.
POOL_SIZES = (4,)
_LOOK_SECONDS = 0.02
_LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Contender:
    """A queue and the way in which its workers take documents from it."""

    name: str
    install: Callable[[str], None]
    fill: Callable[[str, int], None]
    left: str
    drain: Callable[..., None]


OURS, RAW, POOL = "registre, one by one", "raw psycopg, one by one", "registre, a whole pool"
RAW_BATCHES = f"raw psycopg, batches of {raw.BATCH}"
PROCRASTINATE, ONE_BY_ONE, BATCHES = (
    "procrastinate, one by one",
    "pgqueuer, one by one",
    f"pgqueuer, batches of {pgqueuer.BATCH}",
)
CONTENDERS = (
    Contender(OURS, ours.install, ours.fill, ours.LEFT, ours.drain),
    Contender(RAW, ours.install, ours.fill, raw.LEFT, raw.drain),
    Contender(RAW_BATCHES, ours.install, ours.fill, raw.LEFT, raw.drain_in_batches),
    Contender(
        PROCRASTINATE,
        procrastinate.install,
        procrastinate.fill,
        procrastinate.LEFT,
        procrastinate.drain,
    ),
    Contender(ONE_BY_ONE, pgqueuer.install, pgqueuer.fill, pgqueuer.LEFT, pgqueuer.drain),
    Contender(BATCHES, pgqueuer.install, pgqueuer.fill, pgqueuer.LEFT, pgqueuer.drain_in_batches),
)


def run() -> Section:
    """Measure every queue with every number of workers."""
    measured: dict[int, dict[str, list[float]]] = {}
    with postgres() as server:
        for workers in WORKERS:
            turns: dict[str, Callable[[], float]] = {
                contender.name: partial(documents_a_second, server, contender, workers)
                for contender in CONTENDERS
            }
            if workers in POOL_SIZES:
                turns[POOL] = partial(documents_a_second_of_a_pool, server, workers)
            measured[workers] = alternate(turns)
    return _section(measured)


def documents_a_second(server: PostgresServer, contender: Contender, workers: int) -> float:
    """Drain a full queue with processes that are ready before the clock starts."""
    # A fork server that has loaded every queue: sixteen starts would take longer than the work.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(
        [module.__name__ for module in (ours, raw, procrastinate, pgqueuer)]
    )
    with database(server) as dsn:
        contender.install(dsn)
        contender.fill(dsn, DOCUMENTS)
        ready = processes.Barrier(workers + 1)
        crew = [
            processes.Process(target=contender.drain, args=(dsn, f"w{number}", ready))
            for number in range(workers)
        ]
        for process in crew:
            process.start()
        with psycopg.connect(dsn, autocommit=True) as watching:
            ready.wait()
            started = time.perf_counter()
            while watching.execute(contender.left).fetchone() == (True,):
                if time.perf_counter() - started > _LONGEST_SECONDS:
                    sys.exit(f"{contender.name}: not done after {_LONGEST_SECONDS:.0f} s")
                time.sleep(_LOOK_SECONDS)
            seconds = time.perf_counter() - started
        for process in crew:
            process.join()
    return DOCUMENTS / seconds


def documents_a_second_of_a_pool(server: PostgresServer, size: int) -> float:
    """Drain a full queue with a pool; from its first claim to its last result."""
    processes = multiprocessing.get_context("spawn")
    with database(server) as dsn:
        ours.install(dsn)
        ours.fill(dsn, DOCUMENTS_OF_A_POOL)
        pool = processes.Process(target=ours.drain_with_pool, args=(dsn, size))
        pool.start()
        pool.join()
        with psycopg.connect(dsn) as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE status_id = 5), extract(epoch FROM"
                " max(ocr_completed_at) - min(ocr_started_at))::float8 FROM extraction_queue"
            ).fetchone()
    assert row is not None
    if row[0] != DOCUMENTS_OF_A_POOL:
        sys.exit(f"the pool completed {row[0]} of {DOCUMENTS_OF_A_POOL}")
    return DOCUMENTS_OF_A_POOL / float(row[1])


def _section(measured: dict[int, dict[str, list[float]]]) -> Section:
    names = [contender.name for contender in CONTENDERS] + [POOL]
    columns = tuple(f"{workers} worker{'s' * (workers > 1)}" for workers in WORKERS)

    def cells(figures: Callable[[dict[str, list[float]]], Spread], *names: str) -> tuple[str, ...]:
        """Return a figure for each number of workers, where all of `names` were measured."""
        return tuple(
            str(figures(rates)) if rates.keys() >= {*names} else "–" for rates in measured.values()
        )

    def against(mine: str, *others: str) -> Table:
        return Table(
            (f"{mine} ÷", *columns),
            tuple((name, *cells(partial(_ratios_of, mine, name), mine, name)) for name in others),
        )

    return Section(
        title="Throughput of the queue",
        method=(
            f"{DOCUMENTS:,} documents that need no work are claimed and completed by 1, 4 and 16"
            " processes on a PostgreSQL that syncs every result to the disk. *registre, one by"
            " one* is the worker's own code for the queue; *raw psycopg* the same statements in a"
            " bare loop; *a whole pool* everything that a document"
            " meets besides: supervisor, lease, storage, boost, log lines (for it,"
            f" {DOCUMENTS_OF_A_POOL:,} documents). procrastinate runs one"
            " process a worker, without LISTEN; pgqueuer runs on asyncpg and uvloop, with its"
            " settings for autovacuum: the fastest of their documented settings at which what is"
            " done survives a power cut, as ours does."
        ),
        tables=(
            Table(
                ("documents a second", *columns),
                tuple((name, *cells(partial(_spread_of, name), name)) for name in names),
            ),
            against(OURS, RAW, PROCRASTINATE, ONE_BY_ONE, BATCHES, POOL),
            against(RAW_BATCHES, OURS, BATCHES),
            against(POOL, PROCRASTINATE, ONE_BY_ONE),
        ),
        verdicts=tuple(_verdicts(measured)),
        remarks=(
            "registre claims one document at a time, on purpose: pages take seconds, and a"
            " document that one worker holds in a batch is one that an idle worker cannot take.",
            "Beside batches, one by one pays a round trip for each claim and each result, and a"
            " sync of the disk for each result, where a batch pays them once: *raw psycopg,"
            " batches* runs the same two statements on the same table and indexes.",
            "A whole pool costs some milliseconds a document, little beside a page, which takes"
            " hundreds: by `py-spy` 47 % of a worker's time are the two statements, 11 % the"
            " correction, 7 % reports to the supervisor.",
        ),
        peers=versions("procrastinate", "pgqueuer", "psycopg", "asyncpg", "uvloop"),
    )


def _spread_of(name: str, rates: Mapping[str, list[float]]) -> Spread:
    return spread(rates[name])


def _ratios_of(mine: str, other: str, rates: Mapping[str, list[float]]) -> Spread:
    return ratios(rates[mine], rates[other])


def _verdicts(measured: dict[int, dict[str, list[float]]]) -> list[Verdict]:
    goals = (
        (OURS, RAW, 0.9),
        (OURS, PROCRASTINATE, 3.0),
        (OURS, ONE_BY_ONE, 1.0),
        (OURS, BATCHES, 1.0),
        (RAW_BATCHES, BATCHES, 1.0),
    )
    verdicts = []
    for mine, name, goal in goals:
        for workers in WORKERS:
            found = ratios(measured[workers][mine], measured[workers][name])
            what = f"documents a second: {mine} ÷ {name}; workers: {workers}"
            verdicts.append(Verdict(what, f"≥ {goal:g}", str(found), found.median >= goal))
    return verdicts


if __name__ == "__main__":
    main(run)
