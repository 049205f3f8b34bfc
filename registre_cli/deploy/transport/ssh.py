"""Another host through the system's OpenSSH, with the user's own configuration.

One connection is opened and shared by every command (multiplexing), in a folder of ours that
nobody else may enter. Nothing asks a question: whoever would be asked is told how to use a key.
"""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from registre_cli.core.errors import ProblemFoundError, UnreachableError, WrongUsageError
from registre_cli.core.text import printable
from registre_cli.deploy.transport.base import DEFAULT_TIMEOUT_SECONDS, Completed

_CONNECT_SECONDS = 10
# A link that answers nothing for so long is cut.
_ALIVE_INTERVAL_SECONDS = 5
_ALIVE_COUNT = 3
# A connection that nobody uses any more ends by itself, also where we were killed.
_PERSIST_SECONDS = 120
_LOCAL_SECONDS = 5
# ssh's own exit code; a program on the other side may use it as well.
_SSH_FAILED = 255
# The path of a Unix socket has about a hundred bytes, and ssh adds some of its own.
_SOCKET_FOLDER = "/tmp"  # noqa: S108 - mkdtemp makes a folder there that is ours alone
_HOST = re.compile(r"(ssh://)?([\w.\\-]+@)?[\w\[][\w.:%\[\]-]*", re.ASCII)

# The arguments are path, mode and size. A cut link ends the input early: the size says whether
# everything came. mktemp makes a file of mode 0600.
_PUT = """
part=$(mktemp "$1.XXXXXX") && trap 'rm -f "$part"' EXIT
cat > "$part" && [ "$(wc -c < "$part")" -eq "$3" ] && chmod "$2" "$part" && sync "$part" &&
mv -f "$part" "$1" && sync "$(dirname "$1")"
"""

_REFUSED_KEY = re.compile(r"Permission denied|Too many authentication failures")
_WRONG_HOST_KEY = re.compile(r"Host key verification failed|host key .* has changed", re.I)


class HostUnreachableError(UnreachableError):
    """Nobody answers at this address."""


class KeyRefusedError(UnreachableError):
    """The host answers and does not accept our key."""


class HostKeyError(UnreachableError):
    """The host shows a key that is not known, or another one than before."""


class LinkCutError(UnreachableError):
    """The connection ended while a command ran: what the command did is not known."""


class HostTimeoutError(UnreachableError):
    """A command on the host took longer than it may: whether it still runs is not known."""


class SshTransport:
    """Runs programs and moves files on one host, named as `ssh` would be given it.

    Every method may raise one of the errors above. After a cut the next call connects anew.
    """

    def __init__(self, host: str) -> None:
        if not _HOST.fullmatch(host):
            raise WrongUsageError(
                f"{printable(host)!r} is not a host",
                fix="write --host user@server, or a name from your ~/.ssh/config",
            )
        self._host = host
        self._folder = Path(tempfile.mkdtemp(prefix="registre-ssh-", dir=_SOCKET_FOLDER))

    @property
    def name(self) -> str:
        """The host as people wrote it."""
        return self._host

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Completed:
        """Run a program to its end; a missing one is exit code 127."""
        if not self._is_connected():
            self._connect()
        try:
            ended = self._ssh([self._host, shlex.join(argv)], stdin or b"", timeout_seconds)
        except subprocess.TimeoutExpired:
            raise HostTimeoutError(
                f"{self._host}: {argv[0]} did not end within {timeout_seconds:g} s",
                fix=f"ssh {self._host}, look whether it still runs, and deploy again",
            ) from None
        if ended.returncode == _SSH_FAILED and not self._is_connected():
            raise LinkCutError(
                f"{self._host}: the connection was cut while {argv[0]} ran",
                fix=f"registre deploy status --host {self._host}, then deploy again",
            )
        return Completed(ended.returncode, ended.stdout, ended.stderr)

    def put(self, content: bytes, path: PurePosixPath, *, mode: int = 0o644) -> None:
        """Write beside the file and rename; until then nobody but the owner can read it."""
        argv = ["sh", "-c", _PUT, "put", str(path), f"{mode:o}", str(len(content))]
        ended = self.run(argv, stdin=content)
        if not ended.ok:
            raise ProblemFoundError(
                f"{self._host}: {path} cannot be written: {ended.complaint}",
                fix="check the room on the disk (df -h) and the owner of the folder",
            )

    def get(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, `None` where there is no such file."""
        ended = self.run(["env", "LC_ALL=C", "cat", "--", str(path)])
        if ended.ok:
            return ended.stdout
        if "No such file or directory" in ended.complaint:
            return None
        raise ProblemFoundError(
            f"{self._host}: {path} cannot be read: {ended.complaint}",
            fix="check the owner of the file",
        )

    def close(self) -> None:
        """End the connection and leave no file behind."""
        if self._is_connected():
            self._control("exit")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self) -> None:
        """Open the shared connection; it outlives this call as a process of ssh's own."""
        # A socket that nobody answers would keep the new connection from being shared.
        self._socket.unlink(missing_ok=True)
        try:
            ended = self._ssh(
                ["-M", "-o", f"ControlPersist={_PERSIST_SECONDS}", self._host, "true"],
                b"",
                # Looking up the name, connecting, and the talk about keys, each as long.
                3.0 * _CONNECT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise self._unreachable(f"no connection within {3 * _CONNECT_SECONDS} s") from None
        if ended.returncode == 0:
            return
        said = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
        last = printable((said.strip().splitlines() or ["ssh said nothing"])[-1], limit=200)
        if _WRONG_HOST_KEY.search(said):
            raise HostKeyError(
                f"{self._host}: {last}",
                fix=f"ssh {self._host} once by hand and compare the key with the server's own",
            )
        if _REFUSED_KEY.search(said):
            raise KeyRefusedError(
                f"{self._host}: {last}",
                fix=f"ssh-copy-id {self._host}, or load the key: ssh-add",
            )
        raise self._unreachable(last)

    def _unreachable(self, said: str) -> HostUnreachableError:
        return HostUnreachableError(
            f"{self._host} cannot be reached: {said}",
            fix=f"try `ssh {self._host} true`; see the name, the port and the firewall",
        )

    def _is_connected(self) -> bool:
        return self._socket.exists() and self._control("check") == 0

    def _control(self, order: str) -> int:
        """Give an order to the process that holds the connection."""
        try:
            return self._ssh(["-O", order, self._host], b"", _LOCAL_SECONDS).returncode
        except subprocess.TimeoutExpired:
            return _SSH_FAILED

    def _ssh(
        self, arguments: Sequence[str], stdin: bytes, timeout_seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        self._log.unlink(missing_ok=True)
        return subprocess.run(
            [*self._command(), *arguments],
            input=stdin,
            capture_output=True,
            timeout=timeout_seconds,
            check=False,
            # Ctrl-C reaches the deploy alone, which decides what becomes of the host.
            start_new_session=True,
        )

    def _command(self) -> list[str]:
        """Return `ssh` with everything that every call of it has."""
        options = {
            "BatchMode": "yes",
            "ControlPath": self._socket,
            "ControlMaster": "no",
            "ConnectTimeout": _CONNECT_SECONDS,
            "ServerAliveInterval": _ALIVE_INTERVAL_SECONDS,
            "ServerAliveCountMax": _ALIVE_COUNT,
            "RequestTTY": "no",
            "ForwardAgent": "no",
            "ClearAllForwardings": "yes",
            # The local and remote commands of the user's interactive sessions are not for us.
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
        }
        settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        # ssh's own messages go to a file, so that none can be taken for the program's.
        return ["ssh", "-E", str(self._log), *settings]

    @property
    def _socket(self) -> Path:
        return self._folder / "link"

    @property
    def _log(self) -> Path:
        return self._folder / "log"
