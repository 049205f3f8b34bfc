"""The transport to the host that we are on."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from registre_cli.core.errors import ProblemFoundError, UnreachableError
from registre_cli.deploy.transport.base import DEFAULT_TIMEOUT_SECONDS, Completed

_NOT_FOUND = 127


class LocalTransport:
    """Runs programs on this host, in a session of their own: Ctrl-C reaches the deploy alone."""

    name = "local"

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Completed:
        """Run a program to its end; a missing one is exit code 127."""
        try:
            ran = subprocess.run(
                list(argv),
                input=stdin or b"",
                capture_output=True,
                timeout=timeout_seconds,
                check=False,
                start_new_session=True,
            )
        except FileNotFoundError:
            return Completed(_NOT_FOUND, b"", f"{argv[0]}: not found".encode())
        except PermissionError:
            return Completed(_NOT_FOUND - 1, b"", f"{argv[0]}: may not be run".encode())
        except subprocess.TimeoutExpired:
            raise UnreachableError(
                f"{argv[0]} did not end within {timeout_seconds:g} s",
                fix="look at the load of the host and at its disk, then deploy again",
            ) from None
        return Completed(ran.returncode, ran.stdout, ran.stderr)

    def put(self, content: bytes, path: PurePosixPath, *, mode: int = 0o644) -> None:
        """Write beside the file and rename, so that nobody ever reads half of it."""
        target = Path(path)
        temporary: str | None = None
        try:
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
            raise ProblemFoundError(
                f"{path} cannot be written: {error.strerror}",
                fix="check the room on the disk (df -h) and the owner of the folder",
            ) from error

    def get(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, `None` where there is no such file."""
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProblemFoundError(
                f"{path} cannot be read: {error.strerror}", fix="check the owner of the file"
            ) from error


def _sync_folder(folder: Path) -> None:
    """Write the new name to the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
