"""What a provider's errors mean for the page, for the engine and for everybody."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import openai

from registre_cli.core.errors import ConfigurationError, RegistreError
from registre_cli.core.text import printable
from registre_cli.core.vision_settings import VisionSettings
from registre_cli.ocr.engine import EngineError, PageRefusedError, PageTimeoutError

_REASON_CHARACTERS = 200
_LONGEST_RETRY_AFTER_SECONDS = 900.0
_REFUSED_CODES = ("content_filter", "content_policy_violation", "safety", "moderation_blocked")


class BusyError(EngineError):
    """The provider asks everybody to wait (429), or fails as a whole (5xx).

    `retry_after_seconds` is what it said, `None` where it said nothing.
    """

    def __init__(self, message: str, *, too_many: bool, retry_after_seconds: float | None) -> None:
        super().__init__(message)
        self.too_many = too_many
        self.retry_after_seconds = retry_after_seconds


class AwayError(EngineError):
    """The provider could not be asked, or hung up."""


def failure_of(error: openai.OpenAIError, settings: VisionSettings) -> RegistreError:
    """Return our error for one of the client's; no secret is in its message."""
    if isinstance(error, openai.APITimeoutError):
        return PageTimeoutError(f"{settings.name} did not answer within {settings.timeout:g} s")
    if isinstance(error, openai.APIStatusError):
        return _failure_of_status(error, settings)
    cause = error.__cause__ or error
    return AwayError(f"{settings.name} cannot be asked: {_said(str(cause), settings)}")


def _failure_of_status(error: openai.APIStatusError, settings: VisionSettings) -> RegistreError:
    status = error.status_code
    said = f"{settings.name} answered {status}: {_said(_message(error), settings)}"
    if status in {401, 403}:
        # Their message may repeat a part of the key.
        return ConfigurationError(
            f"{settings.name} refuses the key (HTTP {status})",
            fix=f"set {settings.variable('api_key')} to a key that may use {settings.model}",
        )
    if status in {402, 404}:
        return ConfigurationError(
            said,
            fix=f"check {settings.variable('base_url')}, {settings.variable('model')} and the"
            " account",
        )
    if status == 413 or str(error.code) in _REFUSED_CODES:
        return PageRefusedError(said)
    if status == 429 or status >= 500:
        return BusyError(said, too_many=status == 429, retry_after_seconds=_retry_after(error))
    return EngineError(said)


def _message(error: openai.APIStatusError) -> str:
    """Return the provider's own words, without the client's dump of the whole body."""
    body = error.body
    inner = body.get("message") if isinstance(body, dict) else None
    return inner if isinstance(inner, str) and inner.strip() else error.response.reason_phrase


def _said(text: str, settings: VisionSettings) -> str:
    """Return hostile text in a form that may be stored and shown."""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    return printable(text.replace(key, "(hidden)") if key else text, limit=_REASON_CHARACTERS)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Return the seconds that the provider asks for, bounded; it may name a date instead."""
    said = error.response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(said)
    except ValueError:
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_SECONDS)
