"""A PDF, one page at a time, through PDFium.

PDFium can hang on a page or swallow memory, and nothing inside this process can stop it: the
pool ends a worker that does not come back from a page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from registre_cli.core.errors import PermanentDocumentError
from registre_cli.ocr.models import PageContent, PageImage

_POINTS_PER_INCH = 72
# Below this a page has nothing to read: a hair line or an empty box.
_SMALLEST_SIDE_PIXELS = 8
_HEADER_SEARCHED_BYTES = 1024


# A page of which a picture covers so much is a scan.
_SCAN_SHARE = 0.9
# Enlarging or reducing by less blurs more than it helps.
_NEAR_SHARE = 0.2


@dataclass(frozen=True)
class _Picture:
    """One picture of a page: how much of it the picture covers, and how finely."""

    share: float
    dpi: float


_NO_PICTURE = _Picture(0.0, 0.0)


class Pages:
    """The pages of an open PDF, numbered from 1."""

    def __init__(self, document: pdfium.PdfDocument) -> None:
        self._document = document

    def __len__(self) -> int:
        return len(self._document)

    @contextmanager
    def page(self, number: int) -> Iterator["Page"]:
        """Open one page and close it afterwards. Raises PermanentDocumentError."""
        try:
            page = self._document[number - 1]
        except pdfium.PdfiumError as error:
            raise PermanentDocumentError(f"page {number} is damaged: {error}") from error
        try:
            yield Page(page, number)
        finally:
            page.close()


class Page:
    """One open page."""

    def __init__(self, page: pdfium.PdfPage, number: int) -> None:
        self._page = page
        self.number = number

    def layer_text(self) -> str:
        """Return the text that the page itself carries."""
        text_page = self._page.get_textpage()
        try:
            text: str = text_page.get_text_bounded()
            return text.replace("\r\n", "\n").replace("\x02", "")
        except pdfium.PdfiumError:
            return ""
        finally:
            text_page.close()

    def content(self) -> PageContent:
        """Return what the page shows beside its text layer."""
        texts = list(self._page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT], max_depth=3))
        hidden = sum(
            pdfium_c.FPDFTextObj_GetTextRenderMode(text.raw)
            == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE
            for text in texts
        )
        shapes = self._page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_PATH], max_depth=3)
        return PageContent(
            picture_share=min(sum(picture.share for picture in self._pictures), 1.0),
            shapes=sum(1 for _ in shapes),
            hidden_text=hidden > len(texts) / 2,
        )

    @cached_property
    def _pictures(self) -> "list[_Picture]":
        width, height = self._page.get_size()
        area = width * height
        pictures: list[_Picture] = []
        if area <= 0:
            return pictures
        for picture in self._page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3):
            left, bottom, right, top = picture.get_bounds()
            shown_width = max(min(right, width) - max(left, 0.0), 0.0)
            shown_height = max(min(top, height) - max(bottom, 0.0), 0.0)
            share = min(float(shown_width * shown_height / area), 1.0)
            if share > 0:
                pixels = max(picture.get_px_size())
                dpi = pixels * _POINTS_PER_INCH / max(right - left, top - bottom)
                pictures.append(_Picture(share, dpi))
        return pictures

    def render(self, dpi: int, max_pixels: int) -> PageImage | None:
        """Draw the page in grey, at a lower resolution where it has too many pixels.

        A page that is one scan is drawn at the scan's own resolution where that is near `dpi`,
        pixel by pixel. `None` for a page without any surface. Raises PermanentDocumentError.
        """
        width, height = self._page.get_size()
        scale = self._reading_dpi(dpi) / _POINTS_PER_INCH
        pixels = width * height * scale * scale
        reduced = pixels > max_pixels
        if reduced:
            scale *= (max_pixels / pixels) ** 0.5
        longest_side = max(width, height) * scale
        # A page like a thread: a side of millions of pixels is within the area and draws nothing.
        if min(width, height) * scale < _SMALLEST_SIDE_PIXELS or longest_side > max_pixels / 100:
            return None
        try:
            # Forms may run a document's own drawing without end and are no part of a scan.
            bitmap = self._page.render(scale=scale, grayscale=True, may_draw_forms=False)
        except (pdfium.PdfiumError, ValueError, MemoryError) as error:
            raise PermanentDocumentError(
                f"page {self.number} cannot be drawn: {error or type(error).__name__}"
            ) from error
        try:
            rows = bitmap.to_numpy()
            grey = rows if rows.ndim == 2 else rows[:, :, 0]
            return PageImage(
                grey.tobytes(),
                bitmap.width,
                bitmap.height,
                dpi=max(round(scale * _POINTS_PER_INCH), 1),
                reduced=reduced,
            )
        finally:
            bitmap.close()

    def _reading_dpi(self, dpi: int) -> float:
        scan = max(self._pictures, key=attrgetter("share"), default=_NO_PICTURE)
        is_near = (1 - _NEAR_SHARE) * dpi <= scan.dpi <= (1 + _NEAR_SHARE) * dpi
        return scan.dpi if scan.share >= _SCAN_SHARE and is_near else dpi


@contextmanager
def open_pdf(pdf: bytes, max_pages: int) -> Iterator[Pages]:
    """Open a PDF. Raises PermanentDocumentError: not a PDF, encrypted, no pages, too many."""
    if not pdf:
        raise PermanentDocumentError("the file is empty")
    try:
        document = pdfium.PdfDocument(pdf)
    except pdfium.PdfiumError as error:
        raise PermanentDocumentError(_why_not(pdf, error)) from error
    try:
        pages = len(document)
        if pages == 0:
            raise PermanentDocumentError("the PDF has no pages")
        if pages > max_pages:
            raise PermanentDocumentError(
                f"the PDF has {pages} pages, more than OCR_MAX_PAGES={max_pages}"
            )
        yield Pages(document)
    finally:
        document.close()


def _why_not(pdf: bytes, error: pdfium.PdfiumError) -> str:
    """Say why a PDF cannot be opened.

    PDFium's code may be left over from another document, so that it needs a second witness.
    """
    code = getattr(error, "err_code", None)
    if b"%PDF-" not in pdf[:_HEADER_SEARCHED_BYTES]:
        return "the file is not a PDF"
    if b"/Encrypt" in pdf and code in {
        pdfium_c.FPDF_ERR_PASSWORD,
        pdfium_c.FPDF_ERR_SECURITY,
    }:
        return "the PDF is encrypted and needs a password"
    return "the PDF is damaged or has no pages, and cannot be opened"
