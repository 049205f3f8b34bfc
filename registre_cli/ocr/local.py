"""Reading a page with an engine of this host, through the gate."""

from registre_cli.core.documents import Source
from registre_cli.ocr.engine import PageGate
from registre_cli.ocr.looks import LookingEngine
from registre_cli.ocr.models import PageImage, PageReading


class LocalPageEngine:
    """One grant of the gate, one reading; `budget` is the name under which it is rationed."""

    def __init__(
        self, engine: LookingEngine, gate: PageGate, *, budget: str, timeout_seconds: float
    ) -> None:
        self._engine = engine
        self._gate = gate
        self._budget = budget
        self._timeout_seconds = timeout_seconds

    @property
    def name(self) -> str:
        """The name under which the engine is stored."""
        return self._engine.name

    @property
    def version(self) -> str:
        """The version of what reads, for people."""
        return self._engine.version

    def read(self, image: PageImage, source: Source) -> PageReading:
        """Read one page. Raises EngineError."""
        with self._gate.admit(self._budget, 0) as grant:
            reading = self._engine.read(image, source, self._timeout_seconds)
            grant.settle(0)
        return reading

    def close(self) -> None:
        """Free what the engine holds."""
        self._engine.close()
