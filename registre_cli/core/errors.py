"""The errors of the whole program.

Every error knows its exit code and how to mend what went wrong; `app.main` is the one
place that turns an error into an exit code.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes a script may rely on (contract, section 3)."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class RegistreError(Exception):
    """Something went wrong that a person can act on.

    `fix` is the way out, a command or a sentence; it never holds a secret.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.PROBLEM

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error cross from one process to another with all that it says."""
        return (_again, (type(self), self.message, self.fix, {**vars(self)}))


def _again(
    kind: type[RegistreError], message: str, fix: str | None, said: dict[str, object]
) -> RegistreError:
    error = kind.__new__(kind)
    RegistreError.__init__(error, message, fix=fix)
    vars(error).update(said)
    return error


class ProblemFoundError(RegistreError):
    """The command worked and found a problem."""


class WrongUsageError(RegistreError):
    """The command line asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class ConfigurationError(RegistreError):
    """A setting is missing or wrong."""

    exit_code = ExitCode.CONFIGURATION


class UnreachableError(RegistreError):
    """PostgreSQL, Redis, storage, Tesseract or the process manager cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class DocumentError(RegistreError):
    """One document cannot be read; the message is the reason stored in `ocr_error`."""

    permanent: ClassVar[bool]


class TransientDocumentError(DocumentError):
    """Reading failed for a reason that may pass; the document is tried again."""

    permanent = False


class StorageAwayError(TransientDocumentError):
    """The storage as a whole does not serve us: it is away, broken, or refuses our key."""


class PermanentDocumentError(DocumentError):
    """The document can never be read as it is; it ends at status 4 at once."""

    permanent = True
