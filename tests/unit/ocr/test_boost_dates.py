"""Days that are misread or go on in the next line are read rightly, or left; never invented."""

import pytest

from registre_cli.core.documents import Source
from registre_cli.demo.wording import in_words, year_in_words
from registre_cli.ocr.boost import Boosted, FieldKind, boost, load_rules
from registre_cli.ocr.boost.doubt import DoubtfulError
from registre_cli.ocr.boost.french_numbers import number_in_words

RULES = load_rules()


def days(boosted: Boosted) -> list[str]:
    return [field.value for field in boosted.fields if field.kind is FieldKind.DATE]


def test_every_day_and_year_in_words_is_read() -> None:
    assert [number_in_words(in_words(day)) for day in range(1, 32)] == list(range(1, 32))
    years = range(1600, 2101)
    assert [number_in_words(year_in_words(year)) for year in years] == list(years)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("quatre-vinget-treize", 93),
        ("v1ngt et un", 21),
        ("sépt", 7),
        ("soixante et onze", 71),
        ("centsoixante", 160),
        ("vingtsept", 27),
    ],
)
def test_a_misread_number_is_read_where_one_word_is_nearest(text: str, number: int) -> None:
    assert number_in_words(text) == number


@pytest.mark.parametrize("text", ["trenze", "quatrze", "quatre-treize", "sept et huit", "quant"])
def test_words_that_may_be_another_number_or_none_are_in_doubt(text: str) -> None:
    with pytest.raises(DoubtfulError):
        number_in_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "le dix-huit juin mil neuf cent\nquatre-vingt-treize, devant",
        "le dix-huit juin mil neuf cent quatre-\nvingt-treize, devant",
        "le dix-huit juin mil neuf cent quatre-vingt-\ntreize, devant",
        "le dix-huit juin mil neuf cent quatre-vingt\n\ntreize, devant",
        "le dix-\nhuit juin mil neuf cent quatre-vingt-treize, devant",
    ],
)
def test_a_day_in_words_that_goes_on_in_the_next_line_is_found_whole(text: str) -> None:
    boosted = boost(text, Source.ACTE, RULES)
    assert days(boosted) == ["1993-06-18"]
    assert boosted.text == text


def test_a_day_in_words_at_the_end_of_a_page_is_found() -> None:
    boosted = boost("Fait à Laval, le dix mai deux mille\n", Source.ACTE, RULES)
    assert days(boosted) == ["2000-05-10"]


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("et prend effet le 26 avril 19809.", True),
        ("payable le 15 mais 1998, avec", True),
        ("le trenze mai mil neuf cent dix, devant", True),
        ("le dix mai mil neuf cent trente tous deux", True),
        ("le dix mai mil neuf cent ~inquante et un, devant", False),
    ],
)
def test_a_day_that_cannot_be_decided_stays_as_it_was_read(text: str, flagged: bool) -> None:
    boosted = boost(text, Source.ACTE, RULES)
    assert boosted.text == text
    assert days(boosted) == []
    assert bool(boosted.flags) == flagged


def test_a_day_of_an_index_is_read_whatever_sign_stands_for_a_hyphen() -> None:
    row = "| 223 664 | Quittance | Céline St-Pierre |"
    for read in ("1995-05:31", "1995;05-31", "1995-0531", "1995-0 5-31"):
        assert days(boost(f"{read} {row}", Source.INDEX, RULES)) == ["1995-05-31"], read


def test_a_day_of_an_index_that_cannot_be_stays_and_is_marked() -> None:
    text = "1980:10-64 | 24 897 802 | Testament | Geneviève Leblanc |"
    boosted = boost(text, Source.INDEX, RULES)
    assert boosted.text == text
    assert [flag.message for flag in boosted.flags] == ["there is no such day"]
