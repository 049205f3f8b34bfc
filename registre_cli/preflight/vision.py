"""Checks of the vision engines: one short question to each."""

from functools import partial

from registre_cli.core.errors import RegistreError
from registre_cli.core.settings import Settings
from registre_cli.core.vision_settings import VisionSettings
from registre_cli.preflight.check import Check, Finding, failed, passed, warned

_TIMEOUT_SECONDS = 20.0
# The client is loaded, and a model thinks a moment.
_PATIENCE_SECONDS = 30.0


def vision_checks(settings: Settings) -> list[Check]:
    """Return a check for each vision engine of the settings."""
    return [
        Check(
            f"reading/{engine.name}",
            partial(_answers, engine, settings),
            timeout_seconds=_PATIENCE_SECONDS,
        )
        for engine in settings.vision
    ]


def _answers(engine: VisionSettings, settings: Settings) -> Finding:
    """Check that address, model and key are right: the engine answers a question of one line."""
    from registre_cli.ocr.engines import require_vision_engine

    try:
        require_vision_engine(engine)
        from registre_cli.ocr.vision.chat import Chat

        chat = Chat(engine, min(engine.timeout, settings.ocr_page_timeout, _TIMEOUT_SECONDS))
        try:
            chat.ask([{"role": "user", "content": "Réponds par OK."}])
        finally:
            chat.close()
    except RegistreError as error:
        return failed(error.message, error.fix or "ask the provider, or choose another engine")
    said = f"the model {engine.model} answers"
    if not engine.has_prices:
        return warned(
            f"{said}, and nobody knows what it costs",
            f"set {engine.variable('price_input')} and {engine.variable('price_output')}",
        )
    return passed(said)
