"""What the pipeline asks of an engine, and of whoever rations the engine."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from registre_cli.core.documents import Source
from registre_cli.core.errors import TransientDocumentError
from registre_cli.ocr.models import PageImage, PageReading


class EngineError(TransientDocumentError):
    """The engine failed on a page; another try may do better."""


class PageTimeoutError(TransientDocumentError):
    """The engine took longer than the page time-out."""


class Engine(Protocol):
    """Something that reads page images; made once, used for a worker's whole life."""

    @property
    def name(self) -> str:
        """The name under which it is chosen, rationed and stored."""

    @property
    def version(self) -> str:
        """The version of what reads, for people."""

    def read(self, image: PageImage, source: Source, timeout_seconds: float) -> PageReading:
        """Read one page. Raises EngineError or PageTimeoutError."""

    def estimate_tokens(self, image: PageImage) -> int:
        """Return how many tokens the page may cost; 0 for a local engine."""

    def close(self) -> None:
        """Free what the engine holds."""


class Grant(Protocol):
    """The right to read one page now."""

    def settle(self, tokens: int) -> None:
        """Say how many tokens were really used."""


class PageGate(Protocol):
    """Whoever rations the engines; entered before each page."""

    def admit(self, engine: str, tokens: int) -> AbstractContextManager[Grant]:
        """Wait until the budget allows one page and `tokens` tokens of `engine`."""


class _Unlimited:
    def settle(self, tokens: int) -> None:
        """Nothing is rationed, nothing is settled."""


class OpenGate:
    """A gate without a budget: for reading without a queue."""

    def admit(self, engine: str, tokens: int) -> AbstractContextManager[Grant]:
        """Let everybody through."""
        return nullcontext(_Unlimited())
