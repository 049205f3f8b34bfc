"""What a process that reads holds of memory, over many documents."""

import itertools
import multiprocessing
import statistics

import psutil

from bench.machine import versions
from bench.section import Section, Table, Verdict, main
from registre_cli.core.settings import load_settings
from registre_cli.demo.batch import generate
from registre_cli.ocr.engines import open_order
from registre_cli.ocr.pipeline import Reader

DOCUMENTS = 500
WARM_UP = 50
MOST_MB = 250
# What an allocator keeps back differs by so much from one document to the next.
MOST_GROWTH_MB = 10


def run() -> Section:
    """Read the same few documents, of one page each, over and over in one process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        sizes = process.apply(resident_mb, (DOCUMENTS,))
    steps = range(WARM_UP, DOCUMENTS + 1, WARM_UP)
    early, late = (
        statistics.median(part) for part in (sizes[WARM_UP : 2 * WARM_UP], sizes[-WARM_UP:])
    )
    return Section(
        title="Memory of a worker",
        method=(
            f"One process reads {DOCUMENTS} generated documents of one page (index, acte, 200 dpi, "
            "grey) with the default settings; resident memory after each."
        ),
        tables=(
            Table(
                ("documents", "resident MB"),
                tuple((str(step), f"{sizes[step - 1]:.0f}") for step in steps),
            ),
        ),
        verdicts=(
            Verdict("most", f"< {MOST_MB} MB", f"{max(sizes):.0f} MB", max(sizes) < MOST_MB),
            Verdict(
                f"growth from document {WARM_UP} on",
                f"≤ {MOST_GROWTH_MB} MB",
                f"{late - early:.1f} MB",
                late - early <= MOST_GROWTH_MB,
            ),
        ),
        peers=versions("tesserocr"),
    )


def resident_mb(documents: int) -> list[float]:
    """Read so many documents here; return the resident megabytes after each."""
    settings = load_settings(ocr_text_layer="ignore")
    reader = Reader(settings, open_order(settings))
    process = psutil.Process()
    sizes = []
    short = [document for document in generate(8, 8, seed=17) if document.pages == 1]
    for document in itertools.islice(itertools.cycle(short), documents):
        reader.read(document.pdf, document.source)
        sizes.append(process.memory_info().rss / 1e6)
    return sizes


if __name__ == "__main__":
    main(run)
