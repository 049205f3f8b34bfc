"""How long to wait before a crashed worker is replaced."""

import time

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class Respawn:
    """The pause of one slot: none at first, doubled with each life that read nothing."""

    def __init__(self) -> None:
        self._pause_seconds = 0.0
        self._at = 0.0

    def failed(self, *, hopeless: bool = False) -> None:
        """Note that a life ended badly; `hopeless` waits longest at once."""
        self._at = time.monotonic() + self._pause_seconds
        if hopeless:
            self._at = time.monotonic() + _LONGEST_PAUSE_SECONDS
        self._pause_seconds = min(
            max(self._pause_seconds * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS
        )

    def is_due(self) -> bool:
        """Whether the successor may start."""
        return time.monotonic() >= self._at
