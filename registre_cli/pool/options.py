"""What a pool is asked to do, beyond the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from registre_cli.core.settings import Environment
from registre_cli.limiter import EngineUsage
from registre_cli.pool.models import PoolStatus, QueueGlance
from registre_cli.pool.orders import PoolOrder
from registre_cli.pool.porter import RoomRules
from registre_cli.pool.reader import ReaderFactory, open_ocr_reader
from registre_cli.queue.store import RETRY_DELAY_BASE_SECONDS


class Observer(Protocol):
    """Whoever watches a pool; called a few times a second from the supervisor."""

    def show(
        self,
        status: PoolStatus,
        queue: tuple[QueueGlance, ...],
        usage: Mapping[str, EngineUsage],
    ) -> None:
        """Show the pool as it is now."""

    def orders(self) -> Sequence[PoolOrder]:
        """Return what the watcher wants of the pool since the last time."""


class Nobody:
    """An observer that does not look."""

    def show(
        self,
        status: PoolStatus,
        queue: tuple[QueueGlance, ...],
        usage: Mapping[str, EngineUsage],
    ) -> None:
        """Do nothing."""

    def orders(self) -> Sequence[PoolOrder]:
        """Want nothing."""
        return ()


@dataclass(frozen=True)
class PoolOptions:
    """How a pool runs.

    `max_documents` counts claims, exactly. `max_cost_usd` is never passed, as far as the engines
    keep to the prices and to the `max_tokens` that are set for them.
    """

    environments: tuple[Environment, ...]
    size: int
    min_index: int | None = None
    min_acte: int | None = None
    burst: bool = False
    max_documents: int | None = None
    max_cost_usd: float | None = None
    borrow: bool = True
    retry_delay_base_seconds: float = RETRY_DELAY_BASE_SECONDS
    open_reader: ReaderFactory = open_ocr_reader
    room: RoomRules = field(default_factory=RoomRules)
