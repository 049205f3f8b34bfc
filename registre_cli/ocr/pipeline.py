"""A document's way through reading: open, each page its layer or its image, text."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from registre_cli.core.documents import Source
from registre_cli.core.errors import PermanentDocumentError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.ocr.blank import is_blank
from registre_cli.ocr.layer import is_good_layer
from registre_cli.ocr.models import DocumentReading, PageImage, PageRecord, PageSource
from registre_cli.ocr.order import EngineAnswer, EngineOrder
from registre_cli.ocr.page_range import EVERY_PAGE, PageRange
from registre_cli.ocr.render import Page, open_pdf

OnPage = Callable[[int, int], None]


def _ignore_page(number: int, pages: int) -> None:
    """Nobody watches."""


class Reader:
    """Reads documents with an order of engines; made once, used for a worker's whole life."""

    def __init__(
        self, settings: Settings, engines: EngineOrder, *, keep_words: bool = False
    ) -> None:
        self._settings = settings
        self._engines = engines
        self._keep_words = keep_words

    def read(
        self,
        pdf: bytes,
        source: Source,
        *,
        wanted: PageRange = EVERY_PAGE,
        on_page: OnPage = _ignore_page,
    ) -> DocumentReading:
        """Read the wanted pages, one in memory at a time.

        `on_page(number, pages)` is called before each page; what it raises ends the reading.
        Raises PermanentDocumentError or TransientDocumentError with a reason for people.
        """
        if len(pdf) > self._settings.ocr_max_bytes:
            raise PermanentDocumentError(
                f"the PDF has {len(pdf):,} bytes, more than OCR_MAX_BYTES="
                f"{self._settings.ocr_max_bytes}"
            )
        records = []
        with open_pdf(pdf, self._settings.ocr_max_pages) as pages:
            for number in wanted.of(len(pages)):
                on_page(number, len(pages))
                with pages.page(number) as page:
                    records.append(self._read_page(page, source))
        return DocumentReading(tuple(records))

    def _read_page(self, page: Page, source: Source) -> PageRecord:
        started = time.monotonic()
        if self._settings.ocr_text_layer != "ignore":
            text = page.layer_text()
            if self._settings.ocr_text_layer == "only" or is_good_layer(text, page.content()):
                return _record(page, started, PageSource.LAYER, text=text.strip())
        image = page.render(self._settings.ocr_dpi, self._settings.ocr_max_pixels)
        if image is not None and image.reduced:
            get_logger().warning(
                "Page drawn smaller",
                page=page.number,
                dpi=image.dpi,
                reason=f"OCR_MAX_PIXELS={self._settings.ocr_max_pixels}",
            )
        if image is None or _is_blank(image):
            return _record(page, started, PageSource.BLANK, image=image)
        answer = self._engines.read(image, source)
        record = _record(page, started, PageSource.READ, image=image, answer=answer)
        return replace(record, words=answer.reading.words) if self._keep_words else record


def _is_blank(image: PageImage) -> bool:
    page = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width)
    return is_blank(page, image.dpi)


def _record(
    page: Page,
    started: float,
    source: PageSource,
    *,
    text: str = "",
    image: PageImage | None = None,
    answer: EngineAnswer | None = None,
) -> PageRecord:
    return PageRecord(
        number=page.number,
        text=answer.reading.text if answer else text,
        confidence=answer.reading.confidence if answer else None,
        seconds=round(time.monotonic() - started, 3),
        source=source,
        engine=answer.engine if answer else None,
        width=image.width if image else 0,
        height=image.height if image else 0,
        dpi=image.dpi if image else 0,
        reduced=image.reduced if image else False,
        tokens=answer.spent.tokens if answer else 0,
        cost_usd=answer.spent.cost_usd if answer else 0.0,
        look=answer.reading.look if answer else None,
        rotation=answer.reading.rotation if answer else 0,
    )
