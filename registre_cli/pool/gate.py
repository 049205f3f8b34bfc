"""What a page passes before an engine is asked: the shared budget, then the pool's purse."""

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from registre_cli.core.settings import Settings
from registre_cli.limiter import Limiter
from registre_cli.limiter.budgets import open_limiter
from registre_cli.limiter.limiter import Grant
from registre_cli.ocr.models import Spent
from registre_cli.pool.ledger import Account

_SHORTEST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.05, 0.2

# Called now and then while an engine's budget is waited for, with the seconds that are left,
# and with 0 when the engine is asked.
OnTurn = Callable[[str, float], None]


class PaidGrant:
    """A grant of the limiter whose price is written into the pool's ledger."""

    def __init__(self, grant: Grant, account: Account) -> None:
        self._grant = grant
        self._account = account

    def settle(self, tokens: int, cost_usd: float = 0.0) -> None:
        """Charge what the request really cost."""
        self._account.charge(Spent(tokens, cost_usd))
        self._grant.settle(tokens)


class WorkerGate:
    """The gate of one worker; what `on_turn` raises ends the waiting."""

    def __init__(self, limiter: Limiter, account: Account, on_turn: OnTurn) -> None:
        self._limiter = limiter
        self._account = account
        self._on_turn = on_turn

    @contextmanager
    def admit(self, engine: str, tokens: int, most_usd: float = 0.0) -> Iterator[PaidGrant]:
        """Wait for the budget; raises CostLimitError where the pool's money is used up."""
        with self._limiter.admit(engine, tokens) as grant:
            try:
                while not self._account.reserve(most_usd):
                    # Requests on their way hold the rest: it shows soon what they really cost.
                    self._on_turn(engine, _LONGEST_LOOK_SECONDS)
                    time.sleep(random.uniform(_SHORTEST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS))  # noqa: S311 - a spread, no secret
            except BaseException:
                grant.release()
                raise
            try:
                self._on_turn(engine, 0.0)
                yield PaidGrant(grant, self._account)
            finally:
                self._account.charge_reserved()

    def hold(self, engine: str, seconds: float, *, lower: bool) -> None:
        """Hold every worker of every host."""
        self._limiter.hold(engine, seconds, lower=lower)


def open_file_gate(settings: Settings, on_turn: Callable[[], None]) -> WorkerGate:
    """Return the gate of a process that reads files: the same budgets, and no bound on money."""
    limiter = open_limiter(
        settings,
        f"{socket.gethostname()}-{os.getpid()}",
        workers_here=1,
        on_wait=lambda _engine, _seconds: on_turn(),
    )
    return WorkerGate(limiter, Account.alone(), lambda _engine, _seconds: on_turn())
