"""One question to a chat API, through the `openai` client; loaded in workers only."""

import json
from dataclasses import dataclass

import openai
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, ConfigDict

from registre_cli.core.vision_settings import VisionSettings
from registre_cli.ocr.engine import EngineError, PageRefusedError
from registre_cli.ocr.models import Spent
from registre_cli.ocr.vision.failures import failure_of
from registre_cli.ocr.vision.transport import BoundedTransport

_NO_KEY = "none"
_LONGEST_TEXT_CHARACTERS = 200_000
# No page costs more; a server that says so is broken.
_MOST_TOKENS = 10_000_000
_REFUSALS = ("content_filter", "refusal", "safety", "recitation", "prohibited_content")


@dataclass(frozen=True)
class ChatAnswer:
    """What the model wrote; `cut` says that it was stopped before it had finished."""

    text: str
    cut: bool
    spent: Spent


class _Usage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")

    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    model_config = ConfigDict(extra="ignore")

    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """What we take from an answer; the client itself checks nothing."""

    model_config = ConfigDict(extra="ignore")

    choices: list[_Choice]
    usage: _Usage | None = None


class Chat:
    """A client of one engine; each question is one request, retried by whoever asks."""

    def __init__(self, settings: VisionSettings, timeout_seconds: float) -> None:
        self._settings = settings
        key = settings.api_key.get_secret_value() if settings.api_key else _NO_KEY
        self._client = openai.OpenAI(
            api_key=key,
            base_url=settings.base_url,
            # Else the client takes them from variables that are meant for OpenAI itself.
            organization="",
            project="",
            timeout=timeout_seconds,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(
                transport=BoundedTransport(), follow_redirects=False
            ),
        )

    def ask(self, messages: list[ChatCompletionMessageParam]) -> ChatAnswer:
        """Ask once.

        Raises ConfigurationError (the key, the address, the model), PageRefusedError, EngineError.
        """
        settings = self._settings
        try:
            response = self._client.chat.completions.with_raw_response.create(
                model=settings.model or "",
                messages=messages,
                temperature=openai.omit if settings.temperature is None else settings.temperature,
                extra_body={settings.max_tokens_field: settings.max_tokens},
            )
        except openai.OpenAIError as error:
            # Its own trace would show the question, and with it the page.
            raise failure_of(error, settings) from None
        return self._answer(response.http_response.content)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _answer(self, body: bytes) -> ChatAnswer:
        name = self._settings.name
        try:
            # Not by pydantic: it takes no lone surrogate, which is a model's blunder, no more.
            completion = _Completion.model_validate(json.loads(body))
        except (ValueError, RecursionError):
            raise EngineError(
                f"{name} answered with something that is no chat completion"
            ) from None
        spent = self._spent(completion.usage)
        if not completion.choices:
            raise EngineError(f"{name} answered without any text", spent=spent)
        choice = completion.choices[0]
        finish = (choice.finish_reason or "").lower()
        if choice.message.refusal or finish.startswith(_REFUSALS):
            raise PageRefusedError(f"{name} refuses the page ({finish or 'refusal'})", spent=spent)
        text = choice.message.content or ""
        if len(text) > _LONGEST_TEXT_CHARACTERS:
            raise EngineError(f"{name} answered with {len(text)} characters", spent=spent)
        return ChatAnswer(text, cut=finish in {"length", "max_tokens"}, spent=spent)

    def _spent(self, usage: _Usage | None) -> Spent:
        """Return what the server says it counted, within reason."""
        if usage is None:
            return Spent()
        asked, total = _count(usage.prompt_tokens), _count(usage.total_tokens)
        # Some count what a model thinks in the total only; it is paid for like its words.
        written = max(_count(usage.completion_tokens), total - asked)
        return Spent(asked + written, self._settings.cost_usd(asked, written))


def _count(tokens: int | None) -> int:
    return min(max(tokens or 0, 0), _MOST_TOKENS)
