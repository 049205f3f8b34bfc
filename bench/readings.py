"""What a reader makes of a scan: read once in a run of the bench, whichever programs ask for it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

# Set for one run: what the code of another day read must never be taken for what it reads now.
FOLDER_VARIABLE = "REGISTRE_BENCH_READINGS"


def read_once(name: str, read: Callable[[Path], list[str]], pdf: Path) -> list[str]:
    """Return the pages' texts of `pdf` as the reader of this name reads them."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is None:
        return read(pdf)
    kept = Path(folder) / f"{name}, {pdf.stem}.json"
    if not kept.exists():
        kept.write_text(json.dumps(read(pdf)))
    texts: list[str] = json.loads(kept.read_text())
    return texts
