"""The threads that speak to the databases for a supervisor, one pair an environment."""

from collections.abc import Callable, Sequence

from registre_cli.core.documents import Source
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Environment, Settings
from registre_cli.pool.estates import Estate
from registre_cli.pool.models import QueueGlance
from registre_cli.pool.steward import Ear, Steward
from registre_cli.queue.models import FencingToken, WaitingWork

_LAST_WRITES_SECONDS = 5.0
_LONGEST_GLANCE_SECONDS = 5.0


class Household:
    """The stewards and ears of every environment that a pool serves."""

    def __init__(
        self,
        settings: Settings,
        environments: Sequence[Environment],
        *,
        retry_delay_base_seconds: float,
        on_news: Callable[[], None],
    ) -> None:
        self._stewards: dict[str, Steward] = {}
        self._ears: list[Ear] = []
        for environment in environments:
            assert environment.database_url is not None
            self._stewards[environment.name] = Steward(
                environment.name,
                environment.database_url,
                lease_seconds=settings.ocr_lease_seconds,
                glance_seconds=min(
                    settings.ocr_rebalance_interval_ms / 1000, _LONGEST_GLANCE_SECONDS
                ),
                retry_delay_base_seconds=retry_delay_base_seconds,
                on_news=on_news,
            )
            self._ears.append(Ear(environment.name, environment.database_url, on_news))

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments, in the order in which they are served."""
        return tuple(self._stewards)

    def start(self) -> None:
        """Start every thread."""
        for steward in self._stewards.values():
            steward.start()
        for ear in self._ears:
            ear.start()

    def close(self) -> None:
        """Write what is left, and end the threads."""
        for ear in self._ears:
            ear.close()
        for steward in self._stewards.values():
            if not steward.close(_LAST_WRITES_SECONDS):
                get_logger().warning(
                    "Documents left to their leases", environment=steward.environment
                )

    def fail(self, environment: str, token: FencingToken, reason: str) -> None:
        """Count the try of a worker that died, with its cause."""
        self._stewards[environment].fail(token, reason)

    def give_back(self, environment: str, token: FencingToken, reason: str) -> None:
        """Put back the document of a worker that we ended ourselves."""
        self._stewards[environment].give_back(token, reason)

    def open_estate(self, estate: Estate) -> None:
        """Settle what a dead worker may have taken, in whichever environment."""
        for steward in self._stewards.values():
            steward.open_estate(estate)

    def look(self, *, forget: bool = False) -> None:
        """Ask every steward for a fresh glance; `forget` what was seen before."""
        for steward in self._stewards.values():
            if forget:
                steward.backlog = None
            steward.look()

    @property
    def has_looked(self) -> bool:
        """Whether every environment was seen since it was last forgotten."""
        return all(steward.backlog is not None for steward in self._stewards.values())

    def work(self) -> dict[Source, WaitingWork]:
        """Add up what waits in all environments."""
        total = {}
        for source in Source:
            seen = [s.backlog.work[source] for s in self._stewards.values() if s.backlog]
            documents = sum(work.documents for work in seen)
            seconds = sum(work.documents * work.mean_seconds for work in seen)
            total[source] = WaitingWork(documents, seconds / documents if documents else 0.0)
        return total

    def glance(self) -> tuple[QueueGlance, ...]:
        """Return the queues as they were last seen."""
        return tuple(
            QueueGlance(
                steward.environment,
                source,
                counts.eligible,
                counts.in_progress,
                counts.done,
                counts.failed,
            )
            for steward in self._stewards.values()
            if steward.backlog is not None
            for source in Source
            if (counts := steward.backlog.counts.get(str(source))) is not None
        )

    def notes(self) -> tuple[str, ...]:
        """Return what a person must know of the databases."""
        away = [
            f"{steward.environment}: {steward.away_because}"
            for steward in self._stewards.values()
            if steward.away_because
        ]
        deaf = [
            f"{ear.environment}: behind a transaction pooler, new documents are found by polling"
            for ear in self._ears
            if ear.deaf
        ]
        return (*away, *deaf)
