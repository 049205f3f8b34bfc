"""Which worker serves which source, kept in step with the waiting work."""

from collections.abc import Collection, Mapping

from registre_cli.capacity.minimums import fit_minimums
from registre_cli.core.documents import Source
from registre_cli.core.errors import WrongUsageError
from registre_cli.core.log import get_logger
from registre_cli.pool.allocation import Allocation, allocate
from registre_cli.pool.messages import SetMode
from registre_cli.pool.models import WorkerState
from registre_cli.pool.options import PoolOptions
from registre_cli.pool.process import WorkerProcess
from registre_cli.queue.models import WaitingWork


class Balance:
    """The shares of a pool, and the orders that bring its workers to them."""

    def __init__(self, pool_id: str, options: PoolOptions) -> None:
        self._pool_id = pool_id
        self._options = options
        # How many run, which may be fewer than were asked for.
        self.size = options.size
        self._work: Mapping[Source, WaitingWork] = {}
        self._minimums = fit_minimums(options.size, options.min_index, options.min_acte)
        self.allocation: Allocation = allocate(self.size, self._minimums, {})

    def resize(self, size: int) -> None:
        """Change the pool's size; given minimums that no longer fit become the default ones."""
        self.size = size
        self._minimums = self._fitted(size)

    def planned_modes(self, size: int, living: Mapping[int, Source]) -> dict[int, Source]:
        """Return the mode of every slot of a pool of `size`: as it is, else what lacks most."""
        lacking = allocate(size, self._fitted(size), self._work)
        for mode in living.values():
            lacking[mode] -= 1
        planned = dict(living)
        for slot in range(size):
            if slot not in planned:
                planned[slot] = max(Source, key=lacking.__getitem__)
                lacking[planned[slot]] -= 1
        return planned

    def missing_mode(self, workers: Collection[WorkerProcess]) -> Source:
        """Return the source that lacks a worker most."""
        serving = [worker.mode for worker in workers]
        return max(Source, key=lambda source: self.allocation[source] - serving.count(source))

    def rebalance(
        self, workers: Collection[WorkerProcess], work: Mapping[Source, WaitingWork]
    ) -> None:
        """Share the workers anew and tell those whose mode changes."""
        self._work = work
        wanted = allocate(self.size, self._minimums, work)
        if wanted != self.allocation:
            get_logger().info(
                "Pool rebalanced",
                pool_id=self._pool_id,
                allocation={str(source): count for source, count in wanted.items()},
            )
        self.allocation = wanted
        serving = dict.fromkeys(Source, 0)
        for worker in workers:
            serving[worker.mode] += 1
        # An idle worker changes before a busy one: it has nothing to finish.
        for worker in sorted(workers, key=lambda w: w.state is not WorkerState.IDLE):
            other = next(source for source in Source if source is not worker.mode)
            if serving[worker.mode] > wanted[worker.mode] and serving[other] < wanted[other]:
                serving[worker.mode] -= 1
                serving[other] += 1
                _change_mode(worker, other)

    def _fitted(self, size: int) -> dict[Source, int]:
        try:
            return fit_minimums(size, self._options.min_index, self._options.min_acte)
        except WrongUsageError:
            return fit_minimums(size, None, None)


def _change_mode(worker: WorkerProcess, mode: Source) -> None:
    get_logger().info(
        "Worker mode changed",
        worker_id=worker.worker_id,
        mode=str(mode),
        previous_mode=str(worker.mode),
    )
    worker.mode = mode
    worker.tell(SetMode(mode))
