"""How much of a table's order is kept on real scans, beside the peers.

By the boxes of the true lines: whether a line's words stand together in the right order, and
whether what stands side by side on the page shares a line of the text.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.machine import versions
from bench.ocr_accuracy import OCRMYPDF, PLAIN, Scan, scans_with_truth
from bench.ocr_accuracy import OURS as OURS_AS_AN_ACTE
from bench.ocr_accuracy import READERS as READERS_OF_DEEDS
from bench.ocr_peers import read_with_registre
from bench.readings import read_once
from bench.section import Section, Table, Verdict, main
from registre_cli.core.documents import Source
from tests.tables import lines_together, neighbours_in_a_row, true_lines

OURS = "registre, as an index"
READERS: dict[str, Callable[[Path], list[str]]] = {
    OURS: partial(read_with_registre, source=Source.INDEX),
    **READERS_OF_DEEDS,
}


@dataclass(frozen=True)
class Kept:
    """How many lines are whole, and how many neighbours share a row, of how many."""

    whole: int = 0
    lines: int = 0
    neighbours: int = 0
    pairs: int = 0

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(
            self.whole + other.whole,
            self.lines + other.lines,
            self.neighbours + other.neighbours,
            self.pairs + other.pairs,
        )

    @property
    def whole_share(self) -> float:
        """The share of lines whose words stand together in the right order."""
        return self.whole / max(self.lines, 1)

    def __str__(self) -> str:
        return f"{self.whole_share:.3f} ({self.neighbours / max(self.pairs, 1):.3f})"


def run() -> Section:
    """Read every tabular scan that is typewritten with every reader."""
    scans = [
        scan for scan in scans_with_truth() if "typewritten" in scan.kind and "tabular" in scan.kind
    ]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        kept = {name: list(processes.map(_kept, [name] * len(scans), scans)) for name in READERS}
    held_out = [place for place, scan in enumerate(scans) if scan.held_out]
    sums = {
        name: sum((values[place] for place in held_out), Kept()) for name, values in kept.items()
    }
    best_peer = max(sums[name].whole_share for name in (OCRMYPDF, PLAIN))
    return Section(
        title="Tables on real scans",
        method=(
            f"{len(scans)} typewritten scans with tables. First the share of the true lines of "
            "several words that stand together in the right order, with a wrong letter here and "
            "there; in brackets, the share of neighbours on the page that share a line of the "
            "text. Handwriting and directories, which are lists, are left out."
        ),
        tables=(
            Table(
                ("scans", *(_heading(name) for name in READERS)),
                (
                    _row(f"held out ({len(held_out)})", kept, held_out),
                    _row(f"all ({len(scans)})", kept, list(range(len(scans)))),
                ),
            ),
        ),
        verdicts=(
            Verdict(
                what="lines together, held-out tabular scans",
                target=f"not below the better peer, {best_peer:.3f}",
                measured=f"{sums[OURS].whole_share:.3f}",
                met=sums[OURS].whole_share >= best_peer,
            ),
        ),
        peers=versions("ocrmypdf", "pytesseract", "tesserocr"),
    )


def _kept(reader: str, scan: Scan) -> Kept:
    texts = read_once(reader, READERS[reader], scan.pdf)
    lines = true_lines(scan.pdf.with_suffix(".gt.lines.tsv"))
    kept = Kept()
    for number, true in lines.items():
        text = texts[number - 1] if number <= len(texts) else ""
        kept += Kept(*lines_together(text, true), *neighbours_in_a_row(text, true))
    return kept


def _heading(name: str) -> str:
    return f"{name}, as an acte" if name == OURS_AS_AN_ACTE else name


def _row(which: str, kept: dict[str, list[Kept]], places: list[int]) -> tuple[str, ...]:
    return (which, *(str(sum((values[p] for p in places), Kept())) for values in kept.values()))


if __name__ == "__main__":
    main(run)
