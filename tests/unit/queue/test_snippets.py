"""The places of a text that are shown for a question."""

import time

from hypothesis import given
from hypothesis import strategies as st

from registre_cli.queue.snippets import snippets_of

TEXT = (
    "--- Page 1 ---\nACTE DE VENTE\n\nà Laval\n\n--- Page 7 ---\n"
    + "mot " * 100
    + "une hypothèque\n  à Laval "
    + "mot " * 100
)


def spans(text: str, *words: str) -> list[tuple[int, int]]:
    return sorted(
        (start, start + len(word))
        for word in words
        for start in range(len(text))
        if text.startswith(word, start)
    )


def test_the_places_with_the_most_words_are_shown_with_their_page() -> None:
    first, second = snippets_of(TEXT, spans(TEXT, "Laval", "hypothèque"))
    assert (first.page, first.text) == (1, "ACTE DE VENTE à Laval")
    assert second.page == 7
    assert "une hypothèque à Laval mot" in second.text
    assert second.text.startswith("… mot") and second.text.endswith("mot …")
    assert [second.text[a:b] for a, b in second.matches] == ["hypothèque", "Laval"]


def test_words_of_a_page_marker_are_no_words_of_the_document() -> None:
    (snippet,) = snippets_of(TEXT, spans(TEXT, "Page"))
    assert (snippet.page, snippet.text, snippet.matches) == (1, "ACTE DE VENTE à Laval", ())


@given(st.text(alphabet="a b\n-") | st.text(), st.data())
def test_every_snippet_of_any_text_marks_what_was_found(text: str, data: st.DataObject) -> None:
    starts = data.draw(st.lists(st.integers(0, max(len(text) - 1, 0)), max_size=5, unique=True))
    found = [(start, start + 1) for start in sorted(starts) if start < len(text)]
    for snippet in snippets_of(text, [span for span in found if not text[span[0]].isspace()]):
        assert "\n" not in snippet.text
        for start, end in snippet.matches:
            assert 0 <= start < end <= len(snippet.text)


def test_a_megabyte_that_is_full_of_the_word_takes_no_time() -> None:
    text = "".join(f"--- Page {page} ---\n" + "lot " * 500 for page in range(1, 500))
    found = [(start, start + 3) for start in range(0, len(text), 4)]
    started = time.process_time()
    assert len(snippets_of(text, found)) == 2
    assert time.process_time() - started < 2
