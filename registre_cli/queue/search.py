"""Searching the corrected texts of one queue."""

from dataclasses import dataclass
from datetime import datetime

from registre_cli.core.errors import WrongUsageError
from registre_cli.queue.connection import Connection
from registre_cli.queue.folding import folded_with_origins
from registre_cli.queue.question import forms_of
from registre_cli.queue.snippets import Snippet, Span, snippets_of
from registre_cli.queue.sql import statement

# Of more documents with the words only so many are weighed: weighing reads each one's words.
MOST_WEIGHED = 10_000
# As in migration 0004: what lies behind is not found.
_MOST_CHARACTERS = 1_000_000
# Around a found word; the text in which words are marked never holds them.
_OPEN, _CLOSE = "\x01", "\x02"


@dataclass(frozen=True)
class Hit:
    """A document that answers, the better the higher its rank."""

    id: str
    source: str
    document_number: str
    completed_at: datetime | None
    rank: float
    snippets: tuple[Snippet, ...]


@dataclass(frozen=True)
class Found:
    """The best hits, and how many documents hold the words, counted up to MOST_WEIGHED."""

    documents: int
    hits: tuple[Hit, ...]

    @property
    def are_all_counted(self) -> bool:
        """Whether no more documents hold the words."""
        return self.documents < MOST_WEIGHED


def search_texts(connection: Connection, question: str, *, source: str | None, limit: int) -> Found:
    """Return the documents that answer best.

    All words must be there, in any form and with or without accents; `"a phrase"` word for word,
    `-word` must not be there, `or` stands between alternatives. Raises WrongUsageError where
    nothing is asked for.
    """
    grouped, ungrouped = forms_of(question)
    row = connection.execute(statement("question_words"), {"question": grouped}).fetchone()
    if row is None or row[0] == 0:
        raise WrongUsageError(
            "there is no word to look for; words like de and la are in every text",
            fix='registre queue search "hypothèque Laval 2019"',
        )
    rows = connection.execute(
        statement("search"),
        {
            "grouped": grouped,
            "ungrouped": ungrouped,
            "source": source,
            "limit": limit,
            "most_weighed": MOST_WEIGHED,
            "most_characters": _MOST_CHARACTERS,
        },
    ).fetchall()
    return Found(
        documents=rows[0][0] if rows else 0,
        hits=tuple(
            Hit(
                document_id, kind, number, completed_at, rank,
                snippets_of(text, _matches(connection, text, words)),
            )
            for _, rank, document_id, kind, number, completed_at, text, words in rows
        ),
    )  # fmt: skip


def _matches(connection: Connection, text: str, words: str) -> list[Span]:
    """Return start and end of each word in `text` that is asked for.

    The server finds them, because it knows the words' forms, in the text folded as the column's
    words were; each sign of it remembers where it came from.
    """
    folded, origins = folded_with_origins(text)
    row = connection.execute(
        statement("marked_words"),
        {
            "text": folded,
            "words": words,
            "options": f"HighlightAll=true, StartSel={_OPEN}, StopSel={_CLOSE}",
        },
    ).fetchone()
    assert row is not None
    matches: list[Span] = []
    start = position = 0
    for sign in row[0]:
        if sign == _OPEN:
            start = position
        elif sign == _CLOSE:
            # What was folded away at a word's end belongs to it.
            end = origins[position] if position < len(origins) else len(text)
            matches.append((origins[start], end))
        else:
            position += 1
    return matches
