"""The folder for temporary files."""

import os
import tempfile

from registre_cli.core.errors import ConfigurationError

# A socket's path may have 107 bytes on Linux and 103 on macOS.
_LONGEST_SOCKET_BYTES = 103
# What multiprocessing puts behind the folder: /pymp-abcdefgh/listener-abcdefgh
_SOCKET_NAME_BYTES = 32


def require_room_for_sockets() -> None:
    """Check that a fork server's socket can be made in the folder for temporary files.

    Raises ConfigurationError where the folder's path is too long for one.
    """
    folder = tempfile.gettempdir()
    longest = _LONGEST_SOCKET_BYTES - _SOCKET_NAME_BYTES
    if len(os.fsencode(folder)) > longest:
        raise ConfigurationError(
            f"the path of the temporary folder has more than {longest} bytes: {folder}",
            fix="set TMPDIR to a shorter one, such as /tmp",
        )
