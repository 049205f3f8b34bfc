"""The order in which engines are tried for one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from registre_cli.core.documents import Source
from registre_cli.core.log import get_logger
from registre_cli.ocr.engine import EngineError, PageRefusedError
from registre_cli.ocr.models import NOTHING_SPENT, PageImage, PageReading, Spent


class PageEngine(Protocol):
    """An engine with everything that it needs to read a page: its gate, its time-out."""

    @property
    def name(self) -> str:
        """The name under which it is stored."""

    @property
    def version(self) -> str:
        """The version of what reads, for people."""

    def read(self, image: PageImage, source: Source) -> PageReading:
        """Read one page. Raises EngineError (may pass) or PageRefusedError (never will)."""

    def close(self) -> None:
        """Free what the engine holds."""


@dataclass(frozen=True)
class EngineAnswer:
    """What one engine of the order read; `spent` counts those that failed before it, too."""

    engine: str
    reading: PageReading
    spent: Spent


class EngineOrder:
    """Engines in the order in which a page falls back from one to the next."""

    def __init__(self, engines: Sequence[PageEngine]) -> None:
        if not engines:
            raise ValueError("an order needs at least one engine")
        self._engines = tuple(engines)

    @property
    def names(self) -> tuple[str, ...]:
        """The engines' names, in order."""
        return tuple(engine.name for engine in self._engines)

    @property
    def versions(self) -> tuple[str, ...]:
        """The engines' versions, in order, for people."""
        return tuple(engine.version for engine in self._engines)

    def read(self, image: PageImage, source: Source) -> EngineAnswer:
        """Read one page with the first engine that can.

        Raises PageRefusedError where every engine refused, EngineError where none could read it
        and another try may do better. What else an engine raises ends the reading at once.
        """
        spent = NOTHING_SPENT
        failures: list[EngineError | PageRefusedError] = []
        for engine in self._engines:
            if failures:
                _log_fallback(failures[-1], engine.name)
            try:
                reading = engine.read(image, source)
            except (EngineError, PageRefusedError) as error:
                spent += error.spent
                failures.append(error)
                continue
            return EngineAnswer(engine.name, reading, spent + reading.spent)
        reasons = "; ".join(failure.message for failure in failures)
        if all(isinstance(failure, PageRefusedError) for failure in failures):
            raise PageRefusedError(reasons, spent=spent)
        raise EngineError(reasons, spent=spent)

    def close(self) -> None:
        """Free what the engines hold."""
        for engine in self._engines:
            engine.close()


def _log_fallback(failure: EngineError | PageRefusedError, engine: str) -> None:
    get_logger().warning("Engine fallback", engine=engine, reason=failure.message)
