"""How many fields the rules found rightly, beside what a program finds that corrects nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bench.boost_documents import Read
from bench.boost_raw import Found, strict_fields, verbatim
from registre_cli.demo.batch import GeneratedDocument
from registre_cli.ocr.boost import FieldKind

STRICT = (FieldKind.LOT, FieldKind.REGISTRATION, FieldKind.DATE, FieldKind.AMOUNT)


@dataclass(frozen=True)
class Score:
    """How many fields were found rightly, wrongly, and not at all."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def errors(self) -> int:
        """Return what is wrong or missed."""
        return self.wrong + self.missed

    @property
    def precision(self) -> float:
        """Return the share of what was found that is right."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Return the share of what is printed that was found."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + self.errors, 1)

    def __str__(self) -> str:
        return f"{self.precision:.3f} / {self.recall:.3f} / {self.f1:.3f}"


def score(found: Counter[Found], truth: Counter[Found], kind: FieldKind) -> Score:
    """Compare what was found with what is printed, for one kind."""
    found, truth = (
        Counter({field: times for field, times in fields.items() if field[1] is kind})
        for fields in (found, truth)
    )
    right = (found & truth).total()
    return Score(right, found.total() - right, truth.total() - right)


def truth_of(document: GeneratedDocument) -> Counter[Found]:
    """Return every field that is printed."""
    return Counter(
        (number, field.kind, field.value)
        for number, page in enumerate(document.laid_out, start=1)
        for field in page.fields
    )


def raw_and_boosted(read: Read, kind: FieldKind) -> tuple[Score, Score]:
    """Score one document before and after the rules."""
    truth = truth_of(read.document)
    raw = (
        strict_fields(read.raw, read.document.source)
        if kind in STRICT
        else verbatim(read.raw, truth)
    )
    boosted = Counter((one.page, one.kind, one.value) for one in read.boosted.fields)
    return score(raw, truth, kind), score(boosted, truth, kind)


def raw_and_boosted_sum(reads: Iterable[Read], kind: FieldKind) -> tuple[Score, Score]:
    """Score all documents before and after the rules."""
    raw, boosted = Score(), Score()
    for read in reads:
        one_raw, one_boosted = raw_and_boosted(read, kind)
        raw, boosted = raw + one_raw, boosted + one_boosted
    return raw, boosted
