"""What one document took of the processors."""

import os
from pathlib import Path

_NANOSECONDS = 1_000_000_000
# Of this thread: on a processor, waiting for one, turns; nanoseconds (Linux).
_SCHEDULE = Path("/proc/thread-self/schedstat")


class Meter:
    """Counts from its making on; the thread that makes it is the one that reads."""

    def __init__(self) -> None:
        self._before = _cpu_seconds()

    def cpu_seconds(self) -> float:
        """Return the seconds that were computed, and those that a processor was waited for.

        A worker of a crowded host would otherwise look as if it needed little.
        """
        return max(_cpu_seconds() - self._before, 0.0)


def _cpu_seconds() -> float:
    times = os.times()
    computed = times.user + times.system + times.children_user + times.children_system
    return computed + _waited_seconds()


def _waited_seconds() -> float:
    try:
        numbers = _SCHEDULE.read_text().split()
    except OSError:
        # Not Linux, or a kernel that does not count it.
        return 0.0
    return int(numbers[1]) / _NANOSECONDS if len(numbers) == 3 else 0.0
