"""A text that a person gives: a text file, stdin, or a PDF that is read first."""

import sys
from pathlib import Path

from registre_cli.core.errors import ProblemFoundError, WrongUsageError
from registre_cli.ocr.engines import require_engines
from registre_cli.ocr.reading_process import ReadingOrder, read_files

STDIN = "-"
# A PDF may begin with bytes of others; readers look so far for its mark.
_MARK, _MARK_WITHIN_BYTES = b"%PDF-", 1024


def given_text(file: str, order: ReadingOrder) -> str:
    """Return the text of `file`, `-` being stdin; line ends of any kind become newlines.

    Raises WrongUsageError where it is no text, ProblemFoundError where a PDF cannot be read.
    """
    content = _bytes_of(file, order.settings.ocr_max_bytes)
    if file != STDIN and _MARK in content[:_MARK_WITHIN_BYTES]:
        return _read(Path(file), order)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongUsageError(
            f"{file} is no PDF and no text in UTF-8 (byte {error.start + 1:,})",
            fix=f"iconv -f ISO-8859-1 -t UTF-8 {file}",
        ) from error
    return text.replace("\r\n", "\n")


def _bytes_of(file: str, most_bytes: int) -> bytes:
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(most_bytes + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(most_bytes + 1)
    except OSError as error:
        raise WrongUsageError(
            f"{file}: {(error.strerror or 'cannot be read').lower()}", fix="give a text or a PDF"
        ) from error
    if len(content) > most_bytes:
        raise WrongUsageError(
            f"{file} has more than OCR_MAX_BYTES={most_bytes} bytes", fix="give a part of it"
        )
    return content


def _read(file: Path, order: ReadingOrder) -> str:
    require_engines(order.settings)
    (read,) = read_files([file], order, jobs=1, on_page=lambda *_: None)
    if read.reading is None:
        raise ProblemFoundError(f"{file}: {read.error}", fix=f"registre ocr {file}")
    return read.reading.text
