"""What reading a page asks of an engine, and of whoever rations the engine."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from registre_cli.core.errors import PermanentDocumentError, TransientDocumentError
from registre_cli.ocr.models import NOTHING_SPENT, Layout, PageImage, PageReading, Spent


class EngineError(TransientDocumentError):
    """The engine failed on a page; another try may do better. `spent` is lost with it."""

    def __init__(self, message: str, *, spent: Spent = NOTHING_SPENT) -> None:
        super().__init__(message)
        self.spent = spent


class PageTimeoutError(EngineError):
    """The engine took longer than the page time-out."""


class PageRefusedError(PermanentDocumentError):
    """The engine will never read this page; another engine may. `spent` is lost with it."""

    def __init__(self, message: str, *, spent: Spent = NOTHING_SPENT) -> None:
        super().__init__(message)
        self.spent = spent


class Engine(Protocol):
    """Something on this host that reads page images; made once for a worker's whole life."""

    @property
    def name(self) -> str:
        """The name under which it is stored."""

    @property
    def version(self) -> str:
        """The version of what reads, for people."""

    def read(self, image: PageImage, layout: Layout, timeout_seconds: float) -> PageReading:
        """Read one page. Raises EngineError or PageTimeoutError."""

    def close(self) -> None:
        """Free what the engine holds."""


class Grant(Protocol):
    """The right to read one page now."""

    def settle(self, tokens: int, cost_usd: float = 0.0) -> None:
        """Say how many tokens were really used, and what they cost."""


class PageGate(Protocol):
    """Whoever rations the engines; entered before each page, for a vision engine each request."""

    def admit(
        self, engine: str, tokens: int, most_usd: float = 0.0
    ) -> AbstractContextManager[Grant]:
        """Wait until the budget allows one page and `tokens` tokens of `engine`.

        `most_usd` is what it may cost at most.
        """

    def hold(self, engine: str, seconds: float, *, lower: bool) -> None:
        """Let nobody through for so long; `lower` lets fewer through for a while afterwards."""


class _Unlimited:
    def settle(self, tokens: int, cost_usd: float = 0.0) -> None:
        """Nothing is rationed, nothing is settled."""


class OpenGate:
    """A gate without a budget: for reading without a queue."""

    def admit(
        self, engine: str, tokens: int, most_usd: float = 0.0
    ) -> AbstractContextManager[Grant]:
        """Let everybody through."""
        return nullcontext(_Unlimited())

    def hold(self, engine: str, seconds: float, *, lower: bool) -> None:
        """Wait: there is only one reader."""
        time.sleep(seconds)
