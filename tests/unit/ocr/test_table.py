"""Rows and cells from words and ruled lines."""

import numpy as np
import pytest

from registre_cli.ocr.drawing import Mark, Rule, Words, draw
from registre_cli.ocr.models import Box, Word
from registre_cli.ocr.table import Rulings, find_rulings, table_text

WIDTH = 1000


def word(
    text: str, left: int, top: int, width: int = 90, height: int = 20, confidence: float = 90.0
) -> Word:
    return Word(text, Box(left, top, width, height), confidence, 0)


def row(top: int, *texts: str, columns: tuple[int, ...] = (50, 350, 650)) -> list[Word]:
    return [word(text, left, top) for text, left in zip(texts, columns, strict=False) if text]


def test_white_rivers_part_columns_and_empty_cells_are_kept() -> None:
    words = [
        *row(100, "Date", "Nature", "Montant"),
        *row(160, "2019-01-02", "Vente", "5 $"),
        *row(220, "2019-02-03", "", "6 $"),
        *row(280, "2019-03-04", "Bail", ""),
        *row(340, "2019-04-05", "Quittance", "7 $"),
    ]
    assert table_text(words, None, WIDTH) == (
        "Date | Nature | Montant\n"
        "2019-01-02 | Vente | 5 $\n"
        "2019-02-03 |  | 6 $\n"
        "2019-03-04 | Bail |\n"
        "2019-04-05 | Quittance | 7 $"
    )


def test_a_line_close_below_an_entry_belongs_to_it() -> None:
    words = [word for top in range(100, 600, 60) for word in row(top, "a1", "b1", "c1")]
    words += row(130, "", "continued", "")
    text = table_text(words, None, WIDTH)
    assert text is not None
    assert text.splitlines()[:2] == ["a1 | b1 continued | c1", "a1 | b1 | c1"]


def test_prose_is_no_table() -> None:
    words = [
        word(f"w{line}-{place}", 50 + 105 * place + 13 * (line % 5), 100 + 30 * line)
        for line in range(20)
        for place in range(8)
    ]
    assert table_text(words, None, WIDTH) is None
    assert table_text([], None, WIDTH) is None


def test_ditto_marks_are_kept_whatever_they_were_read_as() -> None:
    words = [word for top in range(100, 500, 60) for word in row(top, "lot", "Vente", "nom")]
    words += [word("Li", 80, 520, 14, 12), word("s", 380, 521, 13, 11), *row(520, "", "", "Roy")]
    words += [word(".", 90, 593, 5, 5), *row(580, "", "Bail", "Roy")]
    text = table_text(words, None, WIDTH)
    assert text is not None
    assert text.splitlines()[-2:] == ['" | " | Roy', ". | Bail | Roy"]


def test_ruled_lines_part_rows_and_columns_whatever_stands_between() -> None:
    rulings = Rulings(columns=(40, 340, 640, 940), rows=(90, 200, 310), top=90, bottom=310)
    words = [
        *row(30, "INDEX", "AUX", "IMMEUBLES"),
        *row(100, "1987", "Hypothèque", "Banque"),
        *row(140, "", "", "Désilets"),
        *row(220, "1988", "|", "Jean"),
        *row(400, "Page", "1", ""),
    ]
    assert table_text(words, rulings, WIDTH) == (
        "INDEX AUX IMMEUBLES\n1987 | Hypothèque | Banque Désilets\n1988 |  | Jean\nPage 1"
    )


def test_rulings_are_found_on_a_drawn_form_and_not_among_letters() -> None:
    letters: list[Mark] = [
        Words(60, 120 + 20 * line, "Illimité l'hôtel " * 4) for line in range(20)
    ]
    assert find_rulings(np.asarray(draw(letters, 200)), 200) is None
    form: list[Mark] = [Rule(x, 100, x, 500) for x in (50, 150, 300, 550)]
    form += [Rule(50, y, 550, y) for y in (100, 150, 500)]
    found = find_rulings(np.asarray(draw([*letters, *form], 200)), 200)
    assert found is not None
    assert [x * 72 / 200 for x in found.columns] == pytest.approx([50, 150, 300, 550], abs=1)
    assert [y * 72 / 200 for y in found.rows] == pytest.approx([100, 150, 500], abs=1)


def test_a_title_across_the_columns_stays_in_one_piece() -> None:
    title = [word(text, 200 + 100 * place, 40) for place, text in enumerate("abcdef")]
    words = [*title, *(word for top in range(100, 900, 60) for word in row(top, "a", "b", "c"))]
    text = table_text(words, None, WIDTH)
    assert text is not None
    assert text.splitlines()[:2] == ["a b c d e f", "a | b | c"]


def test_rules_that_run_through_words_part_nothing() -> None:
    rulings = Rulings(columns=(85, 385, 685, 900), rows=(), top=90, bottom=900)
    words = [word for top in range(100, 900, 60) for word in row(top, "lot", "Vente", "nom")]
    text = table_text(words, rulings, WIDTH)
    assert text is not None
    assert set(text.splitlines()) == {"lot | Vente | nom"}


def test_a_table_without_a_frame_keeps_its_outer_columns() -> None:
    rulings = Rulings(columns=(240, 440, 640), rows=(), top=90, bottom=900)
    columns = (50, 250, 450, 650)
    words = [word for top in range(100, 900, 60) for word in row(top, *"abcd", columns=columns)]
    text = table_text(words, rulings, WIDTH)
    assert text is not None
    assert set(text.splitlines()) == {"a | b | c | d"}


def test_an_equals_sign_is_no_ditto_mark_and_an_unsure_low_mark_is_one() -> None:
    words = [word for top in range(100, 500, 60) for word in row(top, "lot", "Vente", "nom")]
    words += [word("=", 80, 522, 16, 9), *row(520, "", "Bail", "Roy")]
    words += [word(".", 80, 590, 13, 12, confidence=20.0), *row(580, "", "Bail", "Roy")]
    text = table_text(words, None, WIDTH)
    assert text is not None
    assert text.splitlines()[-2:] == ["= | Bail | Roy", '" | Bail | Roy']
