"""What `registre capacity` answers: the host, who lives there, what fits, how long it takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from registre_cli.capacity.drain import Drain, Waiting, drain_times
from registre_cli.capacity.places import Place
from registre_cli.capacity.plan import CapacityPlan, plan, split, with_places
from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.settings import Settings
from registre_cli.pool.occupancy import look_at_host
from registre_cli.queue.counts import counts_of
from registre_cli.queue.opening import open_queue
from registre_cli.queue.store import QueueStore


@dataclass(frozen=True)
class CapacityReport:
    """A plan, and what it was made of.

    `living` are the places of this host's pools. `planned` is false where the plan shows those as
    they are. `waiting` is what the queues hold, `drain` how long that takes; `notes` say what
    nobody knows, and why.
    """

    plan: CapacityPlan
    living: tuple[Place, ...]
    planned: bool
    waiting: dict[Source, Waiting]
    drain: tuple[Drain, ...]
    notes: tuple[str, ...]


def plan_capacity(
    settings: Settings, *, size_given: bool, cpu: float | None, ram_bytes: int | None
) -> CapacityReport:
    """Plan the pool of the settings on this host, or on one of `cpu` vCPU and `ram_bytes`.

    Where pools live here and no size is given, the plan is what they hold now.
    """
    found = look_at_host(settings)
    another = cpu is not None or ram_bytes is not None
    living = () if another else found.places

    def planned(size: int) -> CapacityPlan:
        index, acte = split(size)
        return plan(
            settings,
            index_workers=index,
            acte_workers=acte,
            cpu=cpu,
            ram_bytes=ram_bytes,
            classes=found.classes,
        )

    if living and not size_given:
        answer, is_planned = with_places(planned(0), living), False
    else:
        asked = settings.ocr_worker_pool_size
        size = planned(0).recommended_pool_size if asked == "auto" else asked
        answer, is_planned = planned(size), True
    notes = [] if found.unknown_because is None else [found.unknown_because]
    waiting = dict.fromkeys(Source, Waiting(0, 0.0))
    for seen in _queues(settings, notes):
        waiting = {source: _together(waiting[source], seen[source]) for source in Source}
    most = max(answer.recommended_pool_size, answer.pool_size)
    return CapacityReport(
        answer, living, is_planned, waiting, drain_times(waiting, answer, most), tuple(notes)
    )


def size_that_fits(settings: Settings) -> int:
    """Return the largest pool that an empty host of this kind holds, at least one worker."""
    classes = look_at_host(settings).classes
    return plan(settings, index_workers=0, acte_workers=0, classes=classes).recommended_pool_size


def _queues(settings: Settings, notes: list[str]) -> Iterator[dict[Source, Waiting]]:
    """Yield what waits in each enabled environment; note those that do not answer."""
    for environment in settings.environments:
        if not environment.enabled:
            continue
        try:
            with open_queue(environment) as connection:
                counts = counts_of(connection)
                work = QueueStore(connection).waiting_work()
        except RegistreError as error:
            notes.append(f"{error.message}: what waits there is unknown")
            continue
        yield {
            source: Waiting(counts[str(source)].eligible, work[source].mean_seconds)
            for source in Source
        }


def _together(first: Waiting, second: Waiting) -> Waiting:
    documents = first.documents + second.documents
    return Waiting(documents, (first.seconds + second.seconds) / documents if documents else 0.0)
