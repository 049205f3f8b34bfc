"""What reads a worker's documents."""

from collections.abc import Callable
from typing import Protocol

from registre_cli.core.documents import Source
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Settings
from registre_cli.ocr.engine import PageGate
from registre_cli.ocr.models import DocumentReading


class DocumentReader(Protocol):
    """What a worker asks of reading."""

    def read(
        self, pdf: bytes, source: Source, *, on_page: Callable[[int, int], None]
    ) -> DocumentReading:
        """Read one document; `on_page` may raise to leave."""


ReaderFactory = Callable[[Settings, PageGate], DocumentReader]


def open_ocr_reader(settings: Settings, gate: PageGate) -> DocumentReader:
    """Return the real reader; the heavy libraries are loaded here, in the worker."""
    from registre_cli.ocr.engines import open_order
    from registre_cli.ocr.pipeline import Reader

    engines = open_order(settings, gate)
    for name, version in zip(engines.names, engines.versions, strict=True):
        get_logger().info("Engine ready", engine=name, version=version)
    return Reader(settings, engines)
