"""The text of the hardened systemd unit that runs the pool."""

import math
from importlib.resources import files
from pathlib import PurePosixPath
from string import Template

from registre_cli.deploy.managers.base import PoolDefinition

# The first line of every unit of ours: another one is somebody's own.
MARK = "# Written by `registre deploy`"
# For the fork server, two native libraries and a database that is slow to answer.
_START_SECONDS = 120
# A hundred turns of the supervisor's loop.
_WATCHDOG_SECONDS = 30
_CREDENTIAL = "registre.env"
# What ProtectHome hides.
_HOMES = tuple(map(PurePosixPath, ("/home", "/root", "/run/user")))


def render_unit(definition: PoolDefinition, account: str | None) -> str:
    """Return the unit of this pool; it holds paths and no secret.

    `account` runs the pool; `None` is an account that exists only while the pool runs.
    """
    template = Template(files(__package__).joinpath("ocr-pool.service").read_text("utf-8"))
    return template.substitute(
        name=definition.name,
        release=_escaped(definition.release),
        command=" ".join(_word(word, definition.environment_file) for word in definition.command),
        environment="\n".join(
            f"Environment={_quoted(_escaped(f'{name}={value}'))}"
            for name, value in definition.environment.items()
        ),
        credential=_CREDENTIAL,
        folder=_escaped(definition.folder),
        environment_file=_escaped(definition.environment_file),
        account=f"User={account}" if account else "DynamicUser=yes",
        protect_home="read-only" if _lives_in_a_home(definition) else "yes",
        start_seconds=_START_SECONDS,
        watchdog_seconds=_WATCHDOG_SECONDS,
        stop_seconds=math.ceil(definition.stop_seconds),
        memory_limit=definition.memory_limit_bytes or "infinity",
    )


def _word(word: str, environment_file: str) -> str:
    """Return one word of the command as systemd reads it back."""
    if word == environment_file:
        # systemd reads the file as root and shows the pool a copy that it alone can read.
        return f"${{CREDENTIALS_DIRECTORY}}/{_CREDENTIAL}"
    return _quoted(_escaped(word).replace("$", "$$"))


def _quoted(text: str) -> str:
    """Quote what systemd would split or unquote."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if not text or any(mark in text for mark in " \t'\"\\;") else text


def _escaped(text: str) -> str:
    """Return text in which systemd sees no specifier."""
    return text.replace("%", "%%")


def _lives_in_a_home(definition: PoolDefinition) -> bool:
    paths = (PurePosixPath(definition.command[0]), PurePosixPath(definition.folder))
    return any(path.is_relative_to(home) for path in paths for home in _HOMES)
