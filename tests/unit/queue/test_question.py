"""How a person's question is put to PostgreSQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registre_cli.queue.folding import folded_letters, folded_with_origins
from registre_cli.queue.question import forms_of


@pytest.mark.parametrize(
    ("asked", "put"),
    [
        ("hypothèque Laval 2019", "hypotheque Laval 2019"),
        ("283-359", '"283 359"'),
        ("2019-03-15", '"2019 03 15"'),
        ("l'immeuble", '"l immeuble"'),
        ('-"de Québec" -vente', '-"de Quebec" -vente'),
        ('"never closed', '"never closed"'),
        ("Saint-Eustache - Laval", '"Saint Eustache" Laval'),
        ("sœur publiée ", "soeur publie"),
        ('""  - ,', ""),
        ("a\x00b", '"a b"'),
    ],
)
def test_accents_are_left_out_and_parted_words_are_phrases(asked: str, put: str) -> None:
    assert forms_of(asked) == (put, put)


@pytest.mark.parametrize("asked", ["lot 1234567", "lot 1 234 567"])
def test_a_long_number_is_looked_for_in_both_ways_of_writing(asked: str) -> None:
    assert forms_of(asked) == ('lot "1 234 567"', "lot 1234567")


def test_a_number_within_a_phrase_stays_in_it_and_a_year_is_no_long_number() -> None:
    assert forms_of('"lot 1234567" 2019') == ('"lot 1 234 567" 2019', '"lot 1234567" 2019')


@given(st.text(alphabet='éeEÉsœŒ-_ "ab\u0301\u00ad\x01'))
def test_each_folded_sign_remembers_where_it_came_from(text: str) -> None:
    folded, origins = folded_with_origins(text)
    assert len(folded) == len(origins)
    assert list(origins) == sorted(origins)
    assert folded.replace(" ", "") == "".join(
        sign for sign in folded_letters(text.replace("-", " ").replace("_", " ")) if sign > " "
    )
