"""Starting or joining the embedded servers, where no database is configured."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from registre_cli.core.errors import UnreachableError
from registre_cli.core.settings import Environment, Settings
from registre_cli.embedded.layout import Layout, layout_of
from registre_cli.embedded.locks import FileLock

START_SECONDS = 60.0
_POLL_SECONDS = 0.02


@contextmanager
def serving(settings: Settings) -> Iterator[Settings]:
    """Yield settings that have a database: as they are, or with the embedded servers filled in.

    The servers are started on first use, shared with every other process of the same
    `REGISTRE_HOME`, and stopped when the last of them is gone. A `REDIS_URL` of the user
    is kept. Raises UnreachableError where they do not start.
    """
    if not settings.uses_embedded:
        yield settings
        return
    layout = layout_of(settings.registre_home)
    try:
        users = FileLock(layout.users_lock)
    except OSError as error:
        raise UnreachableError(
            f"the embedded database cannot be kept in {layout.state}: {error.strerror}",
            fix="set REGISTRE_HOME to a folder that you may write to, or set DEV_DATABASE_URL",
        ) from error
    try:
        with FileLock(layout.start_lock):
            users.share()
            _ensure_running(layout, settings.registre_home)
        yield _filled_in(settings, layout)
    finally:
        users.close()


@contextmanager
def joined(settings: Settings) -> Iterator[Settings]:
    """Yield settings that know the embedded servers where these run already; start nothing."""
    layout = layout_of(settings.registre_home)
    if not settings.uses_embedded or not layout.ready_mark.exists():
        yield settings
        return
    users = FileLock(layout.users_lock)
    try:
        users.share()
        lives = layout.ready_mark.exists() and _sentinel_lives(layout)
        yield _filled_in(settings, layout) if lives else settings
    finally:
        users.close()


def _ensure_running(layout: Layout, registre_home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    sentinel: subprocess.Popen[bytes] | None = None
    while not (layout.ready_mark.exists() and _sentinel_lives(layout)):
        if sentinel is None and not _sentinel_lives(layout):
            layout.ready_mark.unlink(missing_ok=True)
            sentinel = _start_sentinel(layout, registre_home)
        if sentinel is not None and sentinel.poll() is not None and not _sentinel_lives(layout):
            raise UnreachableError(
                f"the embedded servers do not start: {_last_line(layout.sentinel_log)}",
                fix=f"read {layout.sentinel_log}, or set DEV_DATABASE_URL and REDIS_URL",
            )
        if time.monotonic() >= deadline:
            raise UnreachableError(
                f"the embedded servers did not start within {START_SECONDS:.0f} s",
                fix=f"read {layout.sentinel_log}, or set DEV_DATABASE_URL and REDIS_URL",
            )
        time.sleep(_POLL_SECONDS)


def _sentinel_lives(layout: Layout) -> bool:
    lock = FileLock(layout.sentinel_lock)
    try:
        return not lock.try_exclusive()
    finally:
        lock.close()


def _start_sentinel(layout: Layout, registre_home: Path) -> subprocess.Popen[bytes]:
    with layout.sentinel_log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "registre_cli.embedded.sentinel", str(registre_home)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Not in our process group: Ctrl-C and a closed terminal are not for the servers.
            start_new_session=True,
        )


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "they said nothing"


def _filled_in(settings: Settings, layout: Layout) -> Settings:
    from urllib.parse import quote

    sockets = layout.sockets
    dsn = f"postgresql:///postgres?host={quote(str(sockets / 'pg'))}&user=postgres"
    redis_url = f"unix://{quote(str(sockets / 'valkey' / 'valkey.sock'))}?db=0"
    local = Environment(name="local", enabled=True, database_url=SecretStr(dsn))
    return settings.model_copy(
        update={"local": local, "redis_url": settings.redis_url or SecretStr(redis_url)}
    )
