"""Which files are to be read, and where what is read of them goes."""

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registre_cli.core.errors import ProblemFoundError, WrongUsageError


@dataclass(frozen=True)
class InputFile:
    """A PDF, and its name among the others: relative to the folder that was given."""

    path: Path
    name: Path

    def target(self, folder: Path, suffix: str) -> Path:
        """Return where its reading goes."""
        return folder / self.name.with_name(f"{self.name.stem}{suffix}")


def pdfs_among(given: Sequence[Path]) -> list[InputFile]:
    """Return the files as given and, for each folder, the PDFs in it; each once, in order.

    Raises WrongUsageError for a path that does not exist, for a folder that may not be looked
    into, and where nothing is left.
    """
    found: dict[Path, InputFile] = {}
    for path in given:
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
            files = _pdfs_in(path) if is_folder else [InputFile(path, Path(path.name))]
        except OSError as error:
            raise WrongUsageError(
                f"{error.filename or path}: {error.strerror}",
                fix="give PDFs or folders that exist and that you may read",
            ) from error
        for file in files:
            found.setdefault(file.path, file)
    if not found:
        raise WrongUsageError("there is no PDF in the folder", fix="give PDFs or folders of them")
    return list(found.values())


def _pdfs_in(folder: Path) -> list[InputFile]:
    """Return the PDFs in a folder and below it. Raises OSError."""
    files = [
        Path(inside, name)
        for inside, _, names in os.walk(folder, onerror=_raise)
        for name in names
        if name.lower().endswith(".pdf")
    ]
    return [InputFile(file, file.relative_to(folder)) for file in sorted(files)]


def _raise(error: OSError) -> None:
    # A folder that is passed over in silence is a folder of documents lost.
    raise error


def prepare_folder(folder: Path, files: Sequence[InputFile], suffix: str) -> None:
    """Make the folder.

    Raises WrongUsageError where that fails, where it may not be written to, and where two files
    want one name.
    """
    wanted: dict[Path, Path] = {}
    for file in files:
        target = file.target(folder, suffix)
        if (other := wanted.setdefault(target, file.path)) != file.path:
            raise WrongUsageError(
                f"{other} and {file.path} would both be written as {target}",
                fix="give their common folder instead of the files, or read them apart",
            )
        if target.exists() and target.samefile(file.path):
            raise WrongUsageError(
                f"--output {folder} would overwrite {file.path}", fix="give another folder"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Before the first document is read, which may take minutes.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        reason = "it is a file" if folder.is_file() else error.strerror
        raise WrongUsageError(
            f"--output {folder}: {reason}", fix="give a folder you may write to"
        ) from error


def write_whole(target: Path, content: bytes) -> None:
    """Write a file that is there as a whole or not at all. Raises ProblemFoundError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(target)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ProblemFoundError(
            f"{target} cannot be written: {error.strerror}", fix="make room, or give another folder"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
