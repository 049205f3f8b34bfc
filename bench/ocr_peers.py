"""What a user would read pages with instead."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2 as pdfium
import pytesseract

from registre_cli.core.documents import Source
from registre_cli.core.settings import load_settings
from registre_cli.ocr.engines import open_order
from registre_cli.ocr.pipeline import Reader

DPI = 300
_reader: Reader | None = None


def read_with_registre(pdf: Path, source: Source = Source.ACTE) -> list[str]:
    """Return the pages' texts as a worker of the pool reads them."""
    global _reader
    if _reader is None:
        settings = load_settings(ocr_text_layer="ignore")
        _reader = Reader(settings, open_order(settings))
    return [page.text for page in _reader.read(pdf.read_bytes(), source).pages]


def read_with_pytesseract(pdf: Path) -> list[str]:
    """Return the pages' texts as most scripts read them: colours, 300 dpi, one thread."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    document = pdfium.PdfDocument(pdf)
    try:
        return [
            str(
                pytesseract.image_to_string(
                    page.render(scale=DPI / 72).to_pil(), lang="fra", config="--psm 3"
                )
            )
            for page in document
        ]
    finally:
        document.close()


def read_with_ocrmypdf(pdf: Path, jobs: int = 1) -> list[str]:
    """Return the pages' texts of OCRmyPDF's sidecar; no PDF is written."""
    with tempfile.TemporaryDirectory(prefix="registre-bench-") as folder:
        sidecar = Path(folder) / "sidecar.txt"
        subprocess.run(
            [
                *(Path(sys.executable).with_name("ocrmypdf"), "--quiet", "--jobs", str(jobs)),
                *("--language", "fra", "--force-ocr", "--output-type", "none"),
                *("--sidecar", sidecar, pdf, "-"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return sidecar.read_text("utf-8").split("\f")
