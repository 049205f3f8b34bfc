"""Showing and writing what was read from files."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from registre_cli.core.errors import WrongUsageError
from registre_cli.core.text import printable
from registre_cli.ocr.reading_process import FileReading
from registre_cli.ui.console import cell, may_redraw, message_console, print_json


class FileWriter:
    """Takes readings in any order; prints them in the order of the files, or writes each."""

    def __init__(self, folder: Path | None, *, raw: bool, as_json: bool) -> None:
        self._folder = folder
        self._raw = raw
        self._as_json = as_json
        self._kept: dict[Path, FileReading] = {}
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise WrongUsageError(
                    f"--output {folder}: {error.strerror}", fix="give a folder you may write to"
                ) from error

    def take(self, read: FileReading) -> None:
        """Take one reading; with a folder it is written at once."""
        if self._folder is None or self._as_json:
            self._kept[read.path] = read
        if self._folder is not None and read.reading is not None:
            suffix = "json" if self._as_json else "txt"
            text = json.dumps(self._document(read), ensure_ascii=False, indent=2, default=str)
            target = self._folder / f"{read.path.stem}.{suffix}"
            target.write_text((text if self._as_json else self._text(read)) + "\n", "utf-8")

    def finish(self, order: Sequence[Path]) -> None:
        """Print what goes to stdout."""
        if self._as_json:
            print_json({"files": [self._document(self._kept[path]) for path in order]})
            return
        for path in order:
            read = self._kept.get(path)
            if read is not None and read.reading is not None:
                if len(order) > 1:
                    sys.stdout.write(f"=== {printable(str(path))} ===\n")
                for line in self._text(read).splitlines():
                    sys.stdout.write(_shown(line) + "\n")

    def _text(self, read: FileReading) -> str:
        assert read.reading is not None
        return read.reading.text if self._raw else read.boosted or ""

    def _document(self, read: FileReading) -> dict[str, object]:
        reading = read.reading
        return {
            "file": str(read.path),
            "ok": reading is not None,
            "error": read.error,
            "seconds": read.seconds,
            "confidence": reading and reading.confidence,
            "pages": [asdict(page) for page in reading.pages] if reading else [],
            "text": reading and reading.text,
            "boosted_text": None if self._raw else read.boosted,
        }


class ProgressShown:
    """The course of many files on stderr; silent where nothing can be redrawn."""

    def __init__(self, progress: Progress | None, files: int) -> None:
        self._progress = progress
        self._task = progress.add_task("files", total=files) if progress else None

    def page(self, path: Path, number: int, pages: int) -> None:
        """Note that a page begins."""
        if self._progress is not None and self._task is not None:
            name = printable(path.name, limit=30)
            self._progress.update(self._task, description=f"{name} page {number}/{pages}")

    def file_done(self, path: Path) -> None:
        """Note that a file is finished."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)


@contextmanager
def progress_of(files: int) -> Iterator[ProgressShown]:
    """Show a bar with files and the time left while this lasts."""
    console = message_console()
    if not may_redraw(console):
        yield ProgressShown(None, files)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield ProgressShown(progress, files)


def show_failures(failures: Sequence[FileReading], files: int) -> None:
    """List on stderr what could not be read, and why."""
    console = message_console()
    for read in failures:
        console.print(
            Text.assemble(("failed ", "bold red"), cell(read.path), ": ", cell(read.error)),
            soft_wrap=True,
        )
    if failures:
        console.print(f"{len(failures)} of {files} files could not be read")


def _shown(line: str) -> str:
    # A terminal gets harmless text, a file or a pipe the text as it was read.
    return printable(line) if sys.stdout.isatty() else line
