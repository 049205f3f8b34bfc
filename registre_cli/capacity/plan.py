"""Whether a pool fits a host: arithmetic, no measurement."""

import math
from dataclasses import dataclass

from registre_cli.capacity.host import Host, measure_host
from registre_cli.core.settings import Settings

GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class WorkerClass:
    """What one worker of a kind takes: vCPU and bytes. First estimates, on the safe side."""

    name: str
    cpu_each: float
    ram_each_bytes: int


# The extractor's workers drive a browser; ours read pages.
REGISTRE = WorkerClass("registre", 3.0, 1 * GIGABYTE)
INDEX = WorkerClass("index", 1.5, 750_000_000)
ACTE = WorkerClass("acte", 1.0, 500_000_000)


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


@dataclass(frozen=True)
class ClassCount:
    """How many workers of a class are planned."""

    worker_class: WorkerClass
    workers: int


@dataclass(frozen=True)
class CapacityPlan:
    """The answer of `registre capacity`."""

    host: str
    cpu: Share
    ram: Share
    classes: tuple[ClassCount, ...]
    recommended_pool_size: int
    declared: bool

    @property
    def fits(self) -> bool:
        """Whether everything that is planned has its place."""
        return self.cpu.available >= -1e-9 and self.ram.available >= 0

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is too small, where it does not fit."""
        said = []
        if self.cpu.available < -1e-9:
            said.append(f"CPU: {self.cpu.allocated:g} of {self.cpu.usable:g} vCPU")
        if self.ram.available < 0:
            said.append(
                f"RAM: {self.ram.allocated / GIGABYTE:g} of {self.ram.usable / GIGABYTE:g} GB"
            )
        return tuple(said)


def plan(
    settings: Settings,
    *,
    index_workers: int,
    acte_workers: int,
    cpu: float | None = None,
    ram_bytes: int | None = None,
    host: Host | None = None,
) -> CapacityPlan:
    """Plan a pool on this host, or on one of `cpu` vCPU and `ram_bytes`.

    A declared limit (`SERVER_MAX_CPU`, `SERVER_MAX_RAM`) comes before what is measured.
    """
    measured = host or measure_host()
    total_cpu = cpu or settings.server_max_cpu or measured.cpu_total
    declared_ram = settings.server_max_ram and round(settings.server_max_ram * GIGABYTE)
    total_ram = ram_bytes or declared_ram or measured.ram_total_bytes
    classes = (
        ClassCount(REGISTRE, settings.worker_count),
        ClassCount(INDEX, index_workers),
        ClassCount(ACTE, acte_workers),
    )
    reserve_cpu = total_cpu * settings.server_reserve_cpu_percent / 100
    reserve_ram = total_ram * settings.server_reserve_ram_percent / 100
    return CapacityPlan(
        host=measured.name,
        cpu=Share(
            total_cpu,
            reserve_cpu,
            sum(count.worker_class.cpu_each * count.workers for count in classes),
            measured.cpu_measured,
        ),
        ram=Share(
            total_ram,
            reserve_ram,
            sum(count.worker_class.ram_each_bytes * count.workers for count in classes),
            measured.ram_measured_bytes,
        ),
        classes=classes,
        recommended_pool_size=_largest_pool(
            total_cpu - reserve_cpu - REGISTRE.cpu_each * settings.worker_count,
            total_ram - reserve_ram - REGISTRE.ram_each_bytes * settings.worker_count,
        ),
        declared=settings.server_max_cpu is not None or settings.server_max_ram is not None,
    )


def recommended_pool_size(settings: Settings) -> int:
    """Return the largest pool that fits this host, at least one worker."""
    return plan(settings, index_workers=0, acte_workers=0).recommended_pool_size


def split(size: int) -> tuple[int, int]:
    """Return how many of `size` workers are taken to read index and acte: the larger half index."""
    return math.ceil(size / 2), size // 2


def _largest_pool(cpu: float, ram_bytes: float) -> int:
    size = 1
    while True:
        index, acte = split(size + 1)
        if (
            index * INDEX.cpu_each + acte * ACTE.cpu_each > cpu + 1e-9
            or index * INDEX.ram_each_bytes + acte * ACTE.ram_each_bytes > ram_bytes
        ):
            return size
        size += 1
