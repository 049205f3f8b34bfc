"""Putting facts on pages, as registers and deeds look."""

import random
import textwrap
from dataclasses import dataclass

from registre_cli.demo.deeds import deed_lines
from registre_cli.demo.facts import ActeFacts, IndexEntry, IndexFacts
from registre_cli.demo.printed import PrintedField
from registre_cli.demo.wording import grouped
from registre_cli.ocr.boost.record import FieldKind
from registre_cli.ocr.drawing import PAGE_HEIGHT, PAGE_WIDTH, Font, Mark, Rule, Words

_MARGIN = 40
_ROW_HEIGHT = 44
_LINE_CHARACTERS = 88
_LINE_HEIGHT = 19
_LINES_ON_A_PAGE = 34
_TITLE_SIZE = 16
# A longer name is broken in its cell.
_PARTY_WIDTH = 27


@dataclass(frozen=True)
class LaidOutPage:
    """What is drawn on a page, and every field that stands there."""

    marks: tuple[Mark, ...]
    fields: tuple[PrintedField, ...]


@dataclass(frozen=True)
class _Form:
    """How one registry prints its index: columns by their left edge in points, and letters."""

    columns: tuple[tuple[int, str], ...]
    font: Font
    bold: Font
    has_upright_rules: bool


_FORMS = (
    _Form(
        (
            (_MARGIN, "Date"),
            (112, "Inscription"),
            (190, "Nature de l'acte"),
            (290, "Parties"),
            (440, "Montant"),
            (500, "Remarques"),
        ),
        "Helvetica",
        "Helvetica-Bold",
        has_upright_rules=True,
    ),
    _Form(
        (
            (_MARGIN, "Présentation"),
            (118, "Numéro"),
            (186, "Nature"),
            (282, "Noms des parties"),
            (432, "Montant"),
            (500, "Observations"),
        ),
        "Times-Roman",
        "Times-Bold",
        has_upright_rules=False,
    ),
)


def index_pages(facts: IndexFacts, chance: random.Random) -> list[LaidOutPage]:
    """Lay out an index aux immeubles: a heading and a ruled table on each page."""
    form = chance.choices(_FORMS, (3, 1))[0]
    return [_index_page(facts, number, form) for number in range(1, len(facts.pages) + 1)]


def acte_pages(facts: ActeFacts, chance: random.Random) -> list[LaidOutPage]:
    """Lay out a deed: its number, a title and prose, spread over its pages."""
    title, _, *lines = deed_lines(facts, chance, _LINE_CHARACTERS)
    share = min(max(-(-len(lines) // facts.pages), 1), _LINES_ON_A_PAGE)
    pages = []
    for number in range(facts.pages):
        marks: list[Mark] = [Words(PAGE_WIDTH - 190, 50, f"No {facts.registration}", 12)]
        fields = [_number_field(FieldKind.REGISTRATION, facts.registration)]
        if number == 0:
            left = PAGE_WIDTH / 2 - 5 * len(title.text)
            marks.append(Words(left, 95, title.text, _TITLE_SIZE, "Times-Bold"))
            fields += title.fields
        on_this = lines[number * share : (number + 1) * share]
        for row, line in enumerate(on_this):
            marks.append(Words(_MARGIN + 25, 130 + row * _LINE_HEIGHT, line.text, 12.5))
            # What the end of a page parts stands on no page.
            fields += line.fields + (line.begun if row < len(on_this) - 1 else ())
        marks.append(Words(PAGE_WIDTH / 2 - 15, PAGE_HEIGHT - 40, f"Page {number + 1}", 10))
        pages.append(LaidOutPage(tuple(marks), tuple(fields)))
    return pages


def _index_page(facts: IndexFacts, number: int, form: _Form) -> LaidOutPage:
    entries = facts.pages[number - 1]
    head = form.font
    marks: list[Mark] = [
        Words(PAGE_WIDTH / 2 - 95, 45, "INDEX DES IMMEUBLES", 15, form.bold),
        Words(_MARGIN, 70, f"Circonscription foncière : {facts.circonscription}", 11, head),
        Words(_MARGIN, 88, f"Cadastre : {facts.cadastre}", 11, head),
        Words(370, 70, f"Lot : {facts.lot}", 11, form.bold),
        Words(370, 88, f"Page {number} de {len(facts.pages)}", 11, head),
    ]
    fields = [
        PrintedField(FieldKind.CIRCONSCRIPTION, facts.circonscription),
        _number_field(FieldKind.LOT, facts.lot),
        PrintedField(FieldKind.CADASTRE, facts.cadastre),
    ]
    top = 105
    bottom = top + 24 + len(entries) * _ROW_HEIGHT
    for x, heading in form.columns:
        if form.has_upright_rules:
            marks.append(Rule(x - 4, top, x - 4, bottom))
        marks.append(Words(x, top + 16, heading, 9.5, form.bold))
    if form.has_upright_rules:
        marks.append(Rule(PAGE_WIDTH - 20, top, PAGE_WIDTH - 20, bottom))
    marks.append(Rule(_MARGIN - 4, top, PAGE_WIDTH - 20, top))
    for row, entry in enumerate(entries):
        y = top + 24 + row * _ROW_HEIGHT
        marks.append(Rule(_MARGIN - 4, y, PAGE_WIDTH - 20, y))
        for (x, _), text in zip(form.columns, _cells(entry), strict=True):
            for line_number, line in enumerate(text.split("\n")):
                marks.append(Words(x, y + 15 + line_number * 12.5, line, 10, form.font))
        fields += entry_fields(entry)
    marks.append(Rule(_MARGIN - 4, bottom, PAGE_WIDTH - 20, bottom))
    return LaidOutPage(tuple(marks), tuple(fields))


def _cells(entry: IndexEntry) -> tuple[str, ...]:
    remarks = entry.remarks.replace(" et ", " et\n")
    return (
        entry.published.isoformat(),
        entry.registration,
        entry.nature,
        "\n".join(
            line
            for party in entry.parties
            for line in textwrap.wrap(party, _PARTY_WIDTH, break_on_hyphens=False)
        ),
        "" if entry.amount is None else f"{grouped(entry.amount)} $",
        f"Rad. {entry.struck_by}" if entry.struck_by else remarks,
    )


def entry_fields(entry: IndexEntry) -> list[PrintedField]:
    """Return what one entry of an index says."""
    fields = [
        PrintedField(FieldKind.DATE, entry.published.isoformat()),
        _number_field(FieldKind.REGISTRATION, entry.registration),
        PrintedField(FieldKind.NATURE, entry.nature),
        *(PrintedField(FieldKind.PARTY, party) for party in entry.parties),
    ]
    if entry.amount is not None:
        fields.append(PrintedField(FieldKind.AMOUNT, str(entry.amount)))
    if entry.struck_by is not None:
        fields.append(_number_field(FieldKind.REGISTRATION, entry.struck_by))
    return fields


def _number_field(kind: FieldKind, number: str) -> PrintedField:
    """Return a number as programs compare it; a part of a lot keeps its `P. `."""
    return PrintedField(kind, number if number.startswith("P") else number.replace(" ", ""))
