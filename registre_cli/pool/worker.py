"""One worker process: it claims documents under a lease; `course` takes each its whole way."""

import dataclasses
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Semaphore

import psutil

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.log import get_logger
from registre_cli.core.settings import Environment, Settings
from registre_cli.core.text import printable
from registre_cli.limiter.budgets import open_limiter
from registre_cli.pool.control import Control, die_with_parent, log_through
from registre_cli.pool.course import Course, StopRequestedError
from registre_cli.pool.exits import EXIT_MISCONFIGURED, EXIT_STOPPED
from registre_cli.pool.gate import WorkerGate
from registre_cli.pool.lease import LeaseKeeper
from registre_cli.pool.ledger import Account
from registre_cli.pool.link import DatabaseAwayError, Link
from registre_cli.pool.messages import (
    Asking,
    Claimed,
    Crashed,
    Idle,
    Leaving,
    Limited,
)
from registre_cli.pool.meter import Meter
from registre_cli.pool.reader import ReaderFactory
from registre_cli.queue.models import ClaimedDocument
from registre_cli.storage import open_storage

_POLL_JITTER_SHARE = 0.2
_BYTES_IN_MB = 1_000_000


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
        self._control = control
        self._setup = setup
        self._settings = setup.settings
        self._permits = permits
        limiter = open_limiter(
            setup.settings,
            setup.worker_id,
            workers_here=setup.pool_size,
            on_wait=self._at_its_turn,
        )
        gate = WorkerGate(limiter, account, self._at_its_turn)
        reader = setup.open_reader(setup.settings, gate)
        self._environments: dict[str, Environment] = {
            environment.name: environment for environment in setup.environments
        }
        self._links: dict[str, Link] = {
            name: self._link(environment, "worker")
            for name, environment in self._environments.items()
        }
        self._leases: dict[str, LeaseKeeper] = {
            name: self._lease_keeper(environment)
            for name, environment in self._environments.items()
        }
        storages = {
            name: open_storage(environment) for name, environment in self._environments.items()
        }
        self._course = Course(control, reader, storages, setup.settings)
        self._documents = 0
        self._process = psutil.Process()

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
            if self._course.halted:
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
                    if (document := self._claim_from(link, source)) is not None:
                        return link, document
        if self._permits is not None:
            self._permits.release()
        return None

    def _claim_from(self, link: Link, source: Source) -> ClaimedDocument | None:
        lease_seconds = self._settings.ocr_lease_seconds
        return link.ask(lambda store: store.claim(self._setup.worker_id, source, lease_seconds))

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
            finished = self._course.run(link, document, lease)
        measured = dataclasses.replace(
            finished,
            seconds=round(time.monotonic() - started, 3),
            cpu_seconds=round(meter.cpu_seconds(), 3),
            rss_bytes=self._process.memory_info().rss,
        )
        self._control.report(measured)

    @contextmanager
    def _lease(self, link: Link, document: ClaimedDocument) -> Iterator[LeaseKeeper]:
        keeper = self._leases[link.environment]
        keeper.hold(document.token)
        try:
            yield keeper
        finally:
            if not keeper.release():
                self._leases[link.environment] = self._lease_keeper(
                    self._environments[link.environment]
                )

    def _lease_keeper(self, environment: Environment) -> LeaseKeeper:
        return LeaseKeeper(self._link(environment, "lease"), self._settings.ocr_lease_seconds)

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
        resident = self._process.memory_info().rss
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
