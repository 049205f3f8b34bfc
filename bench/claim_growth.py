"""What a claim costs while the table grows."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
from pydantic import SecretStr

from bench.contenders import ours
from bench.pairs import Spread, percentile, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres
from registre_cli.core.documents import Source
from registre_cli.queue.connection import connect
from registre_cli.queue.models import ReadingRecord
from registre_cli.queue.store import QueueStore

ROUNDS = 3
CLAIMS = 300
GOAL = 1.3

FILL = """
INSERT INTO extraction_queue (document_source, document_number, supabase_path, status_id,
    file_content, ocr_attempts, ocr_not_before, ocr_completed_at, created_at)
SELECT 'index', n::text, 'a/' || n || '.pdf', {columns},
    now() - interval '{age}' - (%(rows)s - n) * interval '1 second'
FROM generate_series(1, %(rows)s) AS n
"""
DONE = "5, 'lu', 1, NULL, now() - n * interval '1 second'"
READY = "3, NULL, NULL, NULL, NULL"
DELAYED = "3, NULL, 1, now() + interval '1 hour', NULL"
# Documents older than the others go the whole way, and leave dead entries at the index' head.
CHURN_AGE = "1 year"
CHURN = (
    "UPDATE extraction_queue SET status_id = 6, ocr_attempts = 1, ocr_lease_until = now()"
    f" WHERE status_id = 3 AND created_at < now() - interval '{CHURN_AGE}'",
    "UPDATE extraction_queue SET status_id = 5, file_content = 'lu', ocr_lease_until = NULL,"
    " ocr_completed_at = now() WHERE status_id = 6",
)
_RECORD = ReadingRecord(raw_text="lu", boosted_text="lu", confidence=90.0, pages_json="[]")


@dataclass(frozen=True)
class Holdings:
    """How many rows of each kind a table holds."""

    name: str
    ready: int = 1_000
    done: int = 0
    delayed: int = 0
    churned: int = 0
    vacuumed: bool = False


BASE = Holdings("1,000 ready: the measure")
GROWN = (
    Holdings("and 1,000 done", done=1_000),
    Holdings("and 100,000 done", done=100_000),
    Holdings("and 3 million done", done=3_000_000),
    Holdings("100,000 ready", ready=100_000),
    Holdings("1 million ready", ready=1_000_000),
    Holdings("and 100,000 delayed", delayed=100_000),
    Holdings("after 100,000 churned without vacuum", churned=100_000),
    Holdings("the same, vacuumed", churned=100_000, vacuumed=True),
)


def run() -> Section:
    """Build all tables, then claim from each in turns."""
    names = [holdings.name for holdings in (BASE, *GROWN)]
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    with postgres(settings=["max_wal_size=4GB"]) as server, ExitStack() as stack:
        connections = {}
        for holdings in (BASE, *GROWN):
            dsn = stack.enter_context(database(server))
            _build(dsn, holdings)
            connections[holdings.name] = stack.enter_context(
                connect(SecretStr(dsn), keep_plans=True)
            )
        # The first round only warms up.
        for round_number in range(ROUNDS + 1):
            claims = _claims_in_turns(connections)
            if round_number:
                for name in names:
                    times[name].append(claims[name])
    return _section(times)


def _build(dsn: str, holdings: Holdings) -> None:
    ours.install(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE extraction_queue SET (autovacuum_enabled = off)")
        for columns, age, rows in (
            (READY, CHURN_AGE, holdings.churned),
            (DONE, "0", holdings.done),
            (DELAYED, "0", holdings.delayed),
            (READY, "0", holdings.ready),
        ):
            connection.execute(FILL.format(columns=columns, age=age).encode(), {"rows": rows})
        connection.execute("VACUUM ANALYZE extraction_queue")
        for statement in CHURN if holdings.churned else ():
            connection.execute(statement.encode())
        if holdings.vacuumed:
            connection.execute("VACUUM extraction_queue")
        connection.execute("CHECKPOINT")


def _claims_in_turns(connections: dict[str, psycopg.Connection]) -> dict[str, list[float]]:
    """Claim and complete from one table after the other; return the seconds of each claim.

    As many new documents follow.
    """
    times: dict[str, list[float]] = {name: [] for name in connections}
    for _ in range(CLAIMS):
        for name, connection in connections.items():
            store = QueueStore(connection)
            started = time.perf_counter()
            document = store.claim("bench", Source.INDEX, 60)
            times[name].append(time.perf_counter() - started)
            assert document is not None
            store.complete(document.token, _RECORD)
    for connection in connections.values():
        connection.execute(FILL.format(columns=READY, age="0").encode(), {"rows": CLAIMS})
    return times


def _section(times: dict[str, list[list[float]]]) -> Section:
    def at(name: str, percent: float) -> list[float]:
        return [percentile(claims, percent) * 1000 for claims in times[name]]

    def against(name: str, percent: float) -> Spread:
        return ratios(at(name, percent), at(BASE.name, percent))

    table = Table(
        ("the table holds", "p50, ms", "p99, ms", "p50 ÷ measure", "p99 ÷ measure"),
        tuple(
            (
                name,
                str(spread(at(name, 50))),
                str(spread(at(name, 99))),
                str(against(name, 50)),
                str(against(name, 99)),
            )
            for name in times
        ),
    )
    verdicts = tuple(
        Verdict(
            f"p{percent} of a claim, {holdings.name} ÷ 1,000 ready",
            f"≤ {GOAL}",
            str(against(holdings.name, percent)),
            against(holdings.name, percent).median <= GOAL,
        )
        for percent in (50, 99)
        for holdings in GROWN
    )
    return Section(
        title="A claim while the table grows",
        method=(
            f"One claim from each table in turns, {CLAIMS} times, and all of it {ROUNDS} times,"
            " over connections as a worker has them. Each document is then completed, and a new one"
            " follows. Autovacuum is off everywhere."
        ),
        tables=(table,),
        verdicts=verdicts,
        remarks=(
            "Documents that were read leave dead entries at the head of the index of ready ones,"
            " which every claim steps over until VACUUM removes them: 100,000, on 720 pages, are a"
            " millisecond (`EXPLAIN (ANALYZE, BUFFERS)`). A claim that remembers where it stopped"
            " could skip them, and would miss a document that comes back or is put first. The table"
            " is not ours, so we leave its autovacuum as it is; docs/operations.md says how to make"
            " it come earlier.",
            f"The p99 of a run is its fourth slowest claim of {CLAIMS}, and tells of the machine as"
            " much as of the queue; its spread says how much.",
        ),
    )


if __name__ == "__main__":
    main(run)
