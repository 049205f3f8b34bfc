"""Reading files in processes of their own: a crash or a hang costs one file, not the others."""

import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING

from structlog.contextvars import bind_contextvars

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError, DocumentError, PermanentDocumentError
from registre_cli.core.log import configure_logging
from registre_cli.core.settings import Settings
from registre_cli.core.temporary import require_room_for_sockets
from registre_cli.ocr.boost import Boosted, RuleSet, boost, load_rules
from registre_cli.ocr.engine import PageGate
from registre_cli.ocr.exports import OutputFormat, export
from registre_cli.ocr.models import DocumentReading
from registre_cli.ocr.page_range import EVERY_PAGE, PageRange

if TYPE_CHECKING:
    from registre_cli.ocr.pipeline import Reader

# The engine's own time-out comes first; what does not obey is killed so much later.
_KILL_GRACE_SECONDS = 5.0
_START_SECONDS = 30.0


# What rations the engines, from the settings and what to call while it waits.
OpenFileGate = Callable[[Settings, Callable[[], None]], PageGate]


@dataclass(frozen=True)
class ReadingOrder:
    """What is wanted of every file; without `open_gate` nothing is rationed."""

    source: Source
    settings: Settings
    pages: PageRange = EVERY_PAGE
    form: OutputFormat = OutputFormat.TEXT
    open_gate: OpenFileGate | None = None


@dataclass(frozen=True)
class FileReading:
    """What became of one file: a reading with its boosted text, or a reason.

    `exported` is there for the forms that say where words stand.
    """

    path: Path
    seconds: float
    reading: DocumentReading | None = None
    boosted: Boosted | None = None
    exported: bytes | None = None
    error: str | None = None


@dataclass(frozen=True)
class _Page:
    number: int
    pages: int


@dataclass(frozen=True)
class _Outcome:
    reading: DocumentReading | None = None
    boosted: Boosted | None = None
    exported: bytes | None = None
    error: str | None = None


@dataclass(frozen=True)
class _LogText:
    text: str


class _PipeLog:
    """Hands the child's log lines to the parent, which knows what else its screen shows."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def write(self, text: str) -> int:
        self._pipe.send(_LogText(text))
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        return sys.stderr.isatty()


OnPage = Callable[[Path, int, int], None]


def read_files(
    paths: Sequence[Path], order: ReadingOrder, *, jobs: int, on_page: OnPage
) -> Iterator[FileReading]:
    """Read files with `jobs` processes and yield each as it is finished, in any order.

    Raises ConfigurationError where an engine refuses its key.
    """
    if not paths:
        return
    processes: SimpleQueue[_ReadingProcess] = SimpleQueue()
    made = [_ReadingProcess(order) for _ in range(min(jobs, len(paths)))]
    for process in made:
        processes.put(process)

    def read_one(path: Path) -> FileReading:
        process = processes.get()
        try:
            return process.read(path, on_page)
        finally:
            processes.put(process)

    threads = ThreadPoolExecutor(max_workers=len(made))
    try:
        for future in as_completed([threads.submit(read_one, path) for path in paths]):
            yield future.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        for process in made:
            process.stop()
        # Each thread closes what it holds; two at one pipe would close another's file.
        threads.shutdown(wait=True)
        for process in made:
            process.close()


class _ReadingProcess:
    """One child that reads one file after another; a new one follows where it dies."""

    def __init__(self, order: ReadingOrder) -> None:
        self._order = order
        self._settings = order.settings
        self._process: BaseProcess | None = None
        self._pipe: Pipe | None = None
        self._starting = Lock()
        self._stopped = False

    def read(self, path: Path, on_page: OnPage) -> FileReading:
        started = time.monotonic()
        page = 0
        pipe, process = self._running()
        try:
            pipe.send(path)
            until = started + _START_SECONDS + self._settings.ocr_page_timeout
            while pipe.poll(max(until - time.monotonic(), 0)):
                answer = pipe.recv()
                if isinstance(answer, _LogText):
                    # Here it goes above the progress; the child would write into its line.
                    sys.stderr.write(answer.text)
                    continue
                if isinstance(answer, ConfigurationError):
                    raise answer
                if isinstance(answer, _Outcome):
                    seconds = round(time.monotonic() - started, 3)
                    return FileReading(
                        path,
                        seconds,
                        answer.reading,
                        answer.boosted,
                        answer.exported,
                        answer.error,
                    )
                page = answer.number
                on_page(path, answer.number, answer.pages)
                until = time.monotonic() + self._settings.ocr_page_timeout + _KILL_GRACE_SECONDS
            reason = f"took longer than {self._settings.ocr_page_timeout:g} s"
        except (EOFError, ConnectionError):
            process.join(_KILL_GRACE_SECONDS)
            reason = f"ended the reading process ({_exit_name(process.exitcode)})"
        self.close()
        where = f"page {page}" if page else "opening it"
        return FileReading(path, round(time.monotonic() - started, 3), error=f"{where} {reason}")

    def stop(self) -> None:
        """End the child, from another thread than the one that reads: that one closes it."""
        with self._starting:
            self._stopped = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _running(self) -> tuple[Pipe, BaseProcess]:
        with self._starting:
            if self._pipe is None or self._process is None:
                require_room_for_sockets()
                context = multiprocessing.get_context("forkserver")
                self._pipe, theirs = context.Pipe()
                self._process = context.Process(
                    target=_serve, args=(theirs, self._order), daemon=True
                )
                with _interrupts_held():
                    self._process.start()
                theirs.close()
            if self._stopped:
                self._process.kill()
            return self._pipe, self._process


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let what is started meanwhile be deaf to Ctrl-C from its first instruction.

    A terminal tells the whole group; a child that loads its modules would answer in traces.
    """
    # Its start would let the signal through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Pipe, order: ReadingOrder) -> None:
    """Be the child: read what is asked for until nobody asks."""
    from registre_cli.ocr.engines import open_order
    from registre_cli.ocr.pipeline import Reader

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = order.settings
    configure_logging(settings.log_level, settings.log_format, _PipeLog(pipe))
    latest = _Page(0, 0)

    def say(page: _Page) -> None:
        nonlocal latest
        latest = page
        pipe.send(page)

    # Whoever waits for a budget says at which page it still is.
    gate = order.open_gate(settings, lambda: say(latest)) if order.open_gate else None
    reader = Reader(settings, open_order(settings, gate), keep_words=order.form.needs_words)
    rules = load_rules(settings.ocr_boost_rules)
    while True:
        try:
            path: Path = pipe.recv()
        except EOFError:
            return
        bind_contextvars(file=str(path))
        try:
            pipe.send(_read(reader, rules, path, order, lambda n, of: say(_Page(n, of))))
        except DocumentError as error:
            pipe.send(_Outcome(error=error.message))
        except ConfigurationError as error:
            pipe.send(error)


def _read(
    reader: "Reader",
    rules: RuleSet,
    path: Path,
    order: ReadingOrder,
    on_page: Callable[[int, int], None],
) -> _Outcome:
    pdf = _bytes_of(path, order.settings.ocr_max_bytes)
    reading = reader.read(pdf, order.source, wanted=order.pages, on_page=on_page)
    exported = export(order.form, pdf, reading, path.name)
    # Every word of a long document is much to send, and is in the export already.
    kept = DocumentReading(tuple(replace(page, words=()) for page in reading.pages))
    return _Outcome(kept, boost(reading.text, order.source, rules), exported)


def _bytes_of(path: Path, max_bytes: int) -> bytes:
    try:
        if path.stat().st_size > max_bytes:
            raise PermanentDocumentError(f"the PDF has more than OCR_MAX_BYTES={max_bytes} bytes")
        return path.read_bytes()
    except OSError as error:
        raise PermanentDocumentError(f"it cannot be opened: {error.strerror}") from error


def _exit_name(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
