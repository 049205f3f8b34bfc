"""Putting facts on pages, as registers and deeds look."""

import textwrap
from dataclasses import asdict
from importlib.resources import files

from registre_cli.demo.facts import ActeFacts, IndexEntry, IndexFacts, french_date, grouped
from registre_cli.ocr.drawing import PAGE_HEIGHT, PAGE_WIDTH, Mark, Rule, Words

_MARGIN = 40
_ROW_HEIGHT = 44
# The left edges of an index's columns, in points, and their headings.
_COLUMNS = (
    (_MARGIN, "Date"),
    (112, "Inscription"),
    (190, "Nature de l'acte"),
    (290, "Parties"),
    (440, "Montant"),
    (500, "Remarques"),
)
_LINE_CHARACTERS = 88
_LINE_HEIGHT = 19
_LINES_ON_A_PAGE = 34


def index_pages(facts: IndexFacts) -> list[list[Mark]]:
    """Lay out an index aux immeubles: a heading and a ruled table on each page."""
    return [
        _index_page(facts, entries, number) for number, entries in enumerate(facts.pages, start=1)
    ]


def acte_pages(facts: ActeFacts) -> list[list[Mark]]:
    """Lay out a deed: its number, a title and prose, spread over its pages."""
    lines = [
        line
        for paragraph in _deed(facts)
        for line in [*textwrap.wrap(paragraph, _LINE_CHARACTERS), ""]
    ]
    share = max(-(-len(lines) // facts.pages), 1)
    pages: list[list[Mark]] = []
    for number in range(facts.pages):
        marks: list[Mark] = [Words(PAGE_WIDTH - 190, 50, f"No {facts.registration}", 12)]
        if number == 0:
            marks.append(Words(PAGE_WIDTH / 2 - 70, 95, "ACTE DE VENTE", 16, "Times-Bold"))
        for row, line in enumerate(lines[number * share : (number + 1) * share][:_LINES_ON_A_PAGE]):
            marks.append(Words(_MARGIN + 25, 130 + row * _LINE_HEIGHT, line, 12.5))
        marks.append(Words(PAGE_WIDTH / 2 - 15, PAGE_HEIGHT - 40, f"Page {number + 1}", 10))
        pages.append(marks)
    return pages


def _index_page(facts: IndexFacts, entries: tuple[IndexEntry, ...], number: int) -> list[Mark]:
    marks: list[Mark] = [
        Words(PAGE_WIDTH / 2 - 95, 45, "INDEX DES IMMEUBLES", 15, "Helvetica-Bold"),
        Words(_MARGIN, 70, f"Circonscription foncière : {facts.circonscription}", 11, "Helvetica"),
        Words(_MARGIN, 88, f"Cadastre : {facts.cadastre}", 11, "Helvetica"),
        Words(370, 70, f"Lot : {facts.lot}", 11, "Helvetica-Bold"),
        Words(370, 88, f"Page {number} de {len(facts.pages)}", 11, "Helvetica"),
    ]
    top = 105
    bottom = top + 24 + len(entries) * _ROW_HEIGHT
    for x, heading in _COLUMNS:
        marks.append(Rule(x - 4, top, x - 4, bottom))
        marks.append(Words(x, top + 16, heading, 9.5, "Helvetica-Bold"))
    marks.append(Rule(PAGE_WIDTH - 20, top, PAGE_WIDTH - 20, bottom))
    marks.append(Rule(_MARGIN - 4, top, PAGE_WIDTH - 20, top))
    for row, entry in enumerate(entries):
        y = top + 24 + row * _ROW_HEIGHT
        marks.append(Rule(_MARGIN - 4, y, PAGE_WIDTH - 20, y))
        for (x, _), text in zip(_COLUMNS, _cells(entry), strict=True):
            for line_number, line in enumerate(text.split("\n")):
                marks.append(Words(x, y + 17 + line_number * 14, line, 10, "Helvetica"))
    marks.append(Rule(_MARGIN - 4, bottom, PAGE_WIDTH - 20, bottom))
    return marks


def _cells(entry: IndexEntry) -> tuple[str, ...]:
    return (
        entry.published.isoformat(),
        entry.registration,
        entry.nature,
        "\n".join(entry.parties),
        "" if entry.amount is None else f"{grouped(entry.amount)} $",
        entry.remarks.replace(" et ", " et\n"),
    )


def _deed(facts: ActeFacts) -> list[str]:
    values = {
        "year": facts.signed.year,
        "date": french_date(facts.signed),
        "price_in_dollars": grouped(facts.price),
        "loan_in_dollars": grouped(facts.loan),
        **asdict(facts),
    }
    template = files("registre_cli.demo").joinpath("deed.txt").read_text("utf-8")
    paragraphs = [" ".join(part.split()).format_map(values) for part in template.split("\n\n")]
    *body, clause, closing = paragraphs
    clauses = [f"{number}. {clause}" for number in range(1, facts.pages * 5 - 7)]
    return [*body, *clauses, closing]
