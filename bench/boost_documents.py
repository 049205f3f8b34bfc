"""The documents of the bench of the rules: generated or scanned, read as a worker reads them."""

import csv
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bench.boost_changes import Judged, judge
from bench.ocr_accuracy import OURS
from bench.ocr_peers import read_with_registre
from bench.readings import read_once
from registre_cli.core.documents import Source
from registre_cli.core.errors import DocumentError
from registre_cli.core.settings import load_settings
from registre_cli.demo.batch import GeneratedDocument, generate
from registre_cli.ocr.boost import Boosted, boost, load_rules
from registre_cli.ocr.drawing import Words
from registre_cli.ocr.engines import open_order
from registre_cli.ocr.models import marked
from registre_cli.ocr.pipeline import Reader

ROOT = Path(__file__).parent.parent
SCANS = Path(os.environ.get("REGISTRE_CORPUS", ROOT.parent / "shared" / "corpus")) / "scans"
# Of the strength that is judged, and of each of the others.
INDEXES, ACTES = 8, 12
FEWER_INDEXES, FEWER_ACTES = 4, 6
RULES = load_rules()
_reader: Reader | None = None


@dataclass(frozen=True)
class Read:
    """One document, its text as a worker reads it, and what the rules made of it."""

    document: GeneratedDocument
    raw: str
    boosted: Boosted


@dataclass(frozen=True)
class Scan:
    """One scan of another kind, with the changes that the rules made in it."""

    name: str
    words: int
    changes: tuple[Judged, ...]

    @property
    def wrong(self) -> int:
        """Return how many changes are wrong."""
        return sum(not one.is_right for one in self.changes)


def read_all(
    processes: ProcessPoolExecutor, indexes: int, actes: int, strength: int, seed: int
) -> list[Read]:
    """Generate so many documents of one strength, read and boost them."""
    documents = generate(indexes, actes, seed=seed, strength=strength)
    texts = list(processes.map(_text_of, documents))
    return [
        Read(replace(document, pdf=b""), text, boost(text, document.source, RULES))
        for document, text in zip(documents, texts, strict=True)
    ]


def judged(reads: Iterable[Read]) -> list[Judged]:
    """Compare every change with the print."""
    return [
        change
        for read in reads
        for change in judge(read.raw, read.boosted, printed_pages(read.document))
    ]


def printed_pages(document: GeneratedDocument) -> list[str]:
    """Return the words of each page in the order in which they are printed."""
    return [
        " ".join(mark.text for mark in page.marks if isinstance(mark, Words))
        for page in document.laid_out
    ]


def read_scans(processes: ProcessPoolExecutor) -> list[Scan]:
    """Read the scans that have a ground truth; none where they are not on this machine."""
    if not SCANS.is_dir():
        return []
    with (SCANS / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["ground_truth"]]
    truths = [(SCANS / row["ground_truth"]).read_text("utf-8").split("\f") for row in rows]
    texts = processes.map(scan_text, [SCANS / row["file"] for row in rows])
    return [
        judged_scan(Path(row["file"]).stem, text, truth)
        for row, text, truth in zip(rows, texts, truths, strict=True)
        if text is not None
    ]


def judged_scan(name: str, text: str, truth: Sequence[str]) -> Scan:
    """Apply the rules as to a deed and as to an index, and judge the changes of both."""
    changes = [
        change for source in Source for change in judge(text, boost(text, source, RULES), truth)
    ]
    return Scan(name, len(Source) * len(text.split()), tuple(changes))


def scan_text(pdf: Path) -> str | None:
    """Read a scan as a worker reads a deed; `None` where the engine gives it up."""
    try:
        texts = read_once(OURS, read_with_registre, pdf)
    except DocumentError:
        return None
    return marked(enumerate(texts, 1))


def _text_of(document: GeneratedDocument) -> str:
    return _reader_of_this_process().read(document.pdf, document.source).text


def _reader_of_this_process() -> Reader:
    global _reader
    if _reader is None:
        settings = load_settings(ocr_text_layer="ignore")
        _reader = Reader(settings, open_order(settings))
    return _reader
