"""Choosing the engines that the settings ask for."""

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

from registre_cli.core.errors import ConfigurationError, UnreachableError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.core.vision_settings import LOCAL_ENGINES, VisionSettings, presets
from registre_cli.ocr.engine import Engine, OpenGate, PageGate
from registre_cli.ocr.order import EngineOrder, PageEngine
from registre_cli.ocr.tessdata import INSTALL, require_language
from registre_cli.ocr.vision.prompts import load_prompts

_NO_BINDING = "the binding tesserocr is not installed"


@dataclass(frozen=True)
class EngineChoice:
    """Which engine will read where the settings name one, and why that one."""

    name: str
    why: str
    is_fallback: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.why})"


def chosen_engines(settings: Settings) -> tuple[EngineChoice, ...]:
    """Return the engines in the order in which a page falls back; nothing is loaded."""
    return tuple(_choice(name) for name in settings.ocr_engine)


def _choice(name: str) -> EngineChoice:
    if name == "tesseract" and not _has_binding():
        return EngineChoice("tesseract-cli", _NO_BINDING, is_fallback=True)
    if name == "tesseract":
        return EngineChoice(name, f"in process, tesserocr {version('tesserocr')}")
    return EngineChoice(name, "by choice")


def _has_binding() -> bool:
    return find_spec("tesserocr") is not None


def open_order(settings: Settings, gate: PageGate | None = None) -> EngineOrder:
    """Return the engines of the settings, ready to read pages through `gate`.

    Raises ConfigurationError for an unknown name, UnreachableError where Tesseract is missing.
    """
    require_engines(settings)
    through = gate or OpenGate()
    vision = {engine.name: engine for engine in settings.vision}
    return EngineOrder(
        [
            _open_vision(vision[name], settings, through)
            if name in vision
            else _open_local(name, settings, through)
            for name in settings.ocr_engine
        ]
    )


def open_engine(name: str, languages: str) -> Engine:
    """Return an engine of this host; `tesseract` without its binding is the program.

    Raises ConfigurationError for an unknown name, UnreachableError where Tesseract is missing.
    """
    require_local_engines((name,), languages)
    if name == "tesseract" and _has_binding():
        from registre_cli.ocr.tesseract import InProcessTesseract

        return InProcessTesseract(languages)
    if name == "tesseract":
        get_logger().warning(
            "Engine fallback",
            wanted="tesseract",
            engine="tesseract-cli",
            reason=_NO_BINDING,
        )
    from registre_cli.ocr.tesseract_cli import CommandLineTesseract

    return CommandLineTesseract(languages)


def require_engines(settings: Settings) -> None:
    """Check cheaply, without loading anything, that `open_order` can succeed.

    Raises ConfigurationError or UnreachableError with the way to mend it.
    """
    for engine in settings.vision:
        require_vision_engine(engine)
    require_local_engines(
        tuple(name for name in settings.ocr_engine if name in LOCAL_ENGINES), settings.ocr_lang
    )
    if settings.vision:
        load_prompts(settings.ocr_vision_prompts)


def require_local_engines(names: tuple[str, ...], languages: str) -> None:
    """Check that the engines of this host are here; no name needs nothing.

    Raises ConfigurationError or UnreachableError with the way to mend it.
    """
    for name in names:
        if name not in LOCAL_ENGINES:
            raise ConfigurationError(
                f"{name!r} is no engine of this host", fix=f"choose {' or '.join(LOCAL_ENGINES)}"
            )
    if not names:
        return
    binding = "tesseract-cli" not in names and _has_binding()
    if not binding and shutil.which("tesseract") is None:
        raise UnreachableError("the program tesseract is not here", fix=INSTALL)
    require_language(languages)


def require_vision_engine(engine: VisionSettings) -> None:
    """Check that an engine is fully set. Raises ConfigurationError."""
    if engine.base_url is None:
        known = ", ".join((*LOCAL_ENGINES, *presets()))
        raise ConfigurationError(
            f"OCR_ENGINE names an unknown engine {engine.name!r}",
            fix=f"choose of {known}, or set {engine.variable('base_url')}",
        )
    if engine.model is None:
        raise ConfigurationError(
            f"the engine {engine.name} has no model", fix=f"set {engine.variable('model')}"
        )
    if engine.needs_key and engine.api_key is None:
        raise ConfigurationError(
            f"the engine {engine.name} has no key", fix=f"set {engine.variable('api_key')}"
        )
    if find_spec("openai") is None:
        raise ConfigurationError(
            f"the engine {engine.name} needs the package openai",
            fix="pip install 'registre-cli[vision]'",
        )


def _open_local(name: str, settings: Settings, gate: PageGate) -> PageEngine:
    # OpenCV is loaded where pages are read, not where commands only ask whether they could be.
    from registre_cli.ocr.local import LocalPageEngine
    from registre_cli.ocr.looks import LookingEngine

    engine = LookingEngine(open_engine(name, settings.ocr_lang))
    return LocalPageEngine(engine, gate, budget=name, timeout_seconds=settings.ocr_page_timeout)


def _open_vision(engine: VisionSettings, settings: Settings, gate: PageGate) -> PageEngine:
    from registre_cli.ocr.vision.engine import VisionPageEngine

    prompts = load_prompts(settings.ocr_vision_prompts)
    return VisionPageEngine(engine, prompts, gate, settings.ocr_page_timeout)
