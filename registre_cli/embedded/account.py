"""The account that PostgreSQL runs under: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from registre_cli.core.errors import UnreachableError

ACCOUNT_NAME = "registre"


@dataclass(frozen=True)
class Account:
    """User and group that the server runs under; `None` where we run as ourselves."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Make the account the owner of `path`, where it is another than ours."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """Return ourselves, or for root a system account that is made where it is missing.

    Raises UnreachableError where the account cannot be made.
    """
    if os.geteuid() != 0:
        return Account()
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        _make_account()
        entry = pwd.getpwnam(ACCOUNT_NAME)
    return Account(entry.pw_uid, entry.pw_gid)


def _make_account() -> None:
    # A shell's PATH need not have the folders of root's programs.
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise UnreachableError(
            "PostgreSQL does not run as root, and no account can be made: useradd is missing",
            fix="run registre as an ordinary user, or set DEV_DATABASE_URL",
        )
    made = subprocess.run(
        [
            program,
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            ACCOUNT_NAME,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    # Two first runs at once: the other one made it.
    already_there = made.returncode == 9
    if made.returncode != 0 and not already_there:
        raise UnreachableError(
            f"the account {ACCOUNT_NAME!r} for PostgreSQL cannot be made: {made.stderr.strip()}",
            fix="run registre as an ordinary user, or set DEV_DATABASE_URL",
        )
