"""hOCR 1.2: text with boxes as XHTML, after https://kba.github.io/hocr-spec/1.2/."""

from itertools import groupby
from operator import attrgetter
from xml.etree import ElementTree as ET

from registre_cli.core.text import printable
from registre_cli.ocr.blocks import around
from registre_cli.ocr.models import Box, DocumentReading, PageRecord, Word

_NAMESPACE = "http://www.w3.org/1999/xhtml"
_DOCTYPE = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"'
    b' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
)


def hocr(reading: DocumentReading, title: str) -> bytes:
    """Return the document: an `ocr_page` a page, `ocr_line` a line, `ocrx_word` a word."""
    root = ET.Element("html", {"xmlns": _NAMESPACE})
    head = ET.SubElement(root, "head")
    ET.SubElement(head, "title").text = printable(title)
    ET.SubElement(head, "meta", {"name": "ocr-system", "content": "registre"})
    ET.SubElement(
        head, "meta", {"name": "ocr-capabilities", "content": "ocr_page ocr_line ocrx_word"}
    )
    body = ET.SubElement(root, "body")
    for page in reading.pages:
        _add_page(body, page)
    written: bytes = ET.tostring(root, encoding="utf-8")
    return _DOCTYPE + written + b"\n"


def _add_page(body: ET.Element, page: PageRecord) -> None:
    whole = f"bbox 0 0 {page.width} {page.height}; ppageno {page.number - 1}"
    element = ET.SubElement(
        body, "div", {"class": "ocr_page", "id": f"page_{page.number}", "title": whole}
    )
    for line_number, words in groupby(page.words, key=attrgetter("line")):
        _add_line(element, page.number, line_number, list(words))


def _add_line(page: ET.Element, number: int, line: int, words: list[Word]) -> None:
    element = ET.SubElement(
        page,
        "span",
        {
            "class": "ocr_line",
            "id": f"line_{number}_{line}",
            "title": _bbox(around([word.box for word in words])),
        },
    )
    for place, word in enumerate(words):
        span = ET.SubElement(
            element,
            "span",
            {
                "class": "ocrx_word",
                "id": f"word_{number}_{line}_{place}",
                "title": f"{_bbox(word.box)}; x_wconf {word.confidence:.0f}",
            },
        )
        span.text, span.tail = printable(word.text), " "


def _bbox(box: Box) -> str:
    return f"bbox {box.left} {box.top} {box.left + box.width} {box.top + box.height}"
