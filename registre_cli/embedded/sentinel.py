"""The process that owns the embedded servers: `python -m registre_cli.embedded.sentinel HOME`.

Every process that uses the servers holds a shared lock on one file, which the kernel
releases however that process ends. The sentinel tries the exclusive lock; when it gets it,
nobody is left, and the servers are stopped.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from registre_cli.core.errors import RegistreError, UnreachableError
from registre_cli.embedded.layout import Layout, layout_of
from registre_cli.embedded.locks import FileLock
from registre_cli.embedded.servers import PostgresServer, Server, ValkeyServer

# Short commands follow one another: keep the servers a moment after the last user left.
LINGER_SECONDS = 2.0
_WATCH_SECONDS = 0.25


def main(registre_home: Path) -> int:
    """Run both servers until nobody uses them; 0 also where another sentinel does it already."""
    layout = layout_of(registre_home)
    ours = FileLock(layout.sentinel_lock)
    if not ours.try_exclusive():
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    servers: list[Server] = [
        PostgresServer(layout.postgres, layout.sockets / "pg"),
        ValkeyServer(layout.valkey, layout.sockets / "valkey"),
    ]
    layout.ready_mark.unlink(missing_ok=True)
    _own(layout.sockets)
    try:
        for server in servers:
            server.start()
        layout.ready_mark.touch()
        _watch(layout, servers)
    finally:
        layout.ready_mark.unlink(missing_ok=True)
        for server in reversed(servers):
            with contextlib.suppress(OSError):
                server.stop()
    return 0


def _own(sockets: Path) -> None:
    """Make the sockets' folder ours: in a shared temporary folder another may have been first."""
    sockets.mkdir(parents=True, exist_ok=True, mode=0o755 if os.geteuid() == 0 else 0o700)
    if sockets.stat().st_uid != os.geteuid():
        raise UnreachableError(
            f"the folder {sockets} belongs to somebody else",
            fix="set REGISTRE_HOME to a short path",
        )


def _watch(layout: Layout, servers: list[Server]) -> None:
    """Return when nobody has used the servers for the linger time, holding the users' lock."""
    users = FileLock(layout.users_lock)
    last_used = time.monotonic()
    while True:
        time.sleep(_WATCH_SECONDS)
        for server in servers:
            server.start()
        if not users.try_exclusive():
            last_used = time.monotonic()
        elif time.monotonic() - last_used >= LINGER_SECONDS:
            # The lock stays ours until we end: a newcomer waits for it, then starts anew.
            return
        else:
            users.release()


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1])))
    except RegistreError as error:
        # The last line of the log is what the program shows to the person who started it.
        sys.exit(error.message)
