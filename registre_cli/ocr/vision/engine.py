"""Reading a page with a vision model: asked through the gate, continued until it is whole."""

from openai.types.chat import ChatCompletionMessageParam

from registre_cli.core.documents import Source
from registre_cli.core.log import get_logger
from registre_cli.core.vision_settings import VisionSettings
from registre_cli.ocr.engine import EngineError, PageGate, PageRefusedError, PageTimeoutError
from registre_cli.ocr.models import NOTHING_SPENT, PageImage, PageReading, Spent
from registre_cli.ocr.vision.chat import Chat, ChatAnswer
from registre_cli.ocr.vision.failures import AwayError, BusyError
from registre_cli.ocr.vision.picture import data_url, picture_tokens
from registre_cli.ocr.vision.prompts import Prompts
from registre_cli.ocr.vision.transcript import Transcript

# A page is begun anew so often, and an answer continued so often, before another engine is asked.
_ROUNDS = 2
_PARTS = 5
# One question is repeated so often while the provider is busy, and where it cannot be reached.
_TRIES_WHEN_BUSY = 5
_TRIES_WHEN_AWAY = 2
_FIRST_PAUSE_SECONDS = 1.0
_CHARACTERS_PER_TOKEN = 3
# Until something was measured: the text of a full page.
_USUAL_ANSWER_TOKENS = 1_500
_NEWEST_PART = 0.2


class VisionPageEngine:
    """One vision engine; made once, used for a worker's whole life."""

    def __init__(
        self, settings: VisionSettings, prompts: Prompts, gate: PageGate, timeout_seconds: float
    ) -> None:
        self._settings = settings
        self._prompts = prompts
        self._gate = gate
        self._chat = Chat(settings, min(settings.timeout, timeout_seconds))
        self._answer_tokens = float(min(_USUAL_ANSWER_TOKENS, settings.max_tokens))

    @property
    def name(self) -> str:
        """The name under which it is chosen, rationed and stored."""
        return self._settings.name

    @property
    def version(self) -> str:
        """The model."""
        return self._settings.model or ""

    def read(self, image: PageImage, source: Source) -> PageReading:
        """Read one page whole.

        Raises EngineError, PageRefusedError, or ConfigurationError where the key is refused.
        """
        picture = data_url(image, self._settings.image_side)
        tokens = picture_tokens(image, self._settings.image_side)
        spent = NOTHING_SPENT
        try:
            for _ in range(_ROUNDS):
                transcript = Transcript()
                for _ in range(_PARTS):
                    answer = self._ask(self._messages(picture, source, transcript), tokens)
                    spent += answer.spent
                    if not transcript.add(answer.text, cut=answer.cut):
                        break
                    if transcript.complete:
                        return PageReading(transcript.text, (), None, spent)
                get_logger().warning("Answer cut off", engine=self.name)
        except (EngineError, PageRefusedError) as error:
            error.spent = spent + error.spent
            raise
        raise EngineError(f"{self.name} never ended its answer: it was cut off", spent=spent)

    def close(self) -> None:
        """Close the connections."""
        self._chat.close()

    def _messages(
        self, picture: str, source: Source, transcript: Transcript
    ) -> list[ChatCompletionMessageParam]:
        messages: list[ChatCompletionMessageParam] = [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": self._prompts.question(source, transcript.end)},
                    {"type": "image_url", "image_url": {"url": picture}},
                ],
            }
        ]
        if transcript.text:
            messages += [
                {"role": "assistant", "content": transcript.text},
                {"role": "user", "content": self._prompts.continuation(transcript.end)},
            ]
        return messages

    def _ask(self, messages: list[ChatCompletionMessageParam], picture_tokens: int) -> ChatAnswer:
        """Ask until there is an answer, each time through the gate."""
        tokens_in = picture_tokens + _text_tokens(messages)
        busy = away = 0
        while True:
            try:
                return self._ask_once(messages, tokens_in)
            except BusyError as error:
                busy += 1
                if busy >= _TRIES_WHEN_BUSY:
                    raise
                pause = _FIRST_PAUSE_SECONDS * 2 ** (busy - 1)
                if error.retry_after_seconds is not None:
                    pause = max(error.retry_after_seconds, _FIRST_PAUSE_SECONDS)
                self._gate.hold(self.name, pause, lower=error.too_many)
            except (AwayError, PageTimeoutError):
                away += 1
                if away >= _TRIES_WHEN_AWAY:
                    raise

    def _ask_once(self, messages: list[ChatCompletionMessageParam], tokens_in: int) -> ChatAnswer:
        most_usd = self._settings.cost_usd(tokens_in, self._settings.max_tokens)
        with self._gate.admit(self.name, tokens_in + round(self._answer_tokens), most_usd) as grant:
            try:
                answer = self._chat.ask(messages)
            except BusyError:
                grant.settle(0)
                raise
            except (EngineError, PageRefusedError) as error:
                if error.spent.tokens:
                    grant.settle(error.spent.tokens, error.spent.cost_usd)
                raise
            spent = answer.spent
            if not spent.tokens:
                # A server that does not count is counted for.
                written = _tokens(answer.text)
                spent = Spent(tokens_in + written, self._settings.cost_usd(tokens_in, written))
            grant.settle(spent.tokens, spent.cost_usd)
        written = max(spent.tokens - tokens_in, 0)
        self._answer_tokens += _NEWEST_PART * (written - self._answer_tokens)
        return ChatAnswer(answer.text, answer.cut, spent)


def _text_tokens(messages: list[ChatCompletionMessageParam]) -> int:
    """Return about how many tokens the words of a question cost, without its picture."""
    count = 0
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            count += _tokens(content)
        elif content is not None:
            count += sum(_tokens(part["text"]) for part in content if part["type"] == "text")
    return count


def _tokens(text: str) -> int:
    return len(text) // _CHARACTERS_PER_TOKEN + 1
