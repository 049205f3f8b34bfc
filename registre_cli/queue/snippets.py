"""The places of a text that answer a question."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from registre_cli.core.documents import PAGE_MARKER

Span = tuple[int, int]

_MOST_SNIPPETS = 2
_SNIPPET_CHARACTERS = 160
# How much of it stands before the first found word.
_LEAD_CHARACTERS = 40
# Of a text that is full of the words, the beginning is enough.
_MOST_MATCHES = 5_000
_PAGE_LINE = re.compile(
    "^" + re.escape(PAGE_MARKER).replace(r"\{number\}", r"(\d{1,9})") + "$", re.MULTILINE
)


_BLANK = re.compile(r"\s+")


@dataclass(frozen=True)
class Snippet:
    """A place on a page; `matches` are start and end of the found words within `text`."""

    page: int
    text: str
    matches: tuple[Span, ...]


@dataclass(frozen=True)
class _Page:
    number: int
    start: int
    end: int


def snippets_of(text: str, matches: Sequence[Span]) -> tuple[Snippet, ...]:
    """Return the places with the most different words, in the order of the text.

    Without any match, the beginning of the text is the place.
    """
    pages = _pages(text)
    # The words of a page marker are no words of the document.
    matches = [span for span in matches if _is_on_a_page(span, pages)][:_MOST_MATCHES]
    if not matches:
        return (_snippet(text, (), pages[0].start, pages[0]),)
    weighed = sorted(
        range(len(matches)),
        key=lambda index: (-_words_from(text, matches, index, pages), index),
    )
    chosen: dict[int, _Page] = {}
    for index in weighed:
        start = matches[index][0]
        page = _page_at(pages, start)
        if all(page != other or abs(start - place) > _SNIPPET_CHARACTERS
               for place, other in chosen.items()):  # fmt: skip
            chosen[start] = page
        if len(chosen) == _MOST_SNIPPETS:
            break
    return tuple(_snippet(text, matches, start, chosen[start]) for start in sorted(chosen))


def _pages(text: str) -> list[_Page]:
    markers = list(_PAGE_LINE.finditer(text))
    if not markers:
        return [_Page(1, 0, len(text))]
    ends = [*(marker.start() for marker in markers[1:]), len(text)]
    return [
        _Page(int(marker[1]), marker.end(), end) for marker, end in zip(markers, ends, strict=True)
    ]


def _page_at(pages: Sequence[_Page], place: int) -> _Page:
    return pages[max(bisect_right(pages, place, key=lambda page: page.start) - 1, 0)]


def _is_on_a_page(span: Span, pages: Sequence[_Page]) -> bool:
    page = _page_at(pages, span[0])
    return page.start <= span[0] and span[1] <= page.end


def _words_from(text: str, matches: Sequence[Span], first: int, pages: Sequence[_Page]) -> int:
    """Count the different words of a place that begins with this match."""
    start = matches[first][0]
    limit = min(start + _SNIPPET_CHARACTERS - _LEAD_CHARACTERS, _page_at(pages, start).end)
    words = set()
    for start, end in matches[first:]:
        if end > limit:
            break
        words.add(text[start:end].lower())
    return len(words)


def _snippet(text: str, matches: Sequence[Span], place: int, page: _Page) -> Snippet:
    start = max(place - _LEAD_CHARACTERS, page.start)
    end = min(start + _SNIPPET_CHARACTERS, page.end)
    # No word is cut in two, as long as there are blanks.
    if start > page.start and (blank := _BLANK.search(text, start, place)):
        start = blank.end()
    if end < page.end and (blank := _BLANK.search(text, end, page.end)):
        end = min(blank.start(), end + _LEAD_CHARACTERS)
    shown = "… " if text[page.start : start].strip() else ""
    # Where each sign of the place stands once every gap is one blank.
    stands: dict[int, int] = {}
    for at in range(start, end):
        stands[at] = len(shown)
        if not text[at].isspace():
            shown += text[at]
        elif shown and shown[-1] != " ":
            shown += " "
    stands[end] = len(shown)
    found = tuple(
        (stands[first], stands[last])
        for first, last in matches
        if first in stands and last in stands
    )
    return Snippet(
        page.number, shown.rstrip() + (" …" if text[end : page.end].strip() else ""), found
    )
