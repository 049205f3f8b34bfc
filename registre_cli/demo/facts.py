"""Invented facts of a land register: the ground truth of every generated page."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from registre_cli.demo.names import (
    BETWEEN_LENDER_AND_OWNER,
    CIRCONSCRIPTIONS,
    FAMILY_NAMES,
    GIVEN_NAMES,
    LENDERS,
    NATURES,
    PARISHES,
    UTILITIES,
)
from registre_cli.demo.wording import grouped

RENEWED_CADASTRE = "Cadastre du Québec"
_REMARKS_OF_UTILITIES = ("ligne et poteaux", "passage et ancrages", "conduite")


@dataclass(frozen=True)
class IndexEntry:
    """One line of an index aux immeubles; `amount` in dollars.

    `struck_by` is the number of the act that the remarks name, `remarks` is what else they say.
    """

    published: date
    registration: str
    nature: str
    parties: tuple[str, ...]
    amount: int | None
    remarks: str
    struck_by: str | None = None


@dataclass(frozen=True)
class IndexFacts:
    """One index aux immeubles: the lot and its entries, a tuple for each page."""

    lot: str
    circonscription: str
    cadastre: str
    pages: tuple[tuple[IndexEntry, ...], ...]


@dataclass(frozen=True)
class ActeFacts:
    """One deed; amounts in dollars.

    `second` is another person, `institution` who lends, `utility` who gets a servitude; each deed
    names those of them that it needs.
    """

    nature: str
    registration: str
    signed: date
    notary: str
    first: str
    second: str
    institution: str
    utility: str
    lot: str
    other_lot: str
    circonscription: str
    cadastre: str
    amount: int
    loan: int
    earlier: str
    earlier_date: date
    other: str
    first_payment: date
    pages: int


def invent_index(chance: random.Random, pages: int) -> IndexFacts:
    """Invent an index of `pages` pages."""
    lot, cadastre = _invent_lot(chance)
    day = date(chance.randint(1975, 1995), chance.randint(1, 12), chance.randint(1, 28))
    filled = []
    for _ in range(pages):
        entries = []
        for _ in range(chance.randint(9, 14)):
            day += timedelta(days=chance.randint(40, 400))
            entries.append(_invent_entry(chance, day))
        filled.append(tuple(entries))
    return IndexFacts(lot, chance.choice(CIRCONSCRIPTIONS), cadastre, tuple(filled))


def invent_acte(chance: random.Random, pages: int) -> ActeFacts:
    """Invent a deed of `pages` pages."""
    amount = chance.randint(8, 900) * 1_000 + chance.choice((0, 500))
    signed = _invent_day(chance, 1975, 2024)
    lot, cadastre = _invent_lot(chance)
    other_lot, _ = _invent_lot(chance)
    return ActeFacts(
        nature=chance.choice(
            ("Vente", "Vente", "Hypothèque immobilière", "Quittance", "Servitude")
        ),
        registration=grouped(chance.randint(10_000_000, 28_999_999)),
        signed=signed,
        notary=_person(chance),
        first=_person(chance),
        second=_person(chance),
        institution=chance.choice(LENDERS),
        utility=chance.choice(UTILITIES),
        lot=lot,
        other_lot=other_lot,
        circonscription=chance.choice(CIRCONSCRIPTIONS),
        cadastre=cadastre,
        amount=amount,
        loan=amount * 3 // 4 // 500 * 500,
        earlier=grouped(chance.randint(50_000, 22_999_999)),
        earlier_date=_invent_day(chance, 1942, signed.year - 1),
        other=grouped(chance.randint(50_000, 22_999_999)),
        first_payment=signed + timedelta(days=chance.randint(20, 60)),
        pages=pages,
    )


def _invent_lot(chance: random.Random) -> tuple[str, str]:
    """Return a lot of the renewed cadastre or of an old one, and that cadastre."""
    if chance.random() < 0.6:
        return grouped(chance.randint(1_000_000, 6_999_999)), RENEWED_CADASTRE
    main = str(chance.randint(2, 999))
    lot = chance.choice(
        (
            f"{main}-{chance.randint(1, 499)}",
            f"P. {main}",
            main,
            f"{main}-{chance.randint(1, 40)}-2",
        )
    )
    return lot, chance.choice(PARISHES)


def _invent_day(chance: random.Random, first_year: int, last_year: int) -> date:
    return date(chance.randint(first_year, last_year), chance.randint(1, 12), chance.randint(1, 28))


def _invent_entry(chance: random.Random, day: date) -> IndexEntry:
    nature = chance.choice(NATURES)
    remarks = ""
    if nature in BETWEEN_LENDER_AND_OWNER:
        parties = (chance.choice(LENDERS), _person(chance))
    elif nature == "Servitude":
        parties = (chance.choice(UTILITIES), _person(chance))
        remarks = chance.choice(_REMARKS_OF_UTILITIES)
    else:
        parties = (_person(chance), _person(chance))
    has_amount = nature in {"Vente", "Hypothèque"}
    struck = nature == "Hypothèque" and chance.random() < 0.5
    return IndexEntry(
        published=day,
        registration=grouped(chance.randint(100_000, 28_999_999)),
        nature=nature,
        parties=parties,
        amount=chance.randint(20, 1_700) * 1_000 if has_amount else None,
        remarks=remarks,
        struck_by=grouped(chance.randint(100_000, 28_999_999)) if struck else None,
    )


def _person(chance: random.Random) -> str:
    return f"{chance.choice(GIVEN_NAMES)} {chance.choice(FAMILY_NAMES)}"
