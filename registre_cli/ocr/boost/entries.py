"""The entries of an index: rows of cells, or lines that begin with a day and a number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from registre_cli.core.documents import CELL_SEPARATOR
from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.inference import infer_nature
from registre_cli.ocr.boost.record import Entry, Field, FieldKind, Flag, Place
from registre_cli.ocr.boost.transforms import TRANSFORMS
from registre_cli.ocr.boost.vocabularies import fold, leading

PARTY_RULE, INFERENCE_RULE = "parties-of-an-entry", "nature-inferred"
_CELL_SIGN = CELL_SEPARATOR.strip()
_CELL = re.compile(r"\s*\|\s*")
_PLAIN_ENTRY = re.compile(r"\s*\d{4}-\d{2}-\d{2}\b")
# What the headings of the columns contain, folded.
_HEADINGS = {
    "date": re.compile("date|presentation"),
    "registration": re.compile("inscription|numero|enregistrement"),
    "nature": re.compile("nature"),
    "parties": re.compile("parties|noms|nom des"),
    "amount": re.compile("montant|prix|considerat"),
    "remarks": re.compile("remarque|observation"),
}
_ANY_HEADING = re.compile("|".join(marks.pattern for marks in _HEADINGS.values()))
_FEWEST_HEADINGS = 3
# What a line needs to begin an entry of its own.
_KINDS_OF_EVERY_ENTRY = (FieldKind.DATE, FieldKind.REGISTRATION)
_MOST_CELLS = 40
_NAME = r"[A-ZÀ-Ý][\w'’-]+"
_TWO_PERSONS = re.compile(rf"{_NAME}(?: {_NAME}){{3}}")
# A company's name says where it ends, or how many words of a person follow it.
_COMPANY = re.compile(
    rf"(.+? (?:inc|ltée|ltee|enr|limitée|Inc|Ltée|Ltd|Limitée)\b\.?|"
    rf"(?:Société|Compagnie|Coopérative|Syndicat|Fabrique|Succession) .+?) ({_NAME} {_NAME})"
)
_INFERRED_CONFIDENCE = 0.6
_SPLIT_CONFIDENCE = 0.9


@dataclass
class _Row:
    """One entry while its lines come in; its texts are in pieces, one a line."""

    place: Place
    lines: list[str]
    pieces: dict[str, list[str]]
    fields: list[Field] = field(default_factory=list)

    def cell(self, name: str) -> str:
        """Return what stands in one column, `""` where there is none."""
        return " ".join(filter(None, self.pieces.get(name, ())))

    def value(self, kind: FieldKind) -> str | None:
        """Return the first value of this kind."""
        return next((one.value for one in self.fields if one.kind is kind), None)


class IndexEntries:
    """Takes the corrected lines of an index in their order, and knows its entries at the end."""

    def __init__(self) -> None:
        self._columns: tuple[str, ...] = ()
        self._rows: list[_Row] = []

    def take(self, line: str, as_read: str, place: Place, fields: Sequence[Field]) -> None:
        """Take one line with the fields found in it."""
        cells = _CELL.split(line.strip()) if 0 < line.count("|") < _MOST_CELLS else None
        if cells and (columns := _headings(cells)):
            self._columns = columns
        elif cells and len(cells) >= _FEWEST_HEADINGS:
            self._take_cells(cells, as_read, place, fields)
        elif _PLAIN_ENTRY.match(line) and any(one.kind is FieldKind.REGISTRATION for one in fields):
            self._begin(_plain_cells(line, fields), as_read, place, fields)

    def finished(self) -> tuple[tuple[Entry, ...], list[Field], list[Flag]]:
        """Return the entries, and the fields and flags that only a whole entry yields."""
        fields: list[Field] = []
        flags: list[Flag] = []
        entries = []
        for row in self._rows:
            parties = _parties(row.cell("parties"), row.place)
            inferred, doubts = _inferred(row, parties)
            row.fields += [*parties, *inferred]
            fields += [*parties, *inferred]
            flags += doubts
            entries.append(_entry(row))
        return tuple(entries), fields, flags

    def _take_cells(
        self, cells: list[str], as_read: str, place: Place, fields: Sequence[Field]
    ) -> None:
        named = self._named(cells, fields)
        if any(one.kind in _KINDS_OF_EVERY_ENTRY for one in fields):
            self._begin(named, as_read, place, fields)
        elif self._rows and self._rows[-1].place.page == place.page:
            row = self._rows[-1]
            for name in ("parties", "remarks"):
                row.pieces.setdefault(name, []).append(named.get(name, ""))
            row.lines.append(as_read)

    def _begin(
        self, cells: dict[str, str], as_read: str, place: Place, fields: Sequence[Field]
    ) -> None:
        pieces = {name: [cell] for name, cell in cells.items()}
        self._rows.append(_Row(place, [as_read], pieces, list(fields)))

    def _named(self, cells: list[str], fields: Sequence[Field]) -> dict[str, str]:
        if len(cells) == len(self._columns):
            return dict(zip(self._columns, cells, strict=True))
        # Without headings a cell is known by what was found in it; names are what is left.
        known = [one.as_read for one in fields] + [one.value for one in fields]
        rest = [cell for cell in cells if cell and not any(text in cell for text in known)]
        return {"parties": rest[0] if rest else "", "remarks": " ".join(rest[1:])}


def _headings(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the columns' names where these cells are the headings, `""` for unknown ones."""
    if len(_ANY_HEADING.findall(fold(_CELL_SIGN.join(cells)))) < _FEWEST_HEADINGS:
        return ()
    names = tuple(_heading(fold(cell)) for cell in cells)
    return names if len(set(names) - {""}) >= _FEWEST_HEADINGS else ()


def _heading(folded: str) -> str:
    if not _ANY_HEADING.search(folded):
        return ""
    return next(name for name, marks in _HEADINGS.items() if marks.search(folded))


def _plain_cells(line: str, fields: Sequence[Field]) -> dict[str, str]:
    """Take away what was found; what is left between the nature and the amount are parties."""
    rest = re.sub(r"^\s*\d{4}-\d{2}-\d{2}(?: \([^)]*\))?\s*", "", line)
    for one in fields:
        if one.kind is FieldKind.REGISTRATION:
            rest = re.sub(r"^[\d ]+", "", rest)
        elif one.kind is FieldKind.NATURE and fold(rest).startswith(fold(one.value)):
            rest = rest[len(one.value) :].strip()
    parties, _, remarks = re.sub(r"\d[\d ,]*\$", "|", rest, count=1).partition("|")
    return {"parties": parties.strip(" ,"), "remarks": remarks.strip()}


def _parties(cell: str, place: Place) -> list[Field]:
    """Part a cell's names: an institution and who follows it, or two persons."""
    names, confidence = _names(cell.strip())
    return [
        Field(FieldKind.PARTY, place.page, place.line, name, name, confidence, PARTY_RULE)
        for name in names
        if any(character.isalpha() for character in name)
    ]


def _names(cell: str) -> tuple[list[str], float]:
    if found := leading("institutions", cell):
        try:
            name = TRANSFORMS["institution_name"](cell)
        except (DoubtfulError, NotMeantError):
            name = found.as_read
        behind = found.rest.removeprefix(name[len(found.nearest.entry) :])
        return [name, re.sub(r"^\s*\([A-Z]+\)", "", behind).strip(" ,;")], 1.0
    if company := _COMPANY.fullmatch(cell):
        return [company[1], company[2]], _SPLIT_CONFIDENCE
    if _TWO_PERSONS.fullmatch(cell):
        words = cell.split()
        return [" ".join(words[:2]), " ".join(words[2:])], _SPLIT_CONFIDENCE
    return [cell], 1.0


def _inferred(row: _Row, parties: Sequence[Field]) -> tuple[list[Field], list[Flag]]:
    if row.value(FieldKind.NATURE) is not None or "nature" not in row.pieces:
        return [], []
    unreadable = row.cell("nature")
    nature = infer_nature(
        [one.value for one in parties],
        row.cell("remarks"),
        has_amount=row.value(FieldKind.AMOUNT) is not None,
    )
    place = row.place
    if nature is None:
        return [], []
    found = Field(
        FieldKind.NATURE, place.page, place.line, unreadable, nature, _INFERRED_CONFIDENCE,
        INFERENCE_RULE, inferred=True,
    )  # fmt: skip
    message = f"the parties and remarks say {nature}; it was not read"
    return [found], [Flag(INFERENCE_RULE, place.page, place.line, unreadable, message)]


def _entry(row: _Row) -> Entry:
    nature = next((one for one in row.fields if one.kind is FieldKind.NATURE), None)
    return replace(
        Entry(row.place.page, row.place.line, "\n".join(row.lines)),
        date=row.value(FieldKind.DATE),
        registration=row.value(FieldKind.REGISTRATION),
        nature=nature.value if nature else None,
        nature_inferred=bool(nature and nature.inferred),
        parties=tuple(one.value for one in row.fields if one.kind is FieldKind.PARTY),
        amount=row.value(FieldKind.AMOUNT),
        remarks=row.cell("remarks") or None,
    )
