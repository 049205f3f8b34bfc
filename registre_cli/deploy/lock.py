"""The lock of a target: who deploys there now, why, and until when.

A hard link makes it: it is there as a whole or not at all, on any file system of a server.
"""

import os
import secrets
import socket
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import psutil
from pydantic import BaseModel, ValidationError

from registre_cli.core.errors import ProblemFoundError
from registre_cli.core.text import printable
from registre_cli.deploy.site import Site

# Longer than the slowest step: installing over a slow line.
LOCK_SECONDS = 30 * 60.0


class LockHeldError(ProblemFoundError):
    """Somebody else deploys to this target."""


class LockLostError(ProblemFoundError):
    """Our lock was taken over: another deploy works on this target."""


class LockRecord(BaseModel, frozen=True):
    """What the lock says. Times are the target's own; `pid` is on the machine `machine`."""

    token: str
    owner: str
    reason: str
    machine: str
    pid: int
    process_started: float
    taken_at: datetime
    expires_at: datetime

    def is_broken(self, now: datetime) -> bool:
        """Whether nobody can be holding it: it expired, or its process is gone from here."""
        if now >= self.expires_at:
            return True
        return self.machine == socket.gethostname() and not self._process_lives()

    def describe(self) -> str:
        """Return who holds it, since when, why and until when."""
        return (
            f"{printable(self.owner)} (pid {self.pid}) since {_clock(self.taken_at)}, "
            f"{printable(self.reason)}, expires {_clock(self.expires_at)}"
        )

    def _process_lives(self) -> bool:
        try:
            return abs(psutil.Process(self.pid).create_time() - self.process_started) < 1
        except psutil.Error:
            return False


class Lock:
    """Our hold on one target, from `take` to `release`."""

    def __init__(self, site: Site, reason: str) -> None:
        self._site = site
        self._reason = reason
        self._token = secrets.token_hex(8)
        self._taken_at: datetime | None = None
        self.taken_over: LockRecord | None = None

    def take(self) -> None:
        """Take the lock, a broken one too. Raises LockHeldError."""
        self._site.must(
            ["mkdir", "-p", str(self._site.releases)],
            f"{self._site.folder} cannot be made",
            fix="check the room on the disk and the owner of the folder, or give --home",
        )
        self._taken_at = now(self._site)
        # A second look: between the first one and the link somebody may have come or gone.
        for _ in range(2):
            if self._link():
                return
            held = read_lock(self._site)
            if held is None:
                continue
            if not held.is_broken(self._taken_at):
                raise held_error(held)
            self._move_away(held)
            self.taken_over = held
        raise LockHeldError("another deploy took the lock just now", fix="registre deploy status")

    def renew(self) -> None:
        """Put the expiry off, and make sure that it is still ours. Raises LockLostError."""
        held = read_lock(self._site)
        if held is None or held.token != self._token:
            raise LockLostError(
                "the lock is no longer ours"
                + (f": {held.describe()}" if held else ": somebody removed it"),
                fix="registre deploy status, and let the other deploy end",
            )
        self._site.transport.put(self._record(now(self._site)), self._site.lock, mode=0o644)

    def release(self) -> None:
        """Let go, if it is still ours."""
        held = read_lock(self._site)
        if held is not None and held.token == self._token:
            self._site.must(["rm", "-f", str(self._site.lock)], "the lock cannot be removed")

    def _link(self) -> bool:
        assert self._taken_at is not None
        written = self._beside("new")
        self._site.transport.put(self._record(self._taken_at), written, mode=0o644)
        linked = self._site.transport.run(["ln", str(written), str(self._site.lock)])
        self._site.transport.run(["rm", "-f", str(written)])
        return linked.ok

    def _move_away(self, broken: LockRecord) -> None:
        """Remove a broken lock, unless it has become somebody's own meanwhile."""
        moved = self._beside("broken")
        self._site.transport.run(["mv", str(self._site.lock), str(moved)])
        found = _parse(self._site.transport.get(moved))
        if found is not None and found.token != broken.token:
            self._site.transport.run(["ln", str(moved), str(self._site.lock)])
        self._site.transport.run(["rm", "-f", str(moved), *_drafts(self._site, broken)])

    def _beside(self, what: str) -> PurePosixPath:
        return _beside(self._site, what, self._token)

    def _record(self, at: datetime) -> bytes:
        assert self._taken_at is not None
        record = LockRecord(
            token=self._token,
            owner=operator(),
            reason=self._reason,
            machine=socket.gethostname(),
            pid=os.getpid(),
            process_started=psutil.Process().create_time(),
            taken_at=self._taken_at,
            expires_at=at + timedelta(seconds=LOCK_SECONDS),
        )
        return record.model_dump_json(indent=1).encode()


def held_error(held: LockRecord) -> LockHeldError:
    """Return the error that says who holds the lock."""
    return LockHeldError(
        f"another deploy holds the lock: {held.describe()}",
        fix="wait for it; if it cannot be alive any more: registre deploy unlock",
    )


def read_lock(site: Site) -> LockRecord | None:
    """Return the lock as it is, `None` where it is free."""
    return _parse(site.transport.get(site.lock))


def remove_lock(site: Site) -> LockRecord | None:
    """Remove the lock whoever holds it, and return what it said."""
    held = read_lock(site)
    drafts = _drafts(site, held) if held is not None else []
    site.must(["rm", "-f", str(site.lock), *drafts], "the lock cannot be removed")
    return held


def now(site: Site) -> datetime:
    """Return the target's time: the clock of the operator may be wrong."""
    return datetime.fromtimestamp(int(site.must(["date", "+%s"], "no time").text), UTC)


def operator() -> str:
    """Return who deploys: the account and the machine."""
    return f"{psutil.Process().username()}@{socket.gethostname()}"


def _beside(site: Site, what: str, token: str) -> PurePosixPath:
    return site.folder / f".lock-{what}-{token}"


def _drafts(site: Site, held: LockRecord) -> list[str]:
    """Return the file that became this lock; a deploy that was killed just then left it."""
    return [str(_beside(site, "new", held.token))] if held.token.isalnum() else []


def _parse(content: bytes | None) -> LockRecord | None:
    if content is None:
        return None
    try:
        return LockRecord.model_validate_json(content)
    except ValidationError:
        # Not ours and not readable: it says nothing, so it expired when the world began.
        return LockRecord(
            token="",
            owner="unknown",
            reason="an unreadable lock",
            machine="",
            pid=0,
            process_started=0.0,
            taken_at=datetime.fromtimestamp(0, UTC),
            expires_at=datetime.fromtimestamp(0, UTC),
        )


def _clock(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
