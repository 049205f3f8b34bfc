"""One word a line, with its place and confidence, between tabs."""

from registre_cli.core.text import printable
from registre_cli.ocr.models import DocumentReading

COLUMNS = ("page", "paragraph", "line", "left", "top", "width", "height", "confidence", "text")


def words_table(reading: DocumentReading) -> str:
    """Return the table with a header; boxes in pixels of the page as it was drawn."""
    rows = ["\t".join(COLUMNS)]
    for page in reading.pages:
        for word in page.words:
            box = word.box
            numbers = (page.number, word.paragraph, word.line, box.left, box.top, box.width)
            rows.append(
                "\t".join(map(str, (*numbers, box.height)))
                + f"\t{word.confidence:.1f}\t{printable(word.text)}"
            )
    return "\n".join(rows) + "\n"
