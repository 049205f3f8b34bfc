"""Whether a pool fits a host: arithmetic, no measurement."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from registre_cli.capacity.classes import ESTIMATES, GIGABYTE, Classes, WorkerClass
from registre_cli.capacity.host import Host, measure_host
from registre_cli.capacity.places import Place, Room
from registre_cli.core.settings import Settings

# What `--size` takes at most.
LARGEST_POOL = 1024
# Sums of floating numbers: 6.4 of 6.4 vCPU fits.
_HAIR = 1e-9


@dataclass(frozen=True)
class Share:
    """One resource: vCPU, or bytes. `measured` is what the host uses now, by anybody."""

    total: float
    reserved: float
    allocated: float
    measured: float

    @property
    def usable(self) -> float:
        """What is left after the reserve."""
        return self.total - self.reserved

    @property
    def available(self) -> float:
        """What is left after the reserve and the allocations; negative where it does not fit."""
        return self.usable - self.allocated

    @property
    def used_share(self) -> float:
        """The allocated part of what is usable, 1 is all of it."""
        return self.allocated / self.usable if self.usable > 0 else math.inf


@dataclass(frozen=True)
class ClassCount:
    """How many workers of a class are planned."""

    worker_class: WorkerClass
    workers: int


@dataclass(frozen=True)
class CapacityPlan:
    """The answer of `registre capacity`.

    A declared limit (`SERVER_MAX_…`, or a machine that is asked for) binds, a measured one warns.
    """

    host: str
    cpu: Share
    ram: Share
    counts: tuple[ClassCount, ...]
    classes: Classes
    recommended_pool_size: int
    cpu_declared: bool
    ram_declared: bool

    @property
    def fits(self) -> bool:
        """Whether everything that is planned has its place."""
        return not self._short_of_cpu and not self._short_of_ram

    @property
    def binds(self) -> bool:
        """Whether a declared limit is passed."""
        return (self._short_of_cpu and self.cpu_declared) or (
            self._short_of_ram and self.ram_declared
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is too small, where it does not fit."""
        short = {self.cpu_words: self._short_of_cpu, self.ram_words: self._short_of_ram}
        return tuple(words for words, is_short in short.items() if is_short)

    @property
    def binding(self) -> str:
        """The resource that is used up first: `CPU: 5.5 of 6.4 vCPU`."""
        cpu_first = self.cpu.used_share >= self.ram.used_share
        return self.cpu_words if cpu_first else self.ram_words

    @property
    def cpu_words(self) -> str:
        """What is taken of the processors: `CPU: 5.5 of 6.4 vCPU`."""
        return f"CPU: {self.cpu.allocated:.4g} of {self.cpu.usable:.4g} vCPU"

    @property
    def ram_words(self) -> str:
        """What is taken of the memory: `RAM: 2.25 of 12.8 GB`."""
        return f"RAM: {self.ram.allocated / GIGABYTE:.4g} of {self.ram.usable / GIGABYTE:.4g} GB"

    @property
    def is_crowded(self) -> bool:
        """Whether it is worth a warning: two workers on two processors are fine."""
        return self._short_of_ram or (self._short_of_cpu and self.pool_size > self.cpu.total)

    @property
    def pool_size(self) -> int:
        """How many of our workers are planned."""
        return sum(c.workers for c in self.counts if c.worker_class is not self.classes.registre)

    @property
    def cpu_for_pools(self) -> float:
        """The vCPU that pools may take: without the reserve and the extractor's workers."""
        return self.cpu.usable - self.classes.registre.cpu_each * self._extractor_workers

    @property
    def ram_for_pools_bytes(self) -> float:
        """The bytes that pools may take: without the reserve and the extractor's workers."""
        return self.ram.usable - self.classes.registre.ram_each_bytes * self._extractor_workers

    def room(self, *, measured_binds: bool = False) -> Room:
        """Return what pools are held to: the declared limits, and where asked the measured too."""
        return Room(
            max(self.cpu_for_pools, 0.0) if self.cpu_declared or measured_binds else None,
            max(self.ram_for_pools_bytes, 0.0) if self.ram_declared or measured_binds else None,
        )

    @property
    def _short_of_cpu(self) -> bool:
        return self.cpu.available < -_HAIR

    @property
    def _short_of_ram(self) -> bool:
        return self.ram.available < -_HAIR

    @property
    def _extractor_workers(self) -> int:
        return sum(c.workers for c in self.counts if c.worker_class is self.classes.registre)


def plan(
    settings: Settings,
    *,
    index_workers: int,
    acte_workers: int,
    cpu: float | None = None,
    ram_bytes: int | None = None,
    host: Host | None = None,
    classes: Classes = ESTIMATES,
) -> CapacityPlan:
    """Plan a pool on this host, or on one of `cpu` vCPU and `ram_bytes`.

    A declared limit (`SERVER_MAX_CPU`, `SERVER_MAX_RAM`) comes before what is measured.
    """
    measured = host or measure_host()
    declared_ram = settings.server_max_ram and round(settings.server_max_ram * GIGABYTE)
    total_cpu = cpu or settings.server_max_cpu or measured.cpu_total
    total_ram = ram_bytes or declared_ram or measured.ram_total_bytes
    counts = (
        ClassCount(classes.registre, settings.worker_count),
        ClassCount(classes.index, index_workers),
        ClassCount(classes.acte, acte_workers),
    )
    reserve_cpu = total_cpu * settings.server_reserve_cpu_percent / 100
    reserve_ram = total_ram * settings.server_reserve_ram_percent / 100
    return CapacityPlan(
        host=measured.name,
        cpu=Share(total_cpu, reserve_cpu, taken_cpu(counts), measured.cpu_measured),
        ram=Share(total_ram, reserve_ram, taken_ram_bytes(counts), measured.ram_measured_bytes),
        counts=counts,
        classes=classes,
        recommended_pool_size=largest_pool(
            classes,
            total_cpu - reserve_cpu - classes.registre.cpu_each * settings.worker_count,
            total_ram - reserve_ram - classes.registre.ram_each_bytes * settings.worker_count,
        ),
        cpu_declared=cpu is not None or settings.server_max_cpu is not None,
        ram_declared=ram_bytes is not None or settings.server_max_ram is not None,
    )


def with_places(empty: CapacityPlan, places: Sequence[Place]) -> CapacityPlan:
    """Return a plan without a pool with what living pools take."""
    cpu = sum(place.cpu for place in places)
    ram_bytes = sum(place.ram_bytes for place in places)
    by_class = Counter(place.class_name for place in places)
    return replace(
        empty,
        cpu=replace(empty.cpu, allocated=empty.cpu.allocated + cpu),
        ram=replace(empty.ram, allocated=empty.ram.allocated + ram_bytes),
        counts=tuple(
            replace(count, workers=count.workers + by_class[count.worker_class.name])
            for count in empty.counts
        ),
    )


def split(size: int) -> tuple[int, int]:
    """Return how many of `size` workers are taken to read index and acte: the larger half index."""
    return math.ceil(size / 2), size // 2


def taken_cpu(counts: tuple[ClassCount, ...]) -> float:
    """Add up the vCPU of these workers."""
    return sum(count.worker_class.cpu_each * count.workers for count in counts)


def taken_ram_bytes(counts: tuple[ClassCount, ...]) -> int:
    """Add up the memory of these workers."""
    return sum(count.worker_class.ram_each_bytes * count.workers for count in counts)


def largest_pool(classes: Classes, cpu: float, ram_bytes: float) -> int:
    """Return the largest pool that `cpu` and `ram_bytes` hold, at least one worker."""
    size = 1
    while size < LARGEST_POOL:
        index, acte = split(size + 1)
        counts = (ClassCount(classes.index, index), ClassCount(classes.acte, acte))
        if taken_cpu(counts) > cpu + _HAIR or taken_ram_bytes(counts) > ram_bytes:
            break
        size += 1
    return size
