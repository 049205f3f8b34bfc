"""When memory runs low, and what a pool does then."""

import pytest

from registre_cli.capacity.host import Memory
from registre_cli.capacity.memory import (
    GROW_SECONDS,
    SHRINK_SECONDS,
    Left,
    MemoryWatch,
    OwnMemory,
    judge,
)

GB = 1_000_000_000


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("available", "left"),
    [(0.9, Left.SHORT), (1.1, Left.ENOUGH), (2.4, Left.ENOUGH), (2.6, Left.AMPLE)],
)
def test_memory_is_short_below_half_of_the_reserve_and_ample_above_all_of_it(
    available: float, left: Left
) -> None:
    # A tenth of 10 GB must stay free; a worker more takes half a gigabyte.
    memory = Memory(10 * GB, round(available * GB))
    assert judge(memory, 20, OwnMemory(GB, None, GB // 2)) is left
    assert judge(memory, 0, OwnMemory(GB, None, GB // 2)) is Left.AMPLE


@pytest.mark.parametrize(
    ("resident", "left"), [(2.1, Left.SHORT), (1.9, Left.ENOUGH), (1.4, Left.AMPLE)]
)
def test_a_declared_limit_is_held_to_what_the_workers_really_hold(
    resident: float, left: Left
) -> None:
    own = OwnMemory(round(resident * GB), 2 * GB, GB // 2)
    assert judge(Memory(64 * GB, 60 * GB), 20, own) is left
    assert judge(Memory(64 * GB, GB), 20, own) is Left.SHORT


def test_a_pool_shrinks_worker_by_worker_and_keeps_the_last_one() -> None:
    clock = Clock()
    watch = MemoryWatch(clock)
    watch.look(Left.ENOUGH, running=3, wanted=3)
    assert watch.most is None
    watch.look(Left.SHORT, running=3, wanted=3)
    assert watch.most == 2
    clock.now += SHRINK_SECONDS
    watch.look(Left.SHORT, running=3, wanted=3)
    assert watch.most == 2, "the first one is still at its page"
    watch.look(Left.SHORT, running=2, wanted=3)
    assert watch.most == 1
    clock.now += SHRINK_SECONDS
    watch.look(Left.SHORT, running=1, wanted=3)
    assert watch.most == 1


def test_a_pool_grows_back_step_by_step_once_memory_was_ample_for_a_while() -> None:
    clock = Clock()
    watch = MemoryWatch(clock)
    watch.look(Left.SHORT, running=2, wanted=3)
    assert watch.most == 1
    watch.look(Left.AMPLE, running=1, wanted=3)
    assert watch.most == 1, "it was short just now"
    clock.now += GROW_SECONDS
    watch.look(Left.ENOUGH, running=1, wanted=3)
    assert watch.most == 1
    watch.look(Left.AMPLE, running=1, wanted=3)
    assert watch.most == 2
    watch.look(Left.AMPLE, running=2, wanted=3)
    assert watch.most == 2
    clock.now += GROW_SECONDS
    watch.look(Left.AMPLE, running=2, wanted=3)
    assert watch.most is None
