"""Pages a second of the pool, beside a bare loop of the same reading and beside OCRmyPDF."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pypdfium2 as pdfium

from bench.machine import versions
from bench.ocr_accuracy import CORPUS
from bench.ocr_peers import read_with_ocrmypdf, read_with_registre
from bench.pairs import LEAST_PAIRS, alternate, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres, valkey
from registre_cli.demo.batch import generate
from registre_cli.embedded.servers import PostgresServer, ValkeyServer

WORKERS = os.cpu_count() or 1
OURS, BARE, OCRMYPDF = "registre, a whole pool", "bare loop", "OCRmyPDF"
# Of the corpus: one page each, of as many kinds of scans as print and typewriters left.
SCANS = (
    "fr-typ-europeana1418-p2",
    "fr-typ-europeana1418-p53",
    "fr-typ-gallica1896-26",
    "fr-typ-gallica525062185-3",
    "fr-typ-journal1914-0002",
    "mul-print-eurotext",
)
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
    """Documents in a folder, and all of them as one file."""

    name: str
    folder: Path
    files: tuple[Path, ...]
    whole: Path
    pages: int


@dataclass(frozen=True)
class Speeds:
    """Pages a second of each contender on one kind of work, round by round."""

    work: str
    measured: dict[str, list[float]]

    def verdict(self, other: str, goal: float) -> Verdict:
        """Judge the pool beside another contender."""
        found = ratios(self.measured[OURS], self.measured[other])
        name = other.split(",")[0]
        return Verdict(
            f"pool ÷ {name}, {self.work}", f"≥ {goal:g}", str(found), found.median >= goal
        )


def run() -> Section:
    """Read the same pages with each contender, in turns."""
    with postgres() as server, valkey() as redis:
        speeds = [_speeds(work, server, redis) for work in _works()]
    return Section(
        title="Pages a second",
        method=(
            f"{WORKERS} processes each. *Generated*: 13 documents that look scanned (200 dpi, "
            "grey, few words on a page). *Real scans*: typewritten and printed pages, in colour, "
            "of 170 to 390 dpi. The pool: first claim to last result, queue, storage, lease and "
            "correction included. The bare loop: the same reading and preparation in as many "
            "processes, each with its model loaded. OCRmyPDF: all pages as one file, "
            f"`--jobs {WORKERS} --output-type none --sidecar`."
        ),
        tables=(
            Table(
                ("pages a second", *(one.work for one in speeds)),
                tuple(
                    (name, *(str(spread(one.measured[name])) for one in speeds))
                    for name in (OURS, BARE, OCRMYPDF)
                ),
            ),
        ),
        verdicts=tuple(
            verdict
            for one in speeds
            for verdict in (one.verdict(BARE, 0.95), one.verdict(OCRMYPDF, 3))
        ),
        remarks=(
            "On the generated pages Tesseract itself takes about three quarters of our time, so "
            "that no preparation, however cheap, reaches three times the speed of a program that "
            "runs Tesseract once a page. What OCRmyPDF pays besides (a process, a model and an "
            "image file for each page) grows with the pixels, and so does the ratio.",
            "With six scans on two processors the pool's figure hangs on which one comes last.",
        ),
        peers=versions("ocrmypdf", "tesserocr"),
    )


def _works() -> Iterator[Work]:
    with tempfile.TemporaryDirectory(prefix="registre-bench-") as name:
        documents = generate(7, 6, seed=41)
        pdfs = [document.pdf for document in documents]
        yield _work("generated", Path(name), pdfs)
    if (CORPUS / "scans").is_dir():
        with tempfile.TemporaryDirectory(prefix="registre-bench-") as name:
            pdfs = [(CORPUS / "scans" / f"{scan}.pdf").read_bytes() for scan in SCANS]
            yield _work("real scans", Path(name), pdfs)


def _work(name: str, folder: Path, pdfs: list[bytes]) -> Work:
    whole = pdfium.PdfDocument.new()
    files = []
    for number, pdf in enumerate(pdfs):
        files.append(folder / f"{number:02d}.pdf")
        files[-1].write_bytes(pdf)
        whole.import_pages(pdfium.PdfDocument(pdf))
    pages = len(whole)
    whole.save(folder.with_name(f"{folder.name}.pdf"))
    return Work(name, folder, tuple(files), folder.with_name(f"{folder.name}.pdf"), pages)


def _speeds(work: Work, server: PostgresServer, redis: ValkeyServer) -> Speeds:
    try:
        seconds = alternate(
            {
                OURS: lambda: _pool_seconds(work, server, redis),
                BARE: lambda: _bare_seconds(work),
                OCRMYPDF: lambda: _ocrmypdf_seconds(work),
            },
            pairs=LEAST_PAIRS,
        )
    finally:
        work.whole.unlink()
    return Speeds(
        work.name,
        {name: [work.pages / value for value in values] for name, values in seconds.items()},
    )


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
