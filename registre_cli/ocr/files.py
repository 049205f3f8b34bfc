"""Which files are to be read."""

from collections.abc import Sequence
from pathlib import Path

from registre_cli.core.errors import WrongUsageError


def pdfs_among(given: Sequence[Path]) -> list[Path]:
    """Return the files as given and, for each folder, the PDFs in it; each once, in order.

    Raises WrongUsageError for a path that does not exist and where nothing is left.
    """
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            found.update(
                dict.fromkeys(
                    sorted(file for file in path.rglob("*") if file.suffix.lower() == ".pdf")
                )
            )
        elif path.exists():
            found[path] = None
        else:
            raise WrongUsageError(f"{path}: no such file", fix="give existing PDFs or folders")
    if not found:
        raise WrongUsageError("there is no PDF in the folder", fix="give PDFs or folders of them")
    return list(found)
