"""Keeping the lease of the document that is being read."""

import threading
import time

from registre_cli.pool.link import DatabaseAwayError, Link
from registre_cli.queue.models import FencingToken, LeaseState

# A lease is renewed three times in its life: one renewal may fail without harm.
_RENEWALS_IN_A_LEASE = 3
_ANSWER_SECONDS = 2.0
# What was found so lately is not asked again: pages of a few milliseconds need no answer each.
_FRESH_SECONDS = 0.25


class LeaseKeeper:
    """A thread that renews one lease after the other, on a connection of its own.

    It is made once and holds the leases of a worker's documents in turn: starting a thread for
    each would take longer than claiming the document.
    """

    def __init__(self, link: Link, lease_seconds: float) -> None:
        self._link = link
        self._lease_seconds = lease_seconds
        self._token: FencingToken | None = None
        self._state = LeaseState.HELD
        self._found_at = 0.0
        self._wanted = threading.Event()
        self._answered = threading.Event()
        # Held while the queue is asked: what it answers belongs to the lease that is held now.
        self._asking = threading.Lock()
        self._given_up = False
        threading.Thread(target=self._keep, name="lease", daemon=True).start()

    def hold(self, token: FencingToken) -> None:
        """Keep this lease, which was just given, until `release`."""
        self._state = LeaseState.HELD
        self._found_at = time.monotonic()
        self._token = token

    def check(self) -> LeaseState:
        """Return what a renewal found within the last quarter of a second; renew for it if need be.

        Where the database is silent, return what was known.
        """
        if self._state is LeaseState.HELD and not self._is_fresh:
            self._answered.clear()
            self._wanted.set()
            self._answered.wait(_ANSWER_SECONDS)
        return self._state

    def release(self) -> bool:
        """Stop renewing; the lease itself is left as it is.

        Return whether the keeper may hold another: false where a renewal still waits for its
        answer. It then ends, and another keeper with a link of its own is needed.
        """
        self._token = None
        if not self._asking.acquire(timeout=_ANSWER_SECONDS):
            self._given_up = True
            return False
        self._asking.release()
        return True

    @property
    def _is_fresh(self) -> bool:
        return time.monotonic() - self._found_at < _FRESH_SECONDS

    def _keep(self) -> None:
        while not self._given_up:
            self._wanted.wait(self._lease_seconds / _RENEWALS_IN_A_LEASE)
            # Cleared before the question, so that a wish during it is not lost.
            self._wanted.clear()
            with self._asking:
                token = self._token
                if token is not None and self._state is LeaseState.HELD:
                    self._renew(token)
            self._answered.set()
        self._link.close()

    def _renew(self, token: FencingToken) -> None:
        try:
            self._state = self._link.ask(lambda store: store.renew(token, self._lease_seconds))
            self._found_at = time.monotonic()
        except DatabaseAwayError:
            # The fence decides when the result is stored; the reading goes on.
            return
