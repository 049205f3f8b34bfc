"""One worker process: it claims documents and takes each its whole way.

This is the only module that sees a document's whole way: storage → reading → boost → queue.
"""

import dataclasses
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Semaphore
from typing import Protocol

import psutil

from registre_cli.core.documents import Source
from registre_cli.core.errors import (
    ConfigurationError,
    DocumentError,
    RegistreError,
    TransientDocumentError,
)
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Environment, Settings
from registre_cli.core.text import printable, storable
from registre_cli.limiter.budgets import open_limiter
from registre_cli.ocr.engine import PageGate
from registre_cli.ocr.models import DocumentReading
from registre_cli.pool.control import Control, die_with_parent, log_through
from registre_cli.pool.exits import EXIT_MISCONFIGURED, EXIT_STOPPED
from registre_cli.pool.gate import WorkerGate
from registre_cli.pool.lease import LeaseKeeper
from registre_cli.pool.ledger import Account, CostLimitError
from registre_cli.pool.link import DatabaseAwayError, Link
from registre_cli.pool.messages import (
    Asking,
    Claimed,
    Correcting,
    Crashed,
    Ended,
    Finished,
    Halted,
    Idle,
    Leaving,
    Limited,
    PageStarted,
    Storing,
)
from registre_cli.pool.meter import Meter
from registre_cli.queue.models import ClaimedDocument, LeaseState, Outcome, ReadingRecord
from registre_cli.queue.store import QueueStore
from registre_cli.storage import Storage, open_storage

_ENDED = {Outcome.RETRIED: Ended.RETRIED, Outcome.FAILED: Ended.FAILED, Outcome.LOST: Ended.LOST}
_POLL_JITTER_SHARE = 0.2
_BYTES_IN_MB = 1_000_000


class DocumentReader(Protocol):
    """What a worker asks of reading."""

    def read(
        self, pdf: bytes, source: Source, *, on_page: Callable[[int, int], None]
    ) -> DocumentReading:
        """Read one document; `on_page` may raise to leave."""


ReaderFactory = Callable[[Settings, PageGate], DocumentReader]


@dataclass(frozen=True)
class WorkerSetup:
    """Everything that a worker needs to know when it starts."""

    settings: Settings
    environments: tuple[Environment, ...]
    worker_id: str
    mode: Source
    borrow: bool
    paused: bool
    pool_size: int
    retry_delay_base_seconds: float
    open_reader: ReaderFactory


class StopRequestedError(Exception):
    """The pool stops: the page is finished, the document goes back."""


class LeaseLostError(Exception):
    """The document is somebody else's now."""


class CancelledError(Exception):
    """A person cancelled the document."""


def run_worker(pipe: Pipe, setup: WorkerSetup, permits: Semaphore | None, account: Account) -> None:
    """Be a worker process until told to stop; never returns."""
    # The terminal and the process manager signal the whole group; the supervisor tells us.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    die_with_parent()
    control = Control(pipe, setup.mode, paused=setup.paused)
    log_through(control.report)
    control.listen()
    try:
        worker = Worker(control, setup, permits, account)
    except RegistreError as error:
        get_logger().error(
            "Worker cannot read", worker_id=setup.worker_id, reason=error.message, fix=error.fix
        )
        sys.exit(EXIT_MISCONFIGURED)
    try:
        worker.run()
    except Exception as error:
        # The document must name what happened, and this process is not to be trusted any more.
        control.report(Crashed(printable(f"{type(error).__name__}: {error}", limit=300)))
        raise
    sys.exit(EXIT_STOPPED)


class Worker:
    """Claims documents of its mode (or borrows) in the order of the environments."""

    def __init__(
        self, control: Control, setup: WorkerSetup, permits: Semaphore | None, account: Account
    ) -> None:
        from registre_cli.ocr.boost import boost, load_rules

        self._control = control
        self._setup = setup
        self._settings = setup.settings
        self._permits = permits
        self._boost = boost
        self._rules = load_rules(setup.settings.ocr_boost_rules)
        limiter = open_limiter(
            setup.settings,
            setup.worker_id,
            workers_here=setup.pool_size,
            on_wait=self._at_its_turn,
        )
        gate = WorkerGate(limiter, account, self._at_its_turn)
        self._reader = setup.open_reader(setup.settings, gate)
        self._environments: dict[str, Environment] = {
            environment.name: environment for environment in setup.environments
        }
        self._links: dict[str, Link] = {
            name: self._link(environment, "worker")
            for name, environment in self._environments.items()
        }
        self._lease_links: dict[str, Link] = {
            name: self._link(environment, "lease")
            for name, environment in self._environments.items()
        }
        self._storages: dict[str, Storage] = {
            name: open_storage(environment) for name, environment in self._environments.items()
        }
        self._documents = 0
        self._halted = False

    def run(self) -> None:
        """Take documents until told to stop or until it is time to be renewed."""
        while not self._control.stopping:
            self._control.forget_wishes()
            claimed = None if self._control.paused else self._claim()
            if claimed is None:
                self._control.report(Idle())
                if not self._control.stopping:
                    self._control.rest(self._poll_seconds())
                continue
            link, document = claimed
            self._take_its_way(link, document)
            self._documents += 1
            if self._halted:
                return
            if (reason := self._reason_to_be_renewed()) is not None:
                self._control.report(Leaving(reason))
                return

    def _claim(self) -> tuple[Link, ClaimedDocument] | None:
        """Claim from the own queue of every environment first, then borrow from the other."""
        if self._permits is not None and not self._permits.acquire(block=False):
            return None
        own = self._control.mode
        sources = [own]
        if self._setup.borrow:
            sources += [source for source in Source if source is not own]
        for source in sources:
            for link in self._links.values():
                with suppress(DatabaseAwayError):
                    document = link.ask(
                        lambda store, source=source: store.claim(  # type: ignore[misc]
                            self._setup.worker_id, source, self._settings.ocr_lease_seconds
                        )
                    )
                    if document is not None:
                        return link, document
        if self._permits is not None:
            self._permits.release()
        return None

    def _take_its_way(self, link: Link, document: ClaimedDocument) -> None:
        started, meter = time.monotonic(), Meter()
        self._control.report(
            Claimed(
                link.environment,
                document.token,
                document.number,
                document.source,
                document.max_attempts,
            )
        )
        with self._lease(link, document) as lease:
            try:
                pdf = self._storages[link.environment].fetch(
                    document.path, max_bytes=self._settings.ocr_max_bytes
                )
                reading = self._read(pdf, document, lease)
                record = self._correct(reading, document.source)
                finished = self._store(link, document, reading, record)
            except DocumentError as error:
                finished = self._fail(link, document, error)
            except (StopRequestedError, LeaseLostError, CancelledError) as leaving:
                finished = self._leave(link, document, leaving)
            except (ConfigurationError, CostLimitError) as error:
                finished = self._halt(link, document, error)
        measured = dataclasses.replace(
            finished,
            seconds=round(time.monotonic() - started, 3),
            cpu_seconds=round(meter.cpu_seconds(), 3),
            rss_bytes=psutil.Process().memory_info().rss,
        )
        self._control.report(measured)

    @contextmanager
    def _lease(self, link: Link, document: ClaimedDocument) -> Iterator[LeaseKeeper]:
        lease = LeaseKeeper(
            self._lease_links[link.environment],
            document.token,
            self._settings.ocr_lease_seconds,
        )
        try:
            yield lease
        finally:
            if not lease.close():
                # A renewal still waits for its answer; the next lease needs a link of its own.
                self._lease_links[link.environment] = self._link(
                    self._environments[link.environment], "lease"
                )

    def _read(self, pdf: bytes, document: ClaimedDocument, lease: LeaseKeeper) -> DocumentReading:
        def on_page(page: int, pages: int) -> None:
            if self._control.stopping:
                raise StopRequestedError
            match lease.check():
                case LeaseState.LOST:
                    raise LeaseLostError
                case LeaseState.CANCELLED:
                    raise CancelledError
                case LeaseState.HELD:
                    self._control.report(PageStarted(page, pages))

        try:
            return self._reader.read(pdf, document.source, on_page=on_page)
        except MemoryError as error:
            raise TransientDocumentError("not enough memory for this document") from error
        except OSError as error:
            # A full disk or no file handles left: the next try may find a healthier host.
            raise TransientDocumentError(
                f"this host failed: {error.strerror or type(error).__name__}"
            ) from error

    def _correct(self, reading: DocumentReading, source: Source) -> ReadingRecord:
        self._control.report(Correcting())
        raw = storable(reading.text)
        boosted = self._boost(raw, source, self._rules)
        return ReadingRecord(
            raw_text=raw,
            boosted_text=boosted.text,
            confidence=reading.confidence,
            pages_json=_pages_json(reading),
            fields_json=boosted.fields_json(),
        )

    def _store(
        self,
        link: Link,
        document: ClaimedDocument,
        reading: DocumentReading,
        record: ReadingRecord,
    ) -> Finished:
        """Store the result; it waits while the database is away, and the fence decides then."""
        self._control.report(Storing())
        stored = link.insist(lambda store: store.complete(document.token, record))
        return Finished(
            ended=Ended.DONE if stored else Ended.LOST,
            reason=None if stored else "the lease was lost while the document was read",
            pages=len(reading.pages),
            chars=len(record.raw_text),
            confidence=reading.confidence,
            pages_by_engine=reading.pages_by_engine,
        )

    def _fail(self, link: Link, document: ClaimedDocument, error: DocumentError) -> Finished:
        self._control.report(Storing())
        write = QueueStore.fail_permanent if error.permanent else QueueStore.fail_transient
        outcome = link.insist(lambda store: write(store, document.token, error.message))
        return Finished(_ENDED[outcome], error.message)

    def _leave(self, link: Link, document: ClaimedDocument, leaving: Exception) -> Finished:
        self._control.report(Storing())
        if isinstance(leaving, LeaseLostError):
            return Finished(Ended.LOST, "the lease was lost while the document was read")
        if isinstance(leaving, CancelledError):
            outcome = link.insist(lambda store: store.fail_permanent(document.token, "cancelled"))
            return Finished(_ENDED[outcome], "cancelled")
        return self._give_back(link, document, "the pool stops")

    def _halt(self, link: Link, document: ClaimedDocument, error: RegistreError) -> Finished:
        """Give the document back and take no other: nothing is wrong with it."""
        self._halted = True
        self._control.report(Storing())
        finished = self._give_back(link, document, error.message)
        self._control.report(Halted(error))
        return finished

    def _give_back(self, link: Link, document: ClaimedDocument, reason: str) -> Finished:
        given_back = link.insist(lambda store: store.give_back(document.token, reason))
        return Finished(Ended.GIVEN_BACK if given_back else Ended.LOST, reason)

    def _at_its_turn(self, engine: str, seconds: float) -> None:
        """Tell whether an engine is waited for, or asked now."""
        if self._control.stopping and seconds > 0:
            raise StopRequestedError
        waits = Limited(engine, round(seconds, 3)) if seconds > 0 else Asking(engine)
        self._control.report(waits)

    def _poll_seconds(self) -> float:
        seconds = self._settings.ocr_poll_interval_ms / 1000
        return seconds * random.uniform(1 - _POLL_JITTER_SHARE, 1 + _POLL_JITTER_SHARE)  # noqa: S311 - a spread, no secret

    def _reason_to_be_renewed(self) -> str | None:
        """Return why a fresh process should go on: native libraries leak a little."""
        if self._documents >= self._settings.ocr_worker_max_documents:
            return f"{self._documents} documents read"
        resident = psutil.Process(os.getpid()).memory_info().rss
        # Half of what would end us in the middle of a document.
        mark = self._settings.ocr_worker_max_rss_mb * _BYTES_IN_MB // 2
        if resident > mark:
            return f"{resident // _BYTES_IN_MB} MB resident"
        return None

    def _link(self, environment: Environment, purpose: str) -> Link:
        if environment.database_url is None:
            raise AssertionError(f"{environment.name} has no database")
        return Link(
            environment.name,
            environment.database_url,
            purpose=purpose,
            retry_delay_base_seconds=self._setup.retry_delay_base_seconds,
        )


def open_ocr_reader(settings: Settings, gate: PageGate) -> DocumentReader:
    """Return the real reader; the heavy libraries are loaded here, in the worker."""
    from registre_cli.ocr.engines import open_order
    from registre_cli.ocr.pipeline import Reader

    engines = open_order(settings, gate)
    for name, version in zip(engines.names, engines.versions, strict=True):
        get_logger().info("Engine ready", engine=name, version=version)
    return Reader(settings, engines)


def _pages_json(reading: DocumentReading) -> str:
    """Return the pages' records without their texts, which are stored as one."""
    pages: list[Mapping[str, object]] = []
    for page in reading.pages:
        record = dataclasses.asdict(page)
        record["chars"] = len(record.pop("text"))
        del record["words"]
        pages.append(record)
    return json.dumps(pages)
