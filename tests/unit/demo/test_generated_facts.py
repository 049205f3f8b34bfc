"""What the generator says of its pages is what they print, no more and no less."""

import random
from datetime import date

import pytest

from registre_cli.demo.facts import invent_acte, invent_index
from registre_cli.demo.layout import LaidOutPage, acte_pages, index_pages
from registre_cli.demo.wording import date_in_words, year_in_words
from registre_cli.ocr.boost import FieldKind
from registre_cli.ocr.drawing import Words

AS_PRINTED = {FieldKind.LOT, FieldKind.REGISTRATION, FieldKind.MATRICULE, FieldKind.POSTAL_CODE}


def tight(page: LaidOutPage) -> str:
    return "".join(mark.text for mark in page.marks if isinstance(mark, Words)).replace(" ", "")


@pytest.mark.parametrize("seed", range(12))
def test_every_number_that_a_page_says_is_printed_there(seed: int) -> None:
    chance = random.Random(seed)
    pages = acte_pages(invent_acte(chance, 3), chance) + index_pages(
        invent_index(chance, 2), chance
    )
    for page in pages:
        for field in page.fields:
            if field.kind in AS_PRINTED:
                assert field.value.replace(" ", "") in tight(page)


@pytest.mark.parametrize("seed", range(12))
def test_every_entry_of_an_index_is_known_with_all_its_fields(seed: int) -> None:
    chance = random.Random(seed)
    facts = invent_index(chance, 2)
    for entries, page in zip(facts.pages, index_pages(facts, chance), strict=True):
        dates = [field.value for field in page.fields if field.kind is FieldKind.DATE]
        assert dates == [entry.published.isoformat() for entry in entries]
        amounts = [field.value for field in page.fields if field.kind is FieldKind.AMOUNT]
        assert len(amounts) == sum(entry.amount is not None for entry in entries)


def test_the_same_seed_makes_the_same_pages() -> None:
    first, second = (acte_pages(invent_acte(random.Random(5), 2), random.Random(6)) for _ in "ab")
    assert first == second


@pytest.mark.parametrize(
    ("year", "words"),
    [
        (1903, "mil neuf cent trois"),
        (1971, "mil neuf cent soixante et onze"),
        (1980, "mil neuf cent quatre-vingts"),
        (1998, "mil neuf cent quatre-vingt-dix-huit"),
        (2000, "deux mille"),
        (2021, "deux mille vingt et un"),
    ],
)
def test_years_are_worded_as_deeds_word_them(year: int, words: str) -> None:
    assert year_in_words(year) == words
    assert date_in_words(date(year, 1, 1)) == f"premier janvier {words}"
