"""Rules and the rows of an index."""

import pytest

from registre_cli.core.documents import Source
from registre_cli.ocr.boost import boost, load_rules

RULES = load_rules(None)


@pytest.mark.parametrize(
    "row",
    [
        "1998-08-03 | 20 123 409 | Hypothèque | Banque Royale du Canada Pierre | 410 000 $ |",
        "| 302 210 | Bail | Pierre Morin |  |",
        '" | " | Vente | 12 | 5 | 0 $',
    ],
)
def test_the_bar_between_two_cells_is_never_taken_for_a_digit(row: str) -> None:
    boosted = boost(row, Source.INDEX, RULES).text
    assert boosted.count("|") == row.count("|")
    assert [cell.strip() for cell in boosted.split("|")][4:5] == [
        cell.strip() for cell in row.split("|")
    ][4:5]
