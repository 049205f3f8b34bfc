"""Pages a second of the pool, beside a bare loop of the same reading and beside OCRmyPDF."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pypdfium2 as pdfium

from bench.machine import versions
from bench.ocr_peers import read_with_ocrmypdf, read_with_registre
from bench.pairs import LEAST_PAIRS, alternate, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres, valkey
from registre_cli.demo.batch import generate
from registre_cli.embedded.servers import PostgresServer, ValkeyServer

WORKERS = os.cpu_count() or 1
OURS, BARE, OCRMYPDF = "registre, a whole pool", "bare loop", "OCRmyPDF"
_SPAN = """
SELECT extract(epoch FROM max(ocr_completed_at) - min(ocr_started_at))
FROM extraction_queue WHERE status_id = 5
"""
_ADD = """
INSERT INTO extraction_queue (document_source, document_number, supabase_path, status_id)
VALUES ('acte', %(name)s, %(name)s, 3)
"""


@dataclass(frozen=True)
class Work:
    """Generated documents that look scanned, in a folder; and all of them as one file."""

    folder: Path
    files: tuple[Path, ...]
    whole: Path
    pages: int


def run() -> Section:
    """Read the same pages with each contender, in turns."""
    with _work() as work, postgres() as server, valkey() as redis:
        seconds = alternate(
            {
                OURS: lambda: _pool_seconds(work, server, redis),
                BARE: lambda: _bare_seconds(work),
                OCRMYPDF: lambda: _ocrmypdf_seconds(work),
            },
            pairs=LEAST_PAIRS,
        )
    speeds = {name: [work.pages / value for value in values] for name, values in seconds.items()}
    beside_bare = ratios(speeds[OURS], speeds[BARE])
    beside_ocrmypdf = ratios(speeds[OURS], speeds[OCRMYPDF])
    return Section(
        title="Pages a second",
        method=(
            f"{work.pages} generated pages of {len(work.files)} documents that look scanned "
            f"(200 dpi, grey), {WORKERS} processes each. The pool: first claim to last result, "
            "queue, storage, lease and correction included. The bare loop: the same reading and "
            "preparation in as many processes, each with its model loaded. OCRmyPDF: all pages as "
            f"one file, `--jobs {WORKERS} --output-type none --sidecar`."
        ),
        tables=(
            Table(
                ("contender", "pages a second"),
                tuple((name, str(spread(values))) for name, values in speeds.items()),
            ),
        ),
        verdicts=(
            Verdict("pool ÷ bare loop", "≥ 0.95", str(beside_bare), beside_bare.median >= 0.95),
            Verdict("pool ÷ OCRmyPDF", "≥ 3", str(beside_ocrmypdf), beside_ocrmypdf.median >= 3),
        ),
        peers=versions("ocrmypdf", "tesserocr"),
    )


@contextmanager
def _work() -> Iterator[Work]:
    documents = generate(10, 8, seed=41)
    with tempfile.TemporaryDirectory(prefix="registre-bench-") as name:
        folder = Path(name)
        whole = pdfium.PdfDocument.new()
        files = []
        for number, document in enumerate(documents):
            files.append(folder / f"{number:02d}.pdf")
            files[-1].write_bytes(document.pdf)
            whole.import_pages(pdfium.PdfDocument(document.pdf))
        whole.save(folder / "whole.pdf")
        pages = sum(document.pages for document in documents)
        yield Work(folder, tuple(files), folder / "whole.pdf", pages)


def _pool_seconds(work: Work, server: PostgresServer, redis: ValkeyServer) -> float:
    with database(server, with_queue=True) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for file in work.files:
                connection.execute(_ADD, {"name": file.name})
        settings = {
            "OCR_DEV": "true",
            "DEV_DATABASE_URL": dsn,
            "DEV_STORAGE_URL": work.folder.as_uri(),
            "REDIS_URL": redis.url(),
        }
        subprocess.run(
            [
                *(Path(sys.executable).with_name("registre"), "pool", "run", "--burst"),
                *("--size", str(WORKERS), "--min-index", "0"),
            ],
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
        )
        with psycopg.connect(dsn) as connection:
            row = connection.execute(_SPAN).fetchone()
    assert row is not None
    return float(row[0])


def _bare_seconds(work: Work) -> float:
    with multiprocessing.get_context("forkserver").Pool(WORKERS) as processes:
        # Every process has its model before the clock starts.
        processes.map(_warm, [work.files[0]] * WORKERS, chunksize=1)
        started = time.monotonic()
        for _ in processes.imap_unordered(read_with_registre, work.files, chunksize=1):
            pass
        return time.monotonic() - started


def _warm(pdf: Path) -> None:
    read_with_registre(pdf)
    # Long enough that no process takes two of the warm-up's files.
    time.sleep(0.5)


def _ocrmypdf_seconds(work: Work) -> float:
    started = time.monotonic()
    read_with_ocrmypdf(work.whole, jobs=WORKERS)
    return time.monotonic() - started


if __name__ == "__main__":
    main(run)
