"""Words and characters read rightly on real scans, per kind of page, beside the peers.

The scans are not part of the project; REGISTRE_CORPUS names their folder. The preparation of pages
was chosen on every other scan; the figures that count are those of the others.
"""

import csv
import os
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.machine import versions
from bench.ocr_peers import read_with_ocrmypdf, read_with_pytesseract, read_with_registre
from bench.readings import read_once
from bench.section import Section, Table, Verdict, main
from tests.accuracy import character_error_rate, word_recall

ROOT = Path(__file__).parent.parent
CORPUS = Path(os.environ.get("REGISTRE_CORPUS", ROOT.parent / "shared" / "corpus"))
OURS, OCRMYPDF, PLAIN = "registre", "OCRmyPDF", "pytesseract, 300 dpi"
READERS: dict[str, Callable[[Path], list[str]]] = {
    OURS: read_with_registre,
    OCRMYPDF: read_with_ocrmypdf,
    PLAIN: read_with_pytesseract,
}
# A stretch for Tesseract: told, and apart from the targets.
APART = "handwritten"


@dataclass(frozen=True)
class Scan:
    """One file with what stands on its pages; `held_out` was not looked at for any choice."""

    pdf: Path
    kind: str
    truths: tuple[str, ...]
    held_out: bool


@dataclass(frozen=True)
class Score:
    """How well one reader read one scan, as means over its pages."""

    recall: float
    error_rate: float


def run() -> Section:
    """Read every scan that has a ground truth with every reader."""
    scans = scans_with_truth()
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        scores = {name: list(processes.map(_score, [name] * len(scans), scans)) for name in READERS}
    held_out = [place for place, scan in enumerate(scans) if scan.held_out]
    everything = list(range(len(scans)))
    kinds = sorted({scan.kind for scan in scans}, key=lambda kind: (APART in kind, kind))
    return Section(
        title="Accuracy on real scans",
        method=(
            f"{len(scans)} scans with ground truth, language `fra`, each reader with its own "
            "preparation. Word recall: the share of the true words that were read, wherever they "
            "stand. Character error rate only where the truth is in page order: it is none for "
            "tables and directories."
        ),
        tables=(
            _table("held out", scans, scores, held_out, kinds),
            _table("all", scans, scores, everything, kinds),
        ),
        verdicts=_verdicts(scans, scores, kinds),
        remarks=(
            "The preparation was chosen by word recall on the other half of the scans.",
            "Every reader counts one page as wrong that it loses.",
        ),
        peers=versions("ocrmypdf", "pytesseract", "tesserocr"),
    )


def scans_with_truth() -> list[Scan]:
    """Return the scans that have a ground truth, every other one held out."""
    folder = CORPUS / "scans"
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["ground_truth"]]
    scans = []
    for place, row in enumerate(sorted(rows, key=lambda row: row["file"])):
        truths = (folder / row["ground_truth"]).read_text("utf-8").split("\f")
        kind = row["kind"] + (", tabular" if row["tabular"] else "")
        scans.append(Scan(folder / row["file"], kind, tuple(truths), held_out=place % 2 == 1))
    return scans


def _score(reader: str, scan: Scan) -> Score:
    texts = read_once(reader, READERS[reader], scan.pdf)
    texts += [""] * (len(scan.truths) - len(texts))
    pairs = list(zip(texts, scan.truths, strict=False))
    return Score(
        statistics.fmean(word_recall(text, truth) for text, truth in pairs),
        statistics.fmean(min(character_error_rate(text, truth), 1.0) for text, truth in pairs),
    )


def _table(
    which: str,
    scans: list[Scan],
    scores: dict[str, list[Score]],
    places: list[int],
    kinds: list[str],
) -> Table:
    rows = []
    for kind in kinds:
        chosen = [place for place in places if scans[place].kind == kind]
        if chosen:
            cells = [_cell(scores[name], chosen, with_errors=_in_order(kind)) for name in READERS]
            rows.append((kind, str(len(chosen)), *cells))
    return Table(
        (f"{which}: kind", "scans", *(f"{name}: recall (CER)" for name in READERS)), tuple(rows)
    )


def _cell(scores: list[Score], places: list[int], *, with_errors: bool) -> str:
    recall = statistics.fmean(scores[place].recall for place in places)
    errors = statistics.fmean(scores[place].error_rate for place in places)
    return f"{recall:.3f}" + (f" ({errors:.3f})" if with_errors else "")


def _in_order(kind: str) -> bool:
    return "tabular" not in kind and "directory" not in kind


def _verdicts(
    scans: list[Scan], scores: dict[str, list[Score]], kinds: list[str]
) -> tuple[Verdict, ...]:
    """Judge by the held-out scans; a kind that has none is judged by all of its scans."""
    judged = [place for place, scan in enumerate(scans) if APART not in scan.kind]
    held_out = [place for place in judged if scans[place].held_out]
    verdicts = [
        _verdict("all of print and typewriter, held out", scores, held_out),
        _verdict("all of print and typewriter, every scan", scores, judged),
    ]
    for kind in kinds:
        chosen = [place for place in held_out if scans[place].kind == kind]
        if chosen:
            verdicts.append(_verdict(f"{kind}, held out", scores, chosen))
        elif APART not in kind:
            every = [place for place in judged if scans[place].kind == kind]
            verdicts.append(_verdict(f"{kind}, none of them held out", scores, every))
    return tuple(verdicts)


def _verdict(which: str, scores: dict[str, list[Score]], places: list[int]) -> Verdict:
    means = {
        name: statistics.fmean(scores[name][place].recall for place in places) for name in READERS
    }
    best_peer = max(means[OCRMYPDF], means[PLAIN])
    return Verdict(
        what=f"word recall, {which} ({len(places)} scans)",
        target=f"not below the better peer, {best_peer:.3f}",
        measured=f"{means[OURS]:.3f}",
        met=means[OURS] >= best_peer,
    )


if __name__ == "__main__":
    main(run)
