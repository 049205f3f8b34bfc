"""Who holds which part of a host, in Redis: two pools cannot both take the last place."""

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from registre_cli.capacity.plan import CapacityPlan, WorkerClass

if TYPE_CHECKING:
    import redis

# A holder that does not take its place again for so long has crashed.
LIFETIME_SECONDS = 15.0
_MILLI = 1000


@dataclass(frozen=True)
class Taken:
    """What all holders of a host have together: vCPU, bytes, and how many they are."""

    cpu: float
    ram_bytes: int
    holders: int


class Ledger:
    """The places of one host. Each worker is a holder of its own, named by its worker id.

    The room is what `plan` leaves after the reserve and the extractor's workers. Every method
    raises `redis.RedisError` while Redis is away.
    """

    def __init__(
        self,
        client: "redis.Redis",
        plan: CapacityPlan,
        *,
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> None:
        script = files("registre_cli.capacity").joinpath("ledger.lua").read_text("utf-8")
        self._script = client.register_script(script)
        self._keys = [
            f"registre:{{capacity:{plan.host}}}:{part}" for part in ("expiry", "cpu", "ram")
        ]
        self._limits = (round(plan.cpu_room * _MILLI), round(plan.ram_room_bytes))
        self._lifetime_ms = round(lifetime_seconds * 1000)

    def take(self, worker_id: str, worker_class: WorkerClass) -> bool:
        """Take a place, or keep the one that is held; false where there is no room.

        Call it again well within the lifetime: that renews the place and takes it anew after
        Redis was emptied. A holder may change its class with its mode, even where the room is
        then passed by the difference: a worker that reads is never sent away for it.
        """
        granted, *_ = self._ask("take", worker_id, worker_class)
        return granted == 1

    def release(self, worker_id: str) -> None:
        """Give a place back at once."""
        self._ask("release", worker_id)

    def taken(self) -> Taken:
        """Return what is taken now by workers that live."""
        _, cpu, ram, holders = self._ask("look", "")
        return Taken(cpu / _MILLI, int(ram), holders)

    def _ask(
        self, what: str, worker_id: str, worker_class: WorkerClass | None = None
    ) -> tuple[int, int, str | bytes, int]:
        wanted = (
            (round(worker_class.cpu_each * _MILLI), worker_class.ram_each_bytes)
            if worker_class is not None
            else (0, 0)
        )
        answer = self._script(
            keys=self._keys,
            args=[what, worker_id, *wanted, *self._limits, self._lifetime_ms],
        )
        return cast("tuple[int, int, str | bytes, int]", tuple(answer))
