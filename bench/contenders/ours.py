"""registre: the queue as a worker uses it, and a whole pool whose reader has nothing to do."""

import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg
from pydantic import SecretStr

from bench.contenders.signals import Announcer
from registre_cli.core.documents import Source
from registre_cli.core.log import configure_logging
from registre_cli.core.settings import Settings, load_settings
from registre_cli.ocr.engine import PageGate
from registre_cli.ocr.models import DocumentReading, PageRecord, PageSource
from registre_cli.pool.options import PoolOptions
from registre_cli.pool.run import environments_to_serve, run_pool
from registre_cli.queue.connection import connect
from registre_cli.queue.migrate import migrate
from registre_cli.queue.models import ReadingRecord
from registre_cli.queue.store import QueueStore

LEFT = "SELECT EXISTS (SELECT FROM extraction_queue WHERE status_id <> 5)"
FILL = """
INSERT INTO extraction_queue
    (document_source, document_number, supabase_path, status_id, created_at)
SELECT 'index', n::text, %(path)s, 3, now() - n * interval '1 second'
FROM generate_series(1, %(number)s) AS n
"""
_RECORD = ReadingRecord(raw_text="t", boosted_text="t", confidence=90.0, pages_json="[]")
_STARTED = "BENCH_STARTED"
LONG_PAGES, PAGE_SECONDS = 60, 0.06
LONG, SHORT = f"{LONG_PAGES}x{PAGE_SECONDS}", f"1x{PAGE_SECONDS}"
SCRIPTS = ("nothing", LONG, SHORT)


def install(dsn: str) -> None:
    """Make the schema."""
    migrate(SecretStr(dsn))


def fill(dsn: str, number: int) -> None:
    """Queue documents that need no work."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FILL, {"number": number, "path": "nothing"})
        connection.execute("VACUUM ANALYZE extraction_queue")


def drain(dsn: str, worker: str, ready: Barrier) -> None:
    """Claim and complete until nothing is left, as a worker of a pool does."""
    with connect(SecretStr(dsn), keep_plans=True) as connection:
        store = QueueStore(connection)
        ready.wait()
        while document := store.claim(worker, Source.INDEX, 60):
            store.complete(document.token, _RECORD)


def drain_with_pool(dsn: str, size: int) -> None:
    """Run a whole pool until nothing is left; its own start is part of the time."""
    run_pretending_pool(dsn, size, burst=True)


def serve(dsn: str, started: str) -> None:
    """Run a pool of one worker that says when a document begins."""
    os.environ[_STARTED] = started
    run_pretending_pool(dsn, 1, burst=False)


def run_pretending_pool(dsn: str, size: int, *, burst: bool) -> None:
    """Run a pool on documents whose path says how they are read: `nothing`, or `60x0.08`."""
    configure_logging("error", "json")
    with tempfile.TemporaryDirectory() as folder:
        for script in SCRIPTS:
            (Path(folder) / script).write_text("" if script == "nothing" else script)
        settings = load_settings(
            dev_database_url=SecretStr(dsn),
            ocr_dev=True,
            dev_storage_url=SecretStr(Path(folder).as_uri()),
        )
        options = PoolOptions(
            environments=environments_to_serve(settings, ()),
            size=size,
            burst=burst,
            open_reader=open_pretending_reader,
        )
        run_pool(settings, options)


class PretendingReader:
    """Reads `pages x seconds` by sleeping: the pool is measured, not the engine."""

    def __init__(self) -> None:
        address = os.environ.get(_STARTED)
        self._announcer = Announcer(address) if address else None

    def read(
        self, pdf: bytes, source: Source, *, on_page: Callable[[int, int], None]
    ) -> DocumentReading:
        """Take the time that the document asks for."""
        if self._announcer is not None:
            self._announcer.say()
        pages, _, seconds = (pdf.decode() or "1x0").partition("x")
        records = []
        for number in range(1, int(pages) + 1):
            on_page(number, int(pages))
            time.sleep(float(seconds))
            records.append(PageRecord(number, "t", 90.0, 0.0, PageSource.READ, "none", 1, 1, 300))
        return DocumentReading(tuple(records))


def open_pretending_reader(settings: Settings, gate: PageGate) -> PretendingReader:
    """Return the reader; found by its name in the worker."""
    return PretendingReader()
