"""Where Tesseract's language data are, and whether what is asked for is among them."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from registre_cli.core.errors import ConfigurationError, UnreachableError

_KNOWN_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
INSTALL = "apt-get install tesseract-ocr tesseract-ocr-fra (or your system's packages)"


@cache
def tessdata_folder() -> Path:
    """Return the folder of `*.traineddata`: TESSDATA_PREFIX, what the program says, known places.

    Raises UnreachableError where there is none.
    """
    for folder in _candidates():
        if any(folder.glob("*.traineddata")):
            return folder
    raise UnreachableError("Tesseract has no language data here", fix=INSTALL)


def require_language(languages: str) -> None:
    """Raise ConfigurationError unless the data of every language in `fra+eng` are there."""
    folder = tessdata_folder()
    if not re.fullmatch(r"[A-Za-z0-9_]+(\+[A-Za-z0-9_]+)*", languages):
        raise ConfigurationError(
            f"OCR_LANG={languages!r} is not a language", fix="write it like fra or fra+eng"
        )
    for language in languages.split("+"):
        if not (folder / f"{language}.traineddata").is_file():
            there = sorted(path.stem for path in folder.glob("*.traineddata"))
            raise ConfigurationError(
                f"Tesseract has no data for the language {language!r} in {folder}"
                f" (there are: {', '.join(there)})",
                fix=f"apt-get install tesseract-ocr-{language}, or set OCR_LANG",
            )


def _candidates() -> list[Path]:
    candidates = []
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        candidates += [Path(prefix), Path(prefix) / "tessdata"]
    if (program := shutil.which("tesseract")) is not None:
        said = subprocess.run(
            [program, "--list-langs"], capture_output=True, text=True, check=False, timeout=20
        )
        if found := re.search(r'"(.+?)"', said.stdout + said.stderr):
            candidates.append(Path(found[1]))
    return [*candidates, *map(Path, _KNOWN_FOLDERS)]
