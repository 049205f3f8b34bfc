"""Tesseract inside this process, through the `tesserocr` binding.

One API object lives as long as the worker: no process, no model load and no image file for a
page. The binding lets other threads run while it reads.
"""

import os

# Before the library is loaded: one page is one thread, the pool has a process for each core.
os.environ["OMP_THREAD_LIMIT"] = "1"

import tesserocr

from registre_cli.ocr.engine import EngineError, PageTimeoutError
from registre_cli.ocr.models import Layout, PageImage, PageReading
from registre_cli.ocr.tessdata import require_language, tessdata_folder
from registre_cli.ocr.tsv import confidence_of, text_of, words_of

_SEGMENTATION = {
    Layout.AUTO: tesserocr.PSM.AUTO,
    Layout.BLOCK: tesserocr.PSM.SINGLE_BLOCK,
}


class InProcessTesseract:
    """The default engine. Raises ConfigurationError where the language data are missing."""

    name = "tesseract"

    def __init__(self, languages: str) -> None:
        require_language(languages)
        self._api = tesserocr.PyTessBaseAPI(
            path=str(tessdata_folder()),
            lang=languages,
            psm=tesserocr.PSM.AUTO,
            oem=tesserocr.OEM.LSTM_ONLY,
        )
        # Tesseract and Leptonica write remarks on stderr ("Error in boxClipToRectangle" for a
        # box beside the page), where our log lines and the progress are. A failure is raised.
        self._api.SetVariable("debug_file", os.devnull)
        tesserocr.set_leptonica_log_level(tesserocr.LeptLogLevel.NONE)

    @property
    def version(self) -> str:
        """The version of the library inside the binding."""
        return (
            f"{tesserocr.tesseract_version().splitlines()[0].removeprefix('tesseract ')} in process"
        )

    def read(self, image: PageImage, layout: Layout, timeout_seconds: float) -> PageReading:
        """Read one page; the time-out is a hint that the library checks between words."""
        api = self._api
        api.SetPageSegMode(_SEGMENTATION[layout])
        try:
            api.SetImageBytes(image.pixels, image.width, image.height, 1, image.width)
            api.SetSourceResolution(image.dpi)
            if not api.Recognize(int(timeout_seconds * 1000)):
                raise PageTimeoutError(
                    f"Tesseract did not finish a page within {timeout_seconds:g} s"
                )
            words = words_of(api.GetTSVText(0))
        except RuntimeError as error:
            raise EngineError(f"Tesseract failed: {error}") from error
        finally:
            api.Clear()
        return PageReading(text_of(words), words, confidence_of(words))

    def close(self) -> None:
        """Free the models."""
        self._api.End()
