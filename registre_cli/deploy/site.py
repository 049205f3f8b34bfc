"""A target as a deploy knows it: its folders, and running programs there with a clean environment.

```
<home>/deploy/lock           who deploys now, and why
<home>/deploy/journal.json   the deploy that has begun and not ended
<home>/deploy/history.jsonl  every deploy that ended, one a line
<home>/deploy/releases/ID/   a virtual environment, the wheel, the settings (0600), the definition
<home>/deploy/current        link to the release whose pool runs
```
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from registre_cli.core.errors import ProblemFoundError
from registre_cli.core.text import printable
from registre_cli.deploy.transport.base import DEFAULT_TIMEOUT_SECONDS, Completed, Transport

_SHOWN_COMPLAINT = 600
# What a program needs of its surroundings. Everything else stays outside: PM2 stores the whole
# environment of its caller, and a setting of the operator must not reach the pool.
_KEPT_VARIABLES = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "PM2_HOME", "XDG_RUNTIME_DIR")
# PM2 paints even where nobody sees it.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RENAME = "import os, sys; os.replace(*sys.argv[1:])"
_DESCRIBE = (
    "home=${REGISTRE_HOME:-${XDG_DATA_HOME:-$HOME/.local/share}/registre}; "
    'case $home in /*) ;; *) home=$PWD/$home ;; esac; printf "%s\\n" "$home"; '
    f'for name in {" ".join(_KEPT_VARIABLES)}; do eval "value=\\${{$name-}}"; '
    'printf "%s=%s\\n" "$name" "$value"; done'
)


@dataclass(frozen=True)
class Site:
    """One target; `environment` is what programs get there."""

    transport: Transport
    home: PurePosixPath
    environment: Mapping[str, str]

    @property
    def folder(self) -> PurePosixPath:
        """Everything that deploys keep on the target."""
        return self.home / "deploy"

    @property
    def releases(self) -> PurePosixPath:
        """A folder for each release."""
        return self.folder / "releases"

    @property
    def current(self) -> PurePosixPath:
        """The link to the release whose pool runs."""
        return self.folder / "current"

    @property
    def lock(self) -> PurePosixPath:
        """Who deploys now."""
        return self.folder / "lock"

    @property
    def journal(self) -> PurePosixPath:
        """The deploy that has begun and not ended."""
        return self.folder / "journal.json"

    @property
    def history(self) -> PurePosixPath:
        """Every deploy that ended."""
        return self.folder / "history.jsonl"

    def absolute(self, path: PurePosixPath) -> PurePosixPath:
        """Return a path that a person wrote relative to the account's own folder."""
        return _absolute(path, self.environment)

    def ask(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Completed:
        """Run a program with the clean environment only. Raises UnreachableError."""
        given = [f"{name}={value}" for name, value in self.environment.items()]
        return self.transport.run(
            ["env", "-i", *given, *argv], stdin=stdin, timeout_seconds=timeout_seconds
        )

    def must(
        self,
        argv: Sequence[str],
        what: str,
        *,
        fix: str | None = None,
        stdin: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Completed:
        """Run a program as the account would; raise ProblemFoundError where it fails.

        The account's own environment is kept: pip and uv take their proxies and indexes from it.
        """
        ran = self.transport.run(argv, stdin=stdin, timeout_seconds=timeout_seconds)
        if not ran.ok:
            raise ProblemFoundError(f"{what}: {complaint_of(ran)}", fix=fix)
        return ran

    def current_release(self) -> str | None:
        """Return the release that `current` names, `None` before the first deploy."""
        ran = self.transport.run(["readlink", str(self.current)])
        return PurePosixPath(ran.text).name if ran.ok and ran.text else None

    def switch(self, release: str | None) -> None:
        """Let `current` name this release, in one rename; `None` removes it."""
        if release is None:
            self.must(["rm", "-f", str(self.current)], "the link cannot be removed")
            return
        fresh = self.folder / ".current"
        self.must(["ln", "-sfn", f"releases/{release}", str(fresh)], "the link cannot be made")
        # `mv` onto a link to a folder would move into that folder.
        self.must(
            ["python3", "-c", _RENAME, str(fresh), str(self.current)],
            "the link cannot be switched",
        )


def open_site(transport: Transport, home: PurePosixPath | None) -> Site:
    """Ask the target for its environment and its home. Raises UnreachableError."""
    ran = transport.run(["sh", "-c", _DESCRIBE])
    if not ran.ok:
        raise ProblemFoundError(
            f"{transport.name} does not tell its environment: {complaint_of(ran)}",
            fix="check that the account has a POSIX shell",
        )
    told_home, *lines = ran.text.splitlines()
    pairs = (line.partition("=") for line in lines)
    environment = {name: value for name, _, value in pairs if value}
    return Site(transport, _absolute(home or PurePosixPath(told_home), environment), environment)


def _absolute(path: PurePosixPath, environment: Mapping[str, str]) -> PurePosixPath:
    return PurePosixPath(environment.get("HOME", "/")) / path


def complaint_of(ran: Completed) -> str:
    """Return the end of what a program complained about, harmless and on one line."""
    lines = [line for line in _COLOUR.sub("", ran.complaint).splitlines() if line.strip()]
    said = printable(" | ".join(lines))
    return said if len(said) <= _SHOWN_COMPLAINT else "…" + said[-_SHOWN_COMPLAINT:]
