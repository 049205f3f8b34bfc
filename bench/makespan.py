"""How long a pool takes for a mixed backlog, beside the least time in which it can be done."""

import multiprocessing
import sys
from dataclasses import dataclass

import psycopg

from bench.contenders import ours
from bench.contenders.ours import LONG_PAGES, PAGE_SECONDS
from bench.pairs import LEAST_PAIRS, Spread, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres
from registre_cli.embedded.servers import PostgresServer

SIZES = (2, 4)
SHORT_DOCUMENTS = 80
GOAL = 1.15

FILL = """
INSERT INTO extraction_queue
    (document_source, document_number, supabase_path, status_id, created_at)
SELECT CASE WHEN n %% 2 = 0 THEN 'acte' ELSE 'index' END, n::text,
    CASE WHEN n = %(long)s THEN %(long_path)s ELSE %(short_path)s END, 3,
    now() - interval '1 day' + n * interval '1 second'
FROM generate_series(0, %(short_documents)s) AS n
"""


@dataclass(frozen=True)
class Backlog:
    """Where among the short documents the long one stands."""

    name: str
    position: int

    def bound_seconds(self, size: int) -> float:
        """Return the least time: all work shared evenly, or the longest document."""
        work = (SHORT_DOCUMENTS + LONG_PAGES) * PAGE_SECONDS
        return max(work / size, LONG_PAGES * PAGE_SECONDS)

    def in_order_seconds(self, size: int) -> float:
        """Return the time of workers that lose nothing but take the oldest document first."""
        free_at = [0.0] * size
        for number in range(SHORT_DOCUMENTS + 1):
            pages = LONG_PAGES if number == self.position else 1
            next_worker = free_at.index(min(free_at))
            free_at[next_worker] += pages * PAGE_SECONDS
        return max(free_at)


BACKLOGS = (
    Backlog("in the middle", SHORT_DOCUMENTS // 2),
    Backlog("last", SHORT_DOCUMENTS),
)


def run() -> Section:
    """Measure every backlog with every size, round by round."""
    seconds: dict[tuple[str, int], list[float]] = {}
    with postgres() as server:
        for _ in range(LEAST_PAIRS):
            for backlog in BACKLOGS:
                for size in SIZES:
                    took = _seconds(server, backlog, size)
                    seconds.setdefault((backlog.name, size), []).append(took)
    return _section(seconds)


def _seconds(server: PostgresServer, backlog: Backlog, size: int) -> float:
    """Run a pool; from its first claim to its last result."""
    with database(server) as dsn:
        ours.install(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                FILL,
                {
                    "long": backlog.position,
                    "long_path": ours.LONG,
                    "short_path": ours.SHORT,
                    "short_documents": SHORT_DOCUMENTS,
                },
            )
        pool = multiprocessing.get_context("spawn").Process(
            target=ours.drain_with_pool, args=(dsn, size)
        )
        pool.start()
        pool.join()
        with psycopg.connect(dsn) as connection:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE status_id <> 5), extract(epoch FROM"
                " max(ocr_completed_at) - min(ocr_started_at))::float8 FROM extraction_queue"
            ).fetchone()
    assert row is not None
    if row[0]:
        sys.exit(f"{row[0]} documents were not read")
    return float(row[1])


def _section(seconds: dict[tuple[str, int], list[float]]) -> Section:
    rows = []
    verdicts = []
    for backlog in BACKLOGS:
        for size in SIZES:
            took = seconds[(backlog.name, size)]
            bound, in_order = backlog.bound_seconds(size), backlog.in_order_seconds(size)
            rows.append(
                (
                    backlog.name,
                    str(size),
                    f"{bound:.1f}",
                    f"{in_order / bound:.2f}",
                    str(spread(took)),
                    str(_against(took, bound)),
                    str(_against(took, in_order)),
                )
            )
            for beside, least in (("lower bound", bound), ("the least in order", in_order)):
                found = _against(took, least)
                verdicts.append(
                    Verdict(
                        f"makespan ÷ {beside}, long document {backlog.name}, {size} workers",
                        f"≤ {GOAL}",
                        str(found),
                        found.median <= GOAL,
                    )
                )
    return Section(
        title="Makespan of a mixed backlog",
        method=(
            f"One document of {LONG_PAGES} pages among {SHORT_DOCUMENTS} of one page, half of them"
            f" actes, on 2 and 4 workers; a page takes {PAGE_SECONDS * 1000:.0f} ms (it sleeps, so"
            " that the pool is measured and not the processor). The lower bound is the work ÷ the"
            " workers, or the longest document. A document is read by one worker and the oldest"
            " comes first: *in order ÷ bound* is what that alone costs workers that lose nothing."
        ),
        tables=(
            Table(
                ("the long one comes", "workers", "bound, s", "in order ÷ bound", "measured, s",
                 "measured ÷ bound", "measured ÷ in order"),
                tuple(rows),
            ),
        ),
        verdicts=tuple(verdicts),
        remarks=(
            "A long document that comes last is read while the other workers have nothing left to"
            " do. Only reading it earlier would help, and nobody knows its pages before it is"
            " fetched; `queue add --priority` lets a person say so.",
        ),
    )  # fmt: skip


def _against(took: list[float], bound: float) -> Spread:
    return spread([seconds / bound for seconds in took])


if __name__ == "__main__":
    main(run)
