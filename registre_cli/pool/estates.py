"""What a dead worker may have taken without having said so.

A worker that is killed between its claim and its report leaves a document that no supervisor
knows of. Its claim may even be carried out after its death, while the statement was on its way.
"""

import threading
import time
from dataclasses import dataclass

from registre_cli.core.log import get_logger
from registre_cli.queue.connection import STATEMENT_TIMEOUT_SECONDS
from registre_cli.queue.models import FencingToken
from registre_cli.queue.store import QueueStore

# By then the server has carried out or given up whatever the dead had asked of it.
_OPEN_SECONDS = STATEMENT_TIMEOUT_SECONDS + 5.0


@dataclass(frozen=True)
class Estate:
    """A worker that died without a known document; `give_back` where we ended it ourselves."""

    worker_id: str
    reason: str
    give_back: bool


class Estates:
    """The estates of one environment that are still open, for any thread."""

    def __init__(self) -> None:
        self._open: dict[Estate, float] = {}
        self._lock = threading.Lock()

    def open(self, estate: Estate) -> None:
        """Look out for claims of this worker from now on, for half a minute."""
        with self._lock:
            self._open[estate] = time.monotonic() + _OPEN_SECONDS

    @property
    def are_open(self) -> bool:
        """Whether anything may still turn up."""
        with self._lock:
            now = time.monotonic()
            self._open = {estate: until for estate, until in self._open.items() if until > now}
            return bool(self._open)

    def settle(self, store: QueueStore) -> int:
        """Settle every claim that turned up; return how many. Errors as of `QueueStore`."""
        with self._lock:
            estates = {estate.worker_id: estate for estate in self._open}
        tokens = store.claims_of(list(estates))
        for token in tokens:
            _settle(store, token, estates[token.worker_id])
        return len(tokens)


def _settle(store: QueueStore, token: FencingToken, estate: Estate) -> None:
    if estate.give_back:
        store.give_back(token, estate.reason)
    else:
        store.fail_transient(token, estate.reason)
    get_logger().warning(
        "Document of a lost worker found",
        worker_id=token.worker_id,
        document_id=token.document_id,
        attempt=token.attempt,
        reason=estate.reason,
    )
