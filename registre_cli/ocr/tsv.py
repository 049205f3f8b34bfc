"""Tesseract's table of words (TSV), which both ways of running it yield."""

from registre_cli.ocr.models import Box, Word

_COLUMNS = 12
_WORD_LEVEL = "5"


def words_of(table: str) -> tuple[Word, ...]:
    """Return the words of one page's TSV, with or without its header line."""
    words: list[Word] = []
    lines: dict[tuple[str, ...], int] = {}
    paragraphs: dict[tuple[str, ...], int] = {}
    for row in table.splitlines():
        cells = row.split("\t", _COLUMNS - 1)
        if len(cells) != _COLUMNS or cells[0] != _WORD_LEVEL or not cells[11].strip():
            continue
        left, top, width, height = map(int, cells[6:10])
        words.append(
            Word(
                text=cells[11].strip(),
                box=Box(left, top, width, height),
                confidence=float(cells[10]),
                line=lines.setdefault(tuple(cells[2:5]), len(lines)),
                paragraph=paragraphs.setdefault(tuple(cells[2:4]), len(paragraphs)),
            )
        )
    return tuple(words)


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
