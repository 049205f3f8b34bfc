"""Which text layers are taken for what the page shows."""

import pytest

from registre_cli.ocr.layer import is_good_layer
from registre_cli.ocr.models import PageContent

TEXT = "Vente par Étienne Bélanger à Hydro-Québec du lot 1 234 567, circonscription de Laval. " * 4
STAMP = "Copie certifiée conforme, 2019-04-03"
PLAIN = PageContent(picture_share=0.0, shapes=3, hidden_text=False)
SCAN = PageContent(picture_share=1.0, shapes=0, hidden_text=False)


def shifted(text: str, by: int) -> str:
    """Return what a font without its table of letters yields: each letter another one."""
    return "".join(
        chr((ord(letter) - 97 + by) % 26 + 97) if "a" <= letter <= "z" else letter
        for letter in text.lower()
    )


def test_print_and_earlier_ocr_are_taken() -> None:
    assert is_good_layer(TEXT, PLAIN)
    assert is_good_layer(STAMP, PLAIN)
    assert is_good_layer(TEXT, SCAN)
    assert is_good_layer(TEXT, PageContent(picture_share=1.0, shapes=0, hidden_text=True))
    assert is_good_layer("1 234 567 - 2 345 678 - 3 456 789", PLAIN)


@pytest.mark.parametrize("by", [1, 3, 7, 13, 22])
def test_a_layer_of_wrong_encoding_is_not_taken(by: int) -> None:
    assert not is_good_layer(shifted(TEXT, by), PLAIN)


def test_a_stamp_over_a_scan_or_over_outlined_letters_is_not_taken() -> None:
    assert not is_good_layer(STAMP, SCAN)
    assert not is_good_layer(STAMP, PageContent(picture_share=0.0, shapes=2_000, hidden_text=False))


def test_invisible_text_over_nothing_is_not_taken() -> None:
    assert not is_good_layer(TEXT, PageContent(picture_share=0.0, shapes=0, hidden_text=True))


@pytest.mark.parametrize(
    "text", ["", "¤§¬¦ ¤¦§ ¬¬¬ ¦¦¦ " * 20, "\ufffd" * 300, "Ωμέγα καὶ ἄλφα " * 20]
)
def test_symbols_and_other_scripts_are_not_taken(text: str) -> None:
    assert not is_good_layer(text, PLAIN)
