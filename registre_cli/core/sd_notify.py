"""Telling the service manager how we are: systemd's `sd_notify` protocol, datagrams to a socket.

Without `NOTIFY_SOCKET` nobody listens, and nothing is sent.
"""

import os
import socket
from collections.abc import MutableMapping

from registre_cli.core.log import get_logger

_USEC_IN_SECOND = 1_000_000


class ServiceNotifier:
    """Sends states to the service manager that started this process, if one did.

    `watchdog_seconds` is how long it waits for `alive` before it ends us, `None` where it does not.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self.watchdog_seconds = watchdog_seconds if address else None
        self._address = address
        self._socket: socket.socket | None = None
        self._failed = False
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            # A service manager that does not read must not hold us up.
            self._socket.setblocking(False)

    @property
    def listened_to(self) -> bool:
        """Whether a service manager asked to hear from us."""
        return self._socket is not None

    def ready(self) -> None:
        """Say that the service does its work."""
        self._send("READY=1")

    def alive(self) -> None:
        """Say that the main loop turns."""
        self._send("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """Say in one line, for people, what the service does."""
        self._send(f"STATUS={sentence}")

    def stopping(self) -> None:
        """Say that the service has begun to end."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, state: str) -> None:
        if self._socket is None or self._address is None:
            return
        # A name that begins with @ is in Linux' abstract namespace: its first byte is NUL.
        name = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            self._socket.sendto(state.encode(), name)
        except OSError as error:
            if not self._failed:
                get_logger().warning("Service manager does not hear us", reason=error.strerror)
            self._failed = True
        else:
            self._failed = False


def take_notifier(environ: MutableMapping[str, str] = os.environ) -> ServiceNotifier:
    """Return the notifier of this process, and hide its address from the processes it starts.

    A child that kept the variables could speak in our name, and PostgreSQL or Valkey would.
    """
    address = environ.pop("NOTIFY_SOCKET", None)
    usec = environ.pop("WATCHDOG_USEC", "")
    meant_for = environ.pop("WATCHDOG_PID", "")
    watched = usec.isdecimal() and int(usec) > 0 and meant_for in {"", str(os.getpid())}
    return ServiceNotifier(address, int(usec) / _USEC_IN_SECOND if watched else None)
