"""The places of a host, taken in Redis: two pools cannot both take the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from registre_cli.capacity.classes import WorkerClass

if TYPE_CHECKING:
    import redis

# A pool that does not ask again for so long has crashed, and its places are free.
LIFETIME_SECONDS = 10.0
_MILLI = 1000


@dataclass(frozen=True)
class Room:
    """vCPU and bytes that all pools of a host may take together; `None` binds nobody."""

    cpu: float | None
    ram_bytes: float | None


@dataclass(frozen=True)
class Wish:
    """A worker that wants a place; one that is `firm` runs already and is never refused."""

    slot: int
    worker_class: WorkerClass
    firm: bool


@dataclass(frozen=True)
class Place:
    """A place that is taken: vCPU and bytes."""

    pool_id: str
    slot: int
    class_name: str
    cpu: float
    ram_bytes: int


@dataclass(frozen=True)
class Granted:
    """The slots that may run, and every place of the host as it is now."""

    slots: frozenset[int]
    places: tuple[Place, ...]


class Places:
    """The places of one host. Every method raises `redis.RedisError` while Redis is away."""

    def __init__(
        self, client: "redis.Redis", host: str, *, lifetime_seconds: float = LIFETIME_SECONDS
    ) -> None:
        script = files("registre_cli.capacity").joinpath("places.lua").read_text("utf-8")
        self._script = client.register_script(script)
        self._keys = [f"registre:{{capacity:{host}}}:{part}" for part in ("pools", "places")]
        self._lifetime_ms = round(lifetime_seconds * 1000)

    def ask(self, pool_id: str, wishes: Sequence[Wish], room: Room) -> Granted:
        """Take a place for every wish that fits, in their order; keep those that are held.

        Call it again well within the lifetime: that renews the places, and takes them anew after
        Redis was emptied. A place that is not wished for any more is free at once. A worker that
        changes its class keeps its place: it is never sent away for the difference.
        """
        wanted: list[str | int] = []
        for wish in wishes:
            cpu, ram = round(wish.worker_class.cpu_each * _MILLI), wish.worker_class.ram_each_bytes
            wanted += [wish.slot, int(wish.firm), wish.worker_class.name, cpu, ram]
        return self._run(pool_id, room, wanted)

    def leave(self, pool_id: str) -> None:
        """Give back every place of a pool."""
        self._run(pool_id, Room(None, None), [])

    def taken(self) -> tuple[Place, ...]:
        """Return what living pools hold now."""
        return self._run("", Room(None, None), []).places

    def _run(self, pool_id: str, room: Room, wanted: Sequence[str | int]) -> Granted:
        # Rounded to thousandths: a sum of floating numbers must not miss 6.4 vCPU by a hair.
        cpu_room = -1 if room.cpu is None else max(round(room.cpu * _MILLI), 0)
        ram_room = -1 if room.ram_bytes is None else max(round(room.ram_bytes), 0)
        slots, flat = cast(
            "tuple[list[bytes], list[bytes]]",
            self._script(
                keys=self._keys, args=[pool_id, self._lifetime_ms, cpu_room, ram_room, *wanted]
            ),
        )
        places = sorted(
            (_place(field.decode(), value.decode()) for field, value in _pairs(flat)),
            key=lambda place: (place.pool_id, place.slot),
        )
        return Granted(frozenset(int(slot) for slot in slots), tuple(places))


def grant_alone(
    pool_id: str, wishes: Sequence[Wish], room: Room, held: frozenset[int] = frozenset()
) -> Granted:
    """Grant as Redis would, knowing of no other pool; `held` were granted before."""
    cpu = ram = 0.0
    granted: list[Wish] = []
    kept = [wish for wish in wishes if wish.firm or wish.slot in held]
    for wish in [*kept, *(wish for wish in wishes if wish not in kept)]:
        its = wish.worker_class
        fits = (room.cpu is None or round(cpu + its.cpu_each, 3) <= round(room.cpu, 3)) and (
            room.ram_bytes is None or ram + its.ram_each_bytes <= room.ram_bytes
        )
        if fits or wish in kept:
            granted.append(wish)
            cpu, ram = cpu + its.cpu_each, ram + its.ram_each_bytes
    places = tuple(
        Place(pool_id, wish.slot, its.name, its.cpu_each, its.ram_each_bytes)
        for wish in sorted(granted, key=lambda wish: wish.slot)
        for its in [wish.worker_class]
    )
    return Granted(frozenset(wish.slot for wish in granted), places)


def _pairs(flat: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _place(field: str, value: str) -> Place:
    pool_id, _, slot = field.rpartition("#")
    name, cpu, ram = value.split(":")
    return Place(pool_id, int(slot), name, int(cpu) / _MILLI, int(ram))
