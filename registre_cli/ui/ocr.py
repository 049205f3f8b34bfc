"""Showing and writing what was read from files."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from registre_cli.core.errors import WrongUsageError
from registre_cli.core.text import json_text, printable
from registre_cli.ocr.exports import OutputFormat
from registre_cli.ocr.files import InputFile, prepare_folder, write_whole
from registre_cli.ocr.models import PageRecord
from registre_cli.ocr.page_range import PageRange
from registre_cli.ocr.reading_process import FileReading
from registre_cli.ui.console import cell, counted, may_redraw, message_console, print_json

# Below this a page deserves a person's eyes.
LOW_CONFIDENCE = 75.0
_MOST_LINES = 10


@dataclass(frozen=True)
class LowPage:
    """A page that was read without much certainty."""

    path: Path
    page: int
    confidence: float


@dataclass(frozen=True)
class ReducedPage:
    """A page that was too large to be drawn as finely as wanted."""

    path: Path
    page: int
    dpi: int


class FileWriter:
    """Takes readings in any order; prints them in the order of the files, or writes each.

    Without a folder text goes out as soon as its turn comes, but on a terminal only at the end:
    the progress is shown there meanwhile.
    """

    def __init__(
        self, files: Sequence[InputFile], folder: Path | None, form: OutputFormat, *, raw: bool
    ) -> None:
        self.files = files
        self.failures: list[FileReading] = []
        self.low_pages: list[LowPage] = []
        self.reduced_pages: list[ReducedPage] = []
        self.skipped: list[Path] = []
        self.written = 0
        self._folder = folder
        self._form = form
        self._raw = raw
        self._kept: dict[Path, FileReading] = {}
        self._printed = 0
        self._by_path = {file.path: file for file in files}
        if folder is not None:
            prepare_folder(folder, files, form.suffix)
        elif form is OutputFormat.PDF:
            raise WrongUsageError("a PDF is not printed", fix="add --output FOLDER")

    def unread(self) -> list[InputFile]:
        """Return the files whose reading is not in the folder yet."""
        if self._folder is None:
            return list(self.files)
        unread = []
        for file in self.files:
            if file.target(self._folder, self._form.suffix).exists():
                self.skipped.append(file.path)
            else:
                unread.append(file)
        return unread

    def take(self, read: FileReading) -> None:
        """Take one reading; with a folder it is written at once."""
        if read.reading is None:
            self.failures.append(read)
        else:
            self.low_pages += [
                LowPage(read.path, page.number, page.confidence)
                for page in read.reading.pages
                if page.confidence is not None and page.confidence < LOW_CONFIDENCE
            ]
            self.reduced_pages += [
                ReducedPage(read.path, page.number, page.dpi)
                for page in read.reading.pages
                if page.reduced
            ]
        if self._folder is not None and read.reading is not None:
            target = self._by_path[read.path].target(self._folder, self._form.suffix)
            write_whole(target, self._content(read))
            self.written += 1
        if self._folder is None or self._form is OutputFormat.JSON:
            self._kept[read.path] = read
            if self._form is not OutputFormat.JSON and not sys.stdout.isatty():
                self._print_in_turn()

    def finish(self) -> None:
        """Print what has not gone to stdout yet."""
        if self._form is OutputFormat.JSON:
            read = [self._kept[file.path] for file in self.files if file.path in self._kept]
            print_json(
                {
                    "files": [self._document(one) for one in read],
                    "skipped": [str(path) for path in self.skipped],
                }
            )
        elif self._folder is None:
            self._print_in_turn()

    def _print_in_turn(self) -> None:
        for file in self.files[self._printed :]:
            read = self._kept.pop(file.path, None)
            if read is None:
                break
            self._printed += 1
            if read.reading is not None:
                self._print(read, with_name=len(self.files) > 1)
        sys.stdout.flush()

    def _print(self, read: FileReading, *, with_name: bool) -> None:
        if read.exported is not None:
            sys.stdout.write(read.exported.decode())
            return
        if with_name:
            sys.stdout.write(f"=== {printable(str(read.path))} ===\n")
        for line in self._text(read).splitlines():
            sys.stdout.write(_shown(line) + "\n")

    def _content(self, read: FileReading) -> bytes:
        if read.exported is not None:
            return read.exported
        if self._form is OutputFormat.JSON:
            return (json_text(self._document(read), indent=2) + "\n").encode()
        return (self._text(read) + "\n").encode()

    def _text(self, read: FileReading) -> str:
        assert read.reading is not None
        return read.reading.text if self._raw or read.boosted is None else read.boosted.text

    def _document(self, read: FileReading) -> dict[str, object]:
        reading = read.reading
        boosted = None if self._raw else read.boosted
        return {
            "file": str(read.path),
            "ok": reading is not None,
            "error": read.error,
            "seconds": read.seconds,
            "confidence": reading and reading.confidence,
            "pages": [_page(page) for page in reading.pages] if reading else [],
            "text": reading and reading.text,
            "boosted_text": boosted and boosted.text,
            "fields": boosted and boosted.fields_document(),
        }


class ProgressShown:
    """The course of many files on stderr; silent where nothing can be redrawn.

    A file of many pages counts by the share of its wanted pages that was read, so that the time
    left is known before the first file is done.
    """

    def __init__(self, progress: Progress | None, files: int, wanted: PageRange) -> None:
        self._progress = progress
        self._files = files
        self._wanted = wanted
        self._done = 0
        self._pages_done = 0
        self._begun: dict[Path, tuple[int, int]] = {}
        self._task = (
            progress.add_task("opening", total=files, counted=self._counted) if progress else None
        )

    def page(self, path: Path, number: int, pages: int) -> None:
        """Note that a page begins."""
        if path in self._begun and number > self._begun[path][0]:
            self._pages_done += 1
        self._begun[path] = (number, pages)
        self._show(f"{printable(path.name, limit=30)} page {number}/{pages}")

    def file_done(self, path: Path) -> None:
        """Note that a file is finished."""
        if self._begun.pop(path, None) is not None:
            self._pages_done += 1
        self._done += 1
        self._show()

    def _show(self, description: str | None = None) -> None:
        if self._progress is None or self._task is None:
            return
        shares = sum(
            self._wanted.share_before(number, pages) for number, pages in list(self._begun.values())
        )
        self._progress.update(
            self._task,
            completed=self._done + shares,
            description=description,
            counted=self._counted,
        )

    @property
    def _counted(self) -> str:
        return f"{self._done}/{counted(self._files, 'file')}, {counted(self._pages_done, 'page')}"


@contextmanager
def progress_of(files: int, wanted: PageRange) -> Iterator[ProgressShown]:
    """Show a bar with files and the time left while this lasts."""
    console = message_console()
    if not may_redraw(console):
        yield ProgressShown(None, files, wanted)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[counted]}", markup=False),
        TimeRemainingColumn(),
    )
    # Text that is printed meanwhile belongs on stdout, not on this console.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as progress:
        yield ProgressShown(progress, files, wanted)


def show_end(writer: FileWriter) -> None:
    """Say on stderr what was skipped, what deserves a look, and what failed and why."""
    console = message_console()
    if writer.skipped:
        were = "was" if len(writer.skipped) == 1 else "were"
        console.print(
            f"{counted(len(writer.skipped), 'file')} {were} read before; --force reads again"
        )
    for low in writer.low_pages[:_MOST_LINES]:
        console.print(
            Text.assemble(
                ("uncertain ", "bold yellow"),
                cell(low.path),
                f" page {low.page}: confidence {low.confidence:.0f}",
            ),
            soft_wrap=True,
        )
    if len(writer.low_pages) > _MOST_LINES:
        console.print(f"… and {len(writer.low_pages) - _MOST_LINES} more uncertain pages")
    for reduced in writer.reduced_pages[:_MOST_LINES]:
        console.print(
            Text.assemble(
                ("reduced ", "bold yellow"),
                cell(reduced.path),
                f" page {reduced.page}: too large for OCR_MAX_PIXELS, drawn at {reduced.dpi} dpi",
            ),
            soft_wrap=True,
        )
    if len(writer.reduced_pages) > _MOST_LINES:
        console.print(f"… and {len(writer.reduced_pages) - _MOST_LINES} more reduced pages")
    for read in writer.failures:
        console.print(
            Text.assemble(("failed ", "bold red"), cell(read.path), ": ", cell(read.error)),
            soft_wrap=True,
        )
    if writer.failures:
        console.print(
            f"{len(writer.failures)} of {counted(len(writer.files), 'file')} could not be read"
        )


def show_stopped(writer: FileWriter) -> None:
    """Say what there is of a reading that was ended before its time."""
    show_end(writer)
    there = len(writer.skipped) + writer.written
    hint = "; run it again to go on" if writer.written else ""
    message_console().print(
        f"stopped: {there} of {counted(len(writer.files), 'file')} are written{hint}"
    )


def _page(page: PageRecord) -> dict[str, object]:
    record = asdict(page)
    del record["words"]
    return record


def _shown(line: str) -> str:
    # A terminal gets harmless text, a file or a pipe the text as it was read.
    return printable(line) if sys.stdout.isatty() else line
