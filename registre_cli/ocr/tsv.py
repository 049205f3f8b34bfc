"""Tesseract's table of words (TSV), which both ways of running it yield."""

from dataclasses import dataclass

from registre_cli.ocr.blocks import around, reading_order
from registre_cli.ocr.models import Box, Word

_COLUMNS = 12
_WORD_LEVEL = "5"


@dataclass(frozen=True)
class _Row:
    """One word of the table; its paragraph and line as the table counts them."""

    paragraph: tuple[str, ...]
    line: tuple[str, ...]
    box: Box
    confidence: float
    text: str


def words_of(table: str) -> tuple[Word, ...]:
    """Return the words of one page's TSV, with or without its header line, as they are read."""
    blocks: dict[str, list[_Row]] = {}
    for line in table.splitlines():
        cells = line.split("\t", _COLUMNS - 1)
        if len(cells) != _COLUMNS or cells[0] != _WORD_LEVEL or not cells[11].strip():
            continue
        left, top, width, height = map(int, cells[6:10])
        row = _Row(
            paragraph=(cells[2], cells[3]),
            line=(cells[2], cells[3], cells[4]),
            box=Box(left, top, width, height),
            confidence=float(cells[10]),
            text=cells[11].strip(),
        )
        blocks.setdefault(cells[2], []).append(row)
    given = list(blocks.values())
    order = reading_order([around([row.box for row in rows]) for rows in given])
    return _numbered([row for place in order for row in given[place]])


def _numbered(rows: list[_Row]) -> tuple[Word, ...]:
    """Return the rows as words, their lines and paragraphs counted in this order."""
    lines: dict[tuple[str, ...], int] = {}
    paragraphs: dict[tuple[str, ...], int] = {}
    return tuple(
        Word(
            text=row.text,
            box=row.box,
            confidence=row.confidence,
            line=lines.setdefault(row.line, len(lines)),
            paragraph=paragraphs.setdefault(row.paragraph, len(paragraphs)),
        )
        for row in rows
    )


def confidence_of(words: tuple[Word, ...]) -> float | None:
    """Return the mean confidence, long words counting more; `None` without words."""
    weight = sum(len(word.text) for word in words)
    if not weight:
        return None
    return sum(max(word.confidence, 0.0) * len(word.text) for word in words) / weight


def text_of(words: tuple[Word, ...]) -> str:
    """Return the words as text: a line each, an empty line between paragraphs."""
    parts: list[str] = []
    previous: Word | None = None
    for word in words:
        if previous is None:
            pass
        elif word.paragraph != previous.paragraph:
            parts.append("\n\n")
        elif word.line != previous.line:
            parts.append("\n")
        else:
            parts.append(" ")
        parts.append(word.text)
        previous = word
    return "".join(parts)
