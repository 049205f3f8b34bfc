"""Keeping the lease of the document that is being read."""

import threading

from registre_cli.pool.link import DatabaseAwayError, Link
from registre_cli.queue.models import FencingToken, LeaseState

# A lease is renewed three times in its life: one renewal may fail without harm.
_RENEWALS_IN_A_LEASE = 3
_ANSWER_SECONDS = 2.0


class LeaseKeeper:
    """A thread that renews one lease, on a connection of its own, until it is closed."""

    def __init__(self, link: Link, token: FencingToken, lease_seconds: float) -> None:
        self._link = link
        self._token = token
        self._lease_seconds = lease_seconds
        self._state = LeaseState.HELD
        self._wanted = threading.Event()
        self._answered = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> LeaseState:
        """Renew now and return what was found; what was known where the database is silent."""
        if self._state is LeaseState.HELD:
            self._answered.clear()
            self._wanted.set()
            self._answered.wait(_ANSWER_SECONDS)
        return self._state

    def close(self) -> bool:
        """Stop renewing; the lease itself is left as it is.

        Return whether the link is free again: false where a renewal still waits for its answer.
        """
        self._closing = True
        self._wanted.set()
        self._thread.join(_ANSWER_SECONDS)
        return not self._thread.is_alive()

    def _keep(self) -> None:
        while True:
            self._wanted.wait(self._lease_seconds / _RENEWALS_IN_A_LEASE)
            # Cleared before the question, so that a wish during it is not lost.
            self._wanted.clear()
            if self._closing or self._state is not LeaseState.HELD:
                return
            try:
                self._state = self._link.ask(
                    lambda store: store.renew(self._token, self._lease_seconds)
                )
            except DatabaseAwayError:
                # The fence decides when the result is stored; the reading goes on.
                continue
            finally:
                self._answered.set()
