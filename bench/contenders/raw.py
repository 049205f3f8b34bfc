"""A plain psycopg loop of our own statements: what a pool can at best come near to."""

import time
from multiprocessing.synchronize import Barrier

import psycopg

from bench.contenders.signals import Announcer
from registre_cli.queue.sql import statement

LEFT = "SELECT EXISTS (SELECT FROM extraction_queue WHERE status_id <> 5)"
BATCH = 100
_CLAIM = {"source": "index", "lease_seconds": 60}
_RESULT = {"raw_text": "t", "boosted_text": "t", "confidence": 90.0, "pages": "[]", "fields": None}


def drain(dsn: str, worker: str, ready: Barrier) -> None:
    """Claim and complete until nothing is left."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        ready.wait()
        while _claim_and_complete(connection, worker) is not None:
            pass


def drain_in_batches(dsn: str, worker: str, ready: Barrier) -> None:
    """Claim `BATCH` documents with one statement and complete them in one transaction."""
    claim_one = statement("claim")
    claim_batch = claim_one.replace("LIMIT 1\n", f"LIMIT {BATCH}\n")
    if claim_batch == claim_one:
        raise AssertionError("the claim has no limit that could be raised")
    with psycopg.connect(dsn, autocommit=True) as connection:
        ready.wait()
        claim = claim_batch.encode()
        while rows := connection.execute(claim, {**_CLAIM, "worker_id": worker}).fetchall():
            tokens = [{"id": row[0], "worker_id": worker, "attempt": row[1]} for row in rows]
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(statement("complete"), [token | _RESULT for token in tokens])


def serve(dsn: str, started: str) -> None:
    """Claim when PostgreSQL notifies, and say so."""
    announcer = Announcer(started)
    with (
        psycopg.connect(dsn, autocommit=True) as listening,
        psycopg.connect(dsn, autocommit=True) as working,
    ):
        listening.execute("LISTEN registre_ready")
        while True:
            while _claim_and_complete(working, "raw", announcer) is not None:
                pass
            for _ in listening.notifies(timeout=1, stop_after=1):
                pass


def _claim_and_complete(
    connection: psycopg.Connection, worker: str, announcer: Announcer | None = None
) -> float | None:
    row = connection.execute(statement("claim"), {**_CLAIM, "worker_id": worker}).fetchone()
    if row is None:
        return None
    if announcer is not None:
        announcer.say()
    token = {"id": row[0], "worker_id": worker, "attempt": row[1]}
    connection.execute(statement("complete"), {**token, **_RESULT}).fetchone()
    return time.monotonic()
