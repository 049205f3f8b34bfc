"""What memory is left for real, and how many workers that lets run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from registre_cli.capacity.host import Memory

SHRINK_SECONDS = 5.0
GROW_SECONDS = 10.0
# Of the reserve that is to stay free. Below it the pool shrinks, above all of it it grows again.
_LOW_SHARE = 0.5


class Left(Enum):
    """How much memory is left."""

    SHORT = "short"
    ENOUGH = "enough"
    AMPLE = "ample"


@dataclass(frozen=True)
class OwnMemory:
    """What a pool's workers hold, and what a declared limit leaves them; bytes."""

    resident_bytes: int
    room_bytes: float | None
    largest_worker_bytes: int


def judge(memory: Memory, reserve_percent: float, own: OwnMemory) -> Left:
    """Compare what is left of the host, and of a declared limit, with what must stay free."""
    reserve = memory.total_bytes * reserve_percent / 100
    worker = own.largest_worker_bytes
    spares = []
    if reserve:
        spare = memory.available_bytes - reserve * _LOW_SHARE
        spares.append((spare, reserve * (1 - _LOW_SHARE) + worker))
    if own.room_bytes is not None:
        spares.append((own.room_bytes - own.resident_bytes, worker))
    if any(spare < 0 for spare, _ in spares):
        return Left.SHORT
    return Left.AMPLE if all(spare >= margin for spare, margin in spares) else Left.ENOUGH


class MemoryWatch:
    """Lets one worker less run every few seconds while memory is short, and one more afterwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shrink_at = self._grow_at = 0.0
        # How many may run; `None` is as many as there is room for.
        self.most: int | None = None

    def look(self, left: Left, *, running: int, wanted: int) -> None:
        """Take a new measure into account; the last worker always stays."""
        now = self._clock()
        if left is Left.SHORT:
            self._grow_at = now + GROW_SECONDS
            one_leaves = self.most is not None and running > self.most
            if now >= self._shrink_at and running > 1 and not one_leaves:
                self.most = running - 1
                self._shrink_at = now + SHRINK_SECONDS
        elif left is Left.AMPLE and self.most is not None and now >= self._grow_at:
            self.most = self.most + 1 if self.most + 1 < wanted else None
            self._grow_at = now + GROW_SECONDS
