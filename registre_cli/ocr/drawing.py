"""Drawing a page with PDFium's own fonts: no font has to be installed for it."""

from dataclasses import dataclass
from typing import Literal

import pypdfium2 as pdfium
from PIL import Image

# US letter, in points, as Quebec's registers are printed.
PAGE_WIDTH = 612
PAGE_HEIGHT = 792

Font = Literal["Times-Roman", "Times-Bold", "Helvetica", "Helvetica-Bold", "Courier"]
_FONTS: tuple[Font, ...] = ("Times-Roman", "Times-Bold", "Helvetica", "Helvetica-Bold", "Courier")


@dataclass(frozen=True)
class Words:
    """A line of text; `x` and `y` of its base line in points from the top left."""

    x: float
    y: float
    text: str
    size: float = 11
    font: Font = "Times-Roman"


@dataclass(frozen=True)
class Rule:
    """A straight ruled line, in points from the top left."""

    x1: float
    y1: float
    x2: float
    y2: float


Mark = Words | Rule


def draw(marks: list[Mark], dpi: int) -> Image.Image:
    """Return the page in grey."""
    document = pdfium.PdfDocument(_pdf(marks))
    try:
        bitmap = document[0].render(scale=dpi / 72, grayscale=True)
        picture: Image.Image = bitmap.to_pil()
        return picture.convert("L").copy()
    finally:
        document.close()


def vector_pdf(marks: list[Mark]) -> bytes:
    """Return the page as a born-digital PDF with real text."""
    return _pdf(marks)


def _pdf(marks: list[Mark]) -> bytes:
    """Write a one-page PDF; the standard fonts need no font file."""
    content = b"\n".join(_operators(mark) for mark in marks)
    fonts = " ".join(f"/F{number} {number + 4} 0 R" for number in range(len(_FONTS)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{len(_FONTS) + 4} 0 R] /Count 1 >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        *(
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{font} "
            "/Encoding /WinAnsiEncoding >>".encode()
            for font in _FONTS
        ),
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}] "
            f"/Contents 3 0 R /Resources << /Font << {fonts} >> >> >>"
        ).encode(),
    ]
    body = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        start,
    )
    return bytes(body)


def _operators(mark: Mark) -> bytes:
    if isinstance(mark, Rule):
        return (
            f"0.7 w {mark.x1:.1f} {PAGE_HEIGHT - mark.y1:.1f} m "
            f"{mark.x2:.1f} {PAGE_HEIGHT - mark.y2:.1f} l S"
        ).encode()
    text = mark.text.encode("cp1252")
    for special in (b"\\", b"(", b")"):
        text = text.replace(special, b"\\" + special)
    where = f"{mark.x:.1f} {PAGE_HEIGHT - mark.y:.1f} Td".encode()
    return b"BT /F%d %.1f Tf %s (%s) Tj ET" % (_FONTS.index(mark.font), mark.size, where, text)
