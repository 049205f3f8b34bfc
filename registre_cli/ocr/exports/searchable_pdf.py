"""The same PDF with the words that were read as invisible text over its pages."""

import ctypes
import io

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from registre_cli.core.errors import PermanentDocumentError
from registre_cli.ocr.models import Box, DocumentReading, PageRecord, PageSource, Word

# One of the fonts that every reader of PDFs has; nothing of it is seen.
_FONT = b"Helvetica"
_FONT_SIZE_POINTS = 10.0
Point = tuple[float, float]


def searchable_pdf(pdf: bytes, reading: DocumentReading) -> bytes:
    """Return `pdf` with invisible words; pages that carry good text already are left alone.

    Raises PermanentDocumentError.
    """
    try:
        document = pdfium.PdfDocument(pdf)
        try:
            for record in reading.pages:
                if record.source is PageSource.READ and record.words:
                    _write_page(document, record)
            file = io.BytesIO()
            document.save(file)
            return file.getvalue()
        finally:
            document.close()
    except pdfium.PdfiumError as error:
        raise PermanentDocumentError(f"no searchable PDF can be made: {error}") from error


def _write_page(document: pdfium.PdfDocument, record: PageRecord) -> None:
    page = document[record.number - 1]
    try:
        for word in record.words:
            _write_word(document, page, record, word)
        page.gen_content()
    finally:
        page.close()


def _write_word(
    document: pdfium.PdfDocument, page: pdfium.PdfPage, record: PageRecord, word: Word
) -> None:
    text = pdfium_c.FPDFPageObj_NewTextObj(document.raw, _FONT, _FONT_SIZE_POINTS)
    encoded = (word.text + " ").encode("utf-16-le") + b"\x00\x00"
    buffer = ctypes.cast(ctypes.c_char_p(encoded), pdfium_c.FPDF_WIDESTRING)
    pdfium_c.FPDFText_SetText(text, buffer)
    pdfium_c.FPDFTextObj_SetTextRenderMode(text, pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE)
    start, end, top = (
        _on_page(page, record, point) for point in _base_line(word.box, record.rotation)
    )
    width = _width_of(text)
    if width > 0:
        along = ((end[0] - start[0]) / width, (end[1] - start[1]) / width)
        upward = (
            (top[0] - start[0]) / _FONT_SIZE_POINTS,
            (top[1] - start[1]) / _FONT_SIZE_POINTS,
        )
        pdfium_c.FPDFPageObj_Transform(text, *along, *upward, *start)
    pdfium_c.FPDFPage_InsertObject(page.raw, text)


def _base_line(box: Box, rotation: int) -> tuple[Point, Point, Point]:
    """Return where the word begins, where it ends, and the height above its beginning."""
    left, top = float(box.left), float(box.top)
    right, bottom = left + box.width, top + box.height
    match rotation:
        case 90:
            return (right, bottom), (right, top), (left, bottom)
        case 180:
            return (right, top), (left, top), (right, bottom)
        case 270:
            return (left, top), (left, bottom), (right, top)
        case _:
            return (left, bottom), (right, bottom), (left, top)


def _on_page(page: pdfium.PdfPage, record: PageRecord, point: Point) -> Point:
    """Turn a pixel into the page's own points, whatever its rotation and boxes."""
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_c.FPDF_DeviceToPage(
        page.raw,
        *(0, 0, record.width, record.height, 0),
        *(round(point[0]), round(point[1])),
        *(x, y),
    )
    return x.value, y.value


def _width_of(text: pdfium_c.FPDF_PAGEOBJECT) -> float:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium_c.FPDFPageObj_GetBounds(text, left, bottom, right, top):
        return 0.0
    return right.value - left.value
