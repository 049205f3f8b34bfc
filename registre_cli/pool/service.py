"""A pool as a service: what its service manager hears of it."""

import time

from registre_cli.core.sd_notify import ServiceNotifier
from registre_cli.pool.models import PoolStatus, WorkerState

# The manager gives up after the whole interval; half of it is its advice, a quarter is sure.
_WATCHDOG_SHARE = 0.25
_STATUS_SECONDS = 2.0


class ServiceReport:
    """Says ready once, alive while the supervisor's loop turns, a line of status, and stopping."""

    def __init__(self, notifier: ServiceNotifier) -> None:
        self._notifier = notifier
        self._ready = False
        self._stopping = False
        self._alive_at = 0.0
        self._status_at = 0.0
        self._said = ""

    def tell(self, status: PoolStatus, *, crew_is_full: bool) -> None:
        """Tell what is due; called at every turn of the loop."""
        if not self._notifier.listened_to:
            return
        now = time.monotonic()
        if crew_is_full and not (self._ready or self._stopping):
            self._ready = True
            self._notifier.ready()
        watchdog = self._notifier.watchdog_seconds
        if watchdog is not None and now >= self._alive_at:
            self._alive_at = now + watchdog * _WATCHDOG_SHARE
            self._notifier.alive()
        sentence = _sentence(status)
        if sentence != self._said and now >= self._status_at:
            self._status_at = now + _STATUS_SECONDS
            self._said = sentence
            self._notifier.status(sentence)

    def stopping(self) -> None:
        """Tell that the pool ends."""
        self._stopping = True
        self._notifier.stopping()

    def close(self) -> None:
        """Tell nothing more."""
        self._notifier.close()


def _sentence(status: PoolStatus) -> str:
    """Return a pool in one short line; nothing in it comes from a document."""
    done = sum(worker.documents_done for worker in status.workers)
    busy = sum(worker.document_id is not None for worker in status.workers)
    leaving = sum(worker.state is WorkerState.STOPPING for worker in status.workers)
    if leaving == len(status.workers):
        return f"stopping, {leaving} workers still at their page"
    shares = ", ".join(f"{count} {source}" for source, count in status.allocation.items())
    crew = f"{len(status.workers)} of {status.size} workers ({shares})"
    return f"{'paused; ' if status.paused else ''}{crew}; {busy} reading, {done} read"
