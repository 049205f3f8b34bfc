"""Where the embedded servers keep their data, their sockets and their locks."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from registre_cli.embedded.binaries import ROOT_STATE

# The longest socket path that every Unix takes is 103 bytes; PostgreSQL's name has 14.
_LONGEST_SOCKET_FOLDER_BYTES = 85


@dataclass(frozen=True)
class Layout:
    """The folders of one private pair of servers, the same for every process of one home."""

    state: Path
    sockets: Path

    @property
    def start_lock(self) -> Path:
        """Held while a process starts the servers."""
        return self.state / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Held shared by every process that uses the servers."""
        return self.state / "users.lock"

    @property
    def sentinel_lock(self) -> Path:
        """Held by the sentinel as long as it lives."""
        return self.state / "sentinel.lock"

    @property
    def ready_mark(self) -> Path:
        """Exists while both servers answer."""
        return self.state / "ready"

    @property
    def sentinel_log(self) -> Path:
        """What the sentinel and its start said."""
        return self.state / "sentinel.log"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's folder; as root it belongs to another account."""
        return self.state / "pg"

    @property
    def valkey(self) -> Path:
        """Valkey's folder."""
        return self.state / "valkey"


def layout_of(registre_home: Path) -> Layout:
    """Return the folders for `registre_home`; nothing is made yet.

    As root the state is under /var/lib/registre, a folder for each home: the account of
    PostgreSQL could not enter root's own folders, and we do not loosen their rights.
    """
    home = registre_home.expanduser().absolute()
    mark = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    state = ROOT_STATE / mark if os.geteuid() == 0 else home / "embedded"
    sockets = state / "run"
    if len(os.fsencode(sockets)) > _LONGEST_SOCKET_FOLDER_BYTES:
        sockets = Path(tempfile.gettempdir()) / f"registre-{os.geteuid()}-{mark}"
    return Layout(state, sockets)
