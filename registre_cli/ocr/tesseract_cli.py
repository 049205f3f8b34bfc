"""Tesseract as a program, through `pytesseract`: where the binding is missing, or by choice."""

import os

os.environ["OMP_THREAD_LIMIT"] = "1"

import pytesseract
from PIL import Image

from registre_cli.core.errors import UnreachableError
from registre_cli.ocr.engine import EngineError, PageTimeoutError
from registre_cli.ocr.models import Layout, PageImage, PageReading
from registre_cli.ocr.tessdata import INSTALL, require_language
from registre_cli.ocr.tsv import confidence_of, text_of, words_of

_SEGMENTATION = {Layout.AUTO: 3, Layout.BLOCK: 6}


class CommandLineTesseract:
    """One process a page. Raises UnreachableError where the program is missing."""

    name = "tesseract-cli"

    def __init__(self, languages: str) -> None:
        try:
            self._version = str(pytesseract.get_tesseract_version())
        except (pytesseract.TesseractNotFoundError, SystemExit) as error:
            raise UnreachableError("the program tesseract is not here", fix=INSTALL) from error
        require_language(languages)
        self._languages = languages

    @property
    def version(self) -> str:
        """The version of the program."""
        return f"{self._version} command line"

    def read(self, image: PageImage, layout: Layout, timeout_seconds: float) -> PageReading:
        """Read one page; the program is killed at the time-out."""
        page = Image.frombytes("L", (image.width, image.height), image.pixels)
        # Uncompressed: writing a PNG costs more than a third of the reading.
        page.format = "PPM"
        try:
            table = pytesseract.image_to_data(
                page,
                lang=self._languages,
                config=f"--psm {_SEGMENTATION[layout]} --oem 1 --dpi {image.dpi}",
                timeout=timeout_seconds,
            )
        except pytesseract.TesseractError as error:
            raise EngineError(f"Tesseract failed: {error.message}") from error
        except RuntimeError as error:
            raise PageTimeoutError(
                f"Tesseract did not finish a page within {timeout_seconds:g} s"
            ) from error
        words = words_of(table)
        return PageReading(text_of(words), words, confidence_of(words))

    def close(self) -> None:
        """Nothing is held between pages."""
