"""Hostile text is shown harmlessly and stored validly."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from registre_cli.core.text import json_text, printable, storable

ANY_TEXT = st.text(st.characters(codec=None, categories=None))


def test_terminal_escapes_newlines_and_direction_marks_are_defused() -> None:
    shown = printable("\x1b[2J12\n345\u202e\x9b31m")
    assert shown == "�[2J12 345��31m"


def test_french_text_is_shown_as_it_is() -> None:
    assert printable("Île-aux-Grues, n° 283-359, L'Islet") == "Île-aux-Grues, n° 283-359, L'Islet"


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert printable("abcdef", limit=4) == "abc…"
    assert printable("abcd", limit=4) == "abcd"


@given(ANY_TEXT)
def test_nothing_that_a_terminal_could_obey_is_ever_shown(text: str) -> None:
    assert all(unicodedata.category(character)[0] != "C" for character in printable(text))


@given(ANY_TEXT)
def test_json_holds_the_very_text_and_nothing_that_a_terminal_could_obey(text: str) -> None:
    shown = json_text({"é": [text]}, indent=2)
    # Two surrogates that make a pair are the character that they stand for.
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(shown) == {"é": [joined]}
    assert all(unicodedata.category(c)[0] != "C" for c in shown if c != "\n")
    assert "é" in shown and shown.encode()


@given(ANY_TEXT)
def test_stored_text_is_valid_and_has_no_nul(text: str) -> None:
    assert b"\x00" not in storable(text).encode("utf-8")
