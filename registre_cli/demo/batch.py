"""The demo's documents: twelve indexes and seven deeds."""

import random
from dataclasses import dataclass

from registre_cli.core.documents import Source
from registre_cli.demo.facts import ActeFacts, IndexFacts, invent_acte, invent_index
from registre_cli.demo.layout import LaidOutPage, acte_pages, index_pages
from registre_cli.demo.scan import scanned_pdf

INDEX_DOCUMENTS = 12
ACTE_DOCUMENTS = 7
SEED = 19


@dataclass(frozen=True)
class GeneratedDocument:
    """A PDF and what stands on it."""

    source: Source
    number: str
    circonscription: str
    cadastre: str
    laid_out: tuple[LaidOutPage, ...]
    pdf: bytes
    facts: IndexFacts | ActeFacts

    @property
    def pages(self) -> int:
        """Return how many pages it has."""
        return len(self.laid_out)


def generate(
    indexes: int = INDEX_DOCUMENTS,
    actes: int = ACTE_DOCUMENTS,
    *,
    seed: int = SEED,
    strength: int = 1,
) -> list[GeneratedDocument]:
    """Return the documents, the same for the same seed, indexes and deeds mixed."""
    chance = random.Random(seed)  # noqa: S311 - invented documents, no secret
    documents = [_index(chance, strength) for _ in range(indexes)]
    documents += [_acte(chance, strength) for _ in range(actes)]
    chance.shuffle(documents)
    return documents


def _index(chance: random.Random, strength: int) -> GeneratedDocument:
    facts = invent_index(chance, pages=chance.choice((1, 1, 1, 2, 2, 3)))
    pages = tuple(index_pages(facts, chance))
    return GeneratedDocument(
        Source.INDEX,
        facts.lot,
        facts.circonscription,
        facts.cadastre,
        pages,
        scanned_pdf([list(page.marks) for page in pages], chance, strength),
        facts,
    )


def _acte(chance: random.Random, strength: int) -> GeneratedDocument:
    facts = invent_acte(chance, pages=chance.choice((1, 1, 2, 2, 3, 4)))
    pages = tuple(acte_pages(facts, chance))
    return GeneratedDocument(
        Source.ACTE,
        facts.registration,
        facts.circonscription,
        facts.cadastre,
        pages,
        scanned_pdf([list(page.marks) for page in pages], chance, strength),
        facts,
    )
