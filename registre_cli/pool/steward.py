"""One environment's housekeeping, in a thread of the supervisor.

It writes down what became of documents whose worker died, rescues lost leases of any host,
wakes due retries, and keeps a glance of the queue. The supervisor itself never waits for a
database.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from pydantic import SecretStr

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.log import get_logger
from registre_cli.pool.estates import Estate, Estates
from registre_cli.pool.link import DatabaseAwayError, DatabaseRefusedError, Link
from registre_cli.queue.models import FencingToken, SourceCounts, WaitingWork
from registre_cli.queue.notifications import Listener
from registre_cli.queue.store import QueueStore

_WAKE_RETRIES_SECONDS = 1.0
_SETTLE_ESTATES_SECONDS = 1.0
_RESCUES_IN_A_LEASE = 4
_LISTENER_PAUSE_SECONDS = 2.0
# Without news for so long, the listener asks whether the server is still there.
_LISTEN_SECONDS = 10.0


@dataclass(frozen=True)
class Backlog:
    """What one environment looked like when it was last asked."""

    work: dict[Source, WaitingWork]
    counts: dict[str, SourceCounts]


class Steward:
    """The thread of one environment; it calls `on_news` when something may have changed."""

    def __init__(
        self,
        environment: str,
        dsn: SecretStr,
        *,
        lease_seconds: float,
        glance_seconds: float,
        retry_delay_base_seconds: float,
        on_news: Callable[[], None],
    ) -> None:
        self.environment = environment
        self.backlog: Backlog | None = None
        self._link = Link(
            environment,
            dsn,
            purpose="steward",
            retry_delay_base_seconds=retry_delay_base_seconds,
        )
        self._rescue_seconds = max(lease_seconds / _RESCUES_IN_A_LEASE, 0.2)
        self._glance_seconds = glance_seconds
        self._on_news = on_news
        self._writes: queue.Queue[Callable[[QueueStore], object]] = queue.Queue()
        self._estates = Estates()
        self._closing = threading.Event()
        self._glance_wanted = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_house, name=f"steward-{environment}", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def away_because(self) -> str | None:
        """Why the database does not answer, or `None` where it does."""
        return self._link.away_because

    def fail(self, token: FencingToken, reason: str) -> None:
        """Count the try of a worker that died, at once, with its cause."""
        self._write(lambda store: store.fail_transient(token, reason))

    def give_back(self, token: FencingToken, reason: str) -> None:
        """Put back the document of a worker that we ended ourselves."""
        self._write(lambda store: store.give_back(token, reason))

    def open_estate(self, estate: Estate) -> None:
        """Settle, now and for a while, what a dead worker took without having said so."""
        self._estates.open(estate)
        self._write(self._estates.settle)

    def look(self) -> None:
        """Ask for a fresh glance soon."""
        self._glance_wanted.set()

    def close(self, seconds: float) -> bool:
        """Write what is left, at most so long; return whether everything was written."""
        deadline = time.monotonic() + seconds
        while self._writes.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.02)
        self._closing.set()
        self._glance_wanted.set()
        self._thread.join(max(deadline - time.monotonic(), 0.1))
        return not self._writes.unfinished_tasks

    def _write(self, write: Callable[[QueueStore], object]) -> None:
        self._writes.put(write)

    def _keep_house(self) -> None:
        periods = {
            self._rescue: self._rescue_seconds,
            self._wake_retries: _WAKE_RETRIES_SECONDS,
            self._settle_estates: _SETTLE_ESTATES_SECONDS,
            self._glance: self._glance_seconds,
        }
        due = dict.fromkeys(periods, 0.0)
        while not self._closing.is_set():
            try:
                self._write_down()
                if self._glance_wanted.is_set():
                    self._glance_wanted.clear()
                    due[self._glance] = 0.0
                for duty, at in due.items():
                    if time.monotonic() >= at:
                        due[duty] = time.monotonic() + periods[duty]
                        duty()
            except DatabaseAwayError:
                self._closing.wait(0.2)
            self._glance_wanted.wait(0.1)

    def _write_down(self) -> None:
        while True:
            try:
                write = self._writes.get_nowait()
            except queue.Empty:
                return
            try:
                self._link.insist(write, give_up=self._closing.is_set)
            except DatabaseRefusedError as error:
                get_logger().error(
                    "Document left to its lease", environment=self.environment, reason=error.message
                )
            self._writes.task_done()
            self._on_news()

    def _rescue(self) -> None:
        for rescued in self._link.ask(lambda store: store.rescue_lost()):
            get_logger().warning(
                "Document rescued",
                environment=self.environment,
                document_id=rescued.document_id,
                document_number=rescued.number,
                source=rescued.source,
                worker_id=rescued.worker_id,
                attempt=rescued.attempt,
                outcome=str(rescued.outcome),
            )

    def _wake_retries(self) -> None:
        if self._link.ask(lambda store: store.wake_due_retries()):
            self._on_news()

    def _settle_estates(self) -> None:
        if self._estates.are_open and self._link.ask(self._estates.settle):
            self._on_news()

    def _glance(self) -> None:
        self.backlog = self._link.ask(
            lambda store: Backlog(dict(store.waiting_work()), dict(store.counts()))
        )
        self._on_news()


class Ear:
    """A thread that listens for new documents and says where it cannot."""

    def __init__(self, environment: str, dsn: SecretStr, on_news: Callable[[], None]) -> None:
        self.environment = environment
        self.deaf = False
        self._dsn = dsn
        self._on_news = on_news
        self._closing = False
        self._thread = threading.Thread(target=self._listen, name=f"ear-{environment}", daemon=True)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._closing = True

    def _listen(self) -> None:
        while not self._closing:
            try:
                listener = Listener(self._dsn)
            except (RegistreError, psycopg.OperationalError):
                time.sleep(_LISTENER_PAUSE_SECONDS)
                continue
            if not listener.works:
                self.deaf = True
                get_logger().warning(
                    "Polling only", environment=self.environment, reason="a transaction pooler"
                )
                listener.close()
                return
            try:
                # What came before we listened was not heard.
                self._on_news()
                while not self._closing:
                    if listener.heard(_LISTEN_SECONDS):
                        self._on_news()
                    elif not listener.is_alive():
                        break
            except psycopg.OperationalError:
                time.sleep(_LISTENER_PAUSE_SECONDS / 10)
            finally:
                listener.close()
