"""Choosing the engines that the settings ask for."""

import shutil
from importlib.util import find_spec

from registre_cli.core.errors import ConfigurationError, UnreachableError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.ocr.engine import Engine, OpenGate, PageGate
from registre_cli.ocr.order import EngineOrder
from registre_cli.ocr.tessdata import INSTALL, require_language

NAMES = ("tesseract", "tesseract-cli")


def open_order(settings: Settings, gate: PageGate | None = None) -> EngineOrder:
    """Return the engines of the settings, ready to read pages through `gate`.

    Raises ConfigurationError for an unknown name, UnreachableError where Tesseract is missing.
    """
    # OpenCV is loaded where pages are read, not where commands only ask whether they could be.
    from registre_cli.ocr.local import LocalPageEngine
    from registre_cli.ocr.looks import LookingEngine

    require_engine(settings.ocr_engine, settings.ocr_lang)
    through = gate or OpenGate()
    return EngineOrder(
        [
            LocalPageEngine(
                LookingEngine(open_engine(name, settings.ocr_lang)),
                through,
                budget=name,
                timeout_seconds=settings.ocr_page_timeout,
            )
            for name in settings.ocr_engine
        ]
    )


def open_engine(name: str, languages: str) -> Engine:
    """Return an engine of this host; `tesseract` without its binding is the program.

    Raises ConfigurationError for an unknown name, UnreachableError where Tesseract is missing.
    """
    require_engine((name,), languages)
    if name == "tesseract" and find_spec("tesserocr") is not None:
        from registre_cli.ocr.tesseract import InProcessTesseract

        return InProcessTesseract(languages)
    if name == "tesseract":
        get_logger().warning(
            "Engine fallback",
            wanted="tesseract",
            engine="tesseract-cli",
            reason="the binding tesserocr is not installed",
        )
    from registre_cli.ocr.tesseract_cli import CommandLineTesseract

    return CommandLineTesseract(languages)


def require_engine(order: tuple[str, ...], languages: str) -> None:
    """Check cheaply, without loading anything, that `open_order` can succeed.

    Raises ConfigurationError or UnreachableError with the way to mend it.
    """
    for name in order:
        if name not in NAMES:
            raise ConfigurationError(
                f"OCR_ENGINE names an unknown engine {name!r}", fix=f"choose {' or '.join(NAMES)}"
            )
    binding = "tesseract-cli" not in order and find_spec("tesserocr") is not None
    if not binding and shutil.which("tesseract") is None:
        raise UnreachableError("the program tesseract is not here", fix=INSTALL)
    require_language(languages)
