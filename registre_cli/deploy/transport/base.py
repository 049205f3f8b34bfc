"""The way to a target: everything that a deploy does there goes through these three methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

DEFAULT_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Completed:
    """A program that ran to its end."""

    exit_code: int
    stdout: bytes
    stderr: bytes

    @property
    def ok(self) -> bool:
        """Whether it said that all went well."""
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """What it printed, without the white space around it."""
        return self.stdout.decode("utf-8", "replace").strip()

    @property
    def complaint(self) -> str:
        """What it complained about; where it said nothing, its exit code."""
        said = self.stderr.decode("utf-8", "replace").strip() or self.text
        return said or f"exit code {self.exit_code}"


class Transport(Protocol):
    """Runs programs and moves files on one target.

    Each method raises UnreachableError where the target cannot be reached, where the link is cut
    in the middle, and where a program does not end in time; it then is not known what it did.
    """

    @property
    def name(self) -> str:
        """The target as people wrote it: `local`, `user@server`."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> Completed:
        """Run a program to its end, without a shell; a missing one is exit code 127."""

    def put(self, content: bytes, path: PurePosixPath, *, mode: int = 0o644) -> None:
        """Write a file as a whole or not at all, on the disk before this returns.

        The folder must exist. Raises ProblemFoundError where the disk is full or the rights
        are missing.
        """

    def get(self, path: PurePosixPath) -> bytes | None:
        """Return a file's content, `None` where there is no such file."""
