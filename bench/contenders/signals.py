"""Telling another process the time at which a document began."""

import socket
import struct
import time
from pathlib import Path

_TIME = struct.Struct("q")


class Announcer:
    """What a worker calls first of all."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def say(self) -> None:
        """Tell that a document begins now."""
        self._socket.sendto(_TIME.pack(time.monotonic_ns()), self._address)


class Audience:
    """Where the beginnings are heard."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "began")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def next(self, seconds: float) -> float:
        """Wait for the next beginning and return its time, in seconds of the monotonic clock."""
        self._socket.settimeout(seconds)
        nanoseconds: int = _TIME.unpack(self._socket.recv(_TIME.size))[0]
        return nanoseconds / 1e9
