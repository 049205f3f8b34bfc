"""Invented facts of a land register: the ground truth of every generated page."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

CIRCONSCRIPTIONS = (
    "Montréal", "Laval", "Verchères", "Québec", "Chambly", "Terrebonne", "Hull", "Sherbrooke",
    "Trois-Rivières", "Saint-Hyacinthe", "Rimouski", "Beauharnois", "Joliette", "L'Assomption",
)  # fmt: skip
PARISHES = (
    "Paroisse de Sainte-Julie", "Paroisse de Saint-Laurent", "Village de Boucherville",
    "Canton de Hull", "Paroisse de Beauport", "Cité de Trois-Rivières", "Paroisse de Varennes",
)  # fmt: skip
GIVEN_NAMES = (
    "Jean", "Marie", "Pierre", "Louise", "André", "Hélène", "François", "Geneviève", "Étienne",
    "Thérèse", "Rémi", "Françoise", "Jérôme", "Noémie", "Gaétan", "Céline",
)  # fmt: skip
FAMILY_NAMES = (
    "Tremblay", "Gagnon", "Côté", "Bélanger", "Lévesque", "Bouchard", "Gauthier", "Morin",
    "Lavoie", "Fortin", "Gagné", "Ouellet", "Pelletier", "Bergeron", "Leblanc", "Désilets",
)  # fmt: skip
LENDERS = (
    "Banque Royale du Canada", "Banque Nationale du Canada", "Banque de Montréal",
    "Caisse Desjardins de Verchères", "Banque Toronto-Dominion", "Banque Laurentienne du Canada",
)  # fmt: skip
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
NATURES = (
    "Vente", "Hypothèque", "Quittance", "Mainlevée", "Servitude", "Donation", "Préavis d'exercice",
    "Cession de rang", "Testament", "Bail",
)  # fmt: skip


@dataclass(frozen=True)
class IndexEntry:
    """One line of an index aux immeubles; `amount` in dollars."""

    published: date
    registration: str
    nature: str
    parties: tuple[str, ...]
    amount: int | None
    remarks: str


@dataclass(frozen=True)
class IndexFacts:
    """One index aux immeubles: the lot and its entries, a tuple for each page."""

    lot: str
    circonscription: str
    cadastre: str
    pages: tuple[tuple[IndexEntry, ...], ...]


@dataclass(frozen=True)
class ActeFacts:
    """One deed of sale with its mortgage."""

    registration: str
    signed: date
    notary: str
    seller: str
    buyer: str
    lender: str
    lot: str
    circonscription: str
    cadastre: str
    price: int
    loan: int
    pages: int


def french_date(day: date) -> str:
    """Return `15 janvier 2020`, the first of a month as `1er`."""
    ordinal = "1er" if day.day == 1 else str(day.day)
    return f"{ordinal} {MONTHS[day.month - 1]} {day.year}"


def grouped(number: int) -> str:
    """Return a number in groups of three digits, as registers write it."""
    return f"{number:,}".replace(",", " ")


def invent_index(chance: random.Random, pages: int) -> IndexFacts:
    """Invent an index of `pages` pages."""
    in_renewed_cadastre = chance.random() < 0.6
    lot = (
        grouped(chance.randint(1_000_000, 6_999_999))
        if in_renewed_cadastre
        else f"{chance.randint(100, 999)}-{chance.randint(1, 499)}"
    )
    day = date(chance.randint(1975, 1995), chance.randint(1, 12), chance.randint(1, 28))
    filled = []
    for _ in range(pages):
        entries = []
        for _ in range(chance.randint(9, 14)):
            day += timedelta(days=chance.randint(40, 400))
            entries.append(_invent_entry(chance, day))
        filled.append(tuple(entries))
    return IndexFacts(
        lot=lot,
        circonscription=chance.choice(CIRCONSCRIPTIONS),
        cadastre="Cadastre du Québec" if in_renewed_cadastre else chance.choice(PARISHES),
        pages=tuple(filled),
    )


def invent_acte(chance: random.Random, pages: int) -> ActeFacts:
    """Invent a deed of `pages` pages."""
    price = chance.randint(80, 900) * 1_000 + chance.choice((0, 500))
    return ActeFacts(
        registration=grouped(chance.randint(10_000_000, 28_999_999)),
        signed=date(chance.randint(1995, 2024), chance.randint(1, 12), chance.randint(1, 28)),
        notary=_person(chance),
        seller=_person(chance),
        buyer=_person(chance),
        lender=chance.choice(LENDERS),
        lot=grouped(chance.randint(1_000_000, 6_999_999)),
        circonscription=chance.choice(CIRCONSCRIPTIONS),
        cadastre="Cadastre du Québec",
        price=price,
        loan=price * 3 // 4 // 500 * 500,
        pages=pages,
    )


def _invent_entry(chance: random.Random, day: date) -> IndexEntry:
    nature = chance.choice(NATURES)
    if nature in {"Hypothèque", "Quittance", "Mainlevée", "Préavis d'exercice"}:
        parties = (chance.choice(LENDERS), _person(chance))
    elif nature == "Servitude":
        parties = ("Hydro-Québec", _person(chance))
    else:
        parties = (_person(chance), _person(chance))
    has_amount = nature in {"Vente", "Hypothèque"}
    return IndexEntry(
        published=day,
        registration=grouped(chance.randint(100_000, 28_999_999)),
        nature=nature,
        parties=parties,
        amount=chance.randint(20, 700) * 1_000 if has_amount else None,
        remarks="ligne et poteaux" if nature == "Servitude" else "",
    )


def _person(chance: random.Random) -> str:
    return f"{chance.choice(GIVEN_NAMES)} {chance.choice(FAMILY_NAMES)}"
