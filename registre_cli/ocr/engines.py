"""Choosing the engine that the settings ask for."""

import shutil
from importlib.util import find_spec

from registre_cli.core.errors import ConfigurationError, UnreachableError
from registre_cli.core.log import get_logger
from registre_cli.ocr.engine import Engine
from registre_cli.ocr.tessdata import INSTALL, require_language

NAMES = ("tesseract", "tesseract-cli")


def open_engine(order: tuple[str, ...], languages: str) -> Engine:
    """Return the first engine of `order`; `tesseract` without its binding is the program.

    Raises ConfigurationError for an unknown name, UnreachableError where Tesseract is missing.
    """
    require_engine(order, languages)
    if order[0] == "tesseract" and find_spec("tesserocr") is not None:
        from registre_cli.ocr.tesseract import InProcessTesseract

        return InProcessTesseract(languages)
    if order[0] == "tesseract":
        get_logger().warning(
            "Engine fallback",
            wanted="tesseract",
            engine="tesseract-cli",
            reason="the binding tesserocr is not installed",
        )
    from registre_cli.ocr.tesseract_cli import CommandLineTesseract

    return CommandLineTesseract(languages)


def require_engine(order: tuple[str, ...], languages: str) -> None:
    """Check cheaply, without loading anything, that `open_engine` can succeed.

    Raises ConfigurationError or UnreachableError with the way to mend it.
    """
    for name in order:
        if name not in NAMES:
            raise ConfigurationError(
                f"OCR_ENGINE names an unknown engine {name!r}", fix=f"choose {' or '.join(NAMES)}"
            )
    binding = order[0] == "tesseract" and find_spec("tesserocr") is not None
    if not binding and shutil.which("tesseract") is None:
        raise UnreachableError("the program tesseract is not here", fix=INSTALL)
    require_language(languages)
