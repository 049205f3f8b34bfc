"""What a pool's engines have cost, shared by its processes without any lock.

Each worker writes its own row only and reads all of them, so that a killed one can keep nobody
waiting. A worker first writes what it is about to spend and then adds up: of two that are too
much together, at least one sees the other.
"""

from collections.abc import MutableSequence
from dataclasses import dataclass
from multiprocessing.context import BaseContext

from registre_cli.core.errors import ProblemFoundError
from registre_cli.ocr.models import Spent

_SLOTS = 1024
_TOKENS, _SPENT_USD, _RESERVED_USD = range(3)
_COLUMNS = 3


class CostLimitError(ProblemFoundError):
    """The next request could pass what the pool may spend."""


@dataclass
class Account:
    """One worker's row; `limit_usd` is what all rows together may spend, `None` is unlimited."""

    cells: MutableSequence[float]
    slot: int
    limit_usd: float | None = None

    @classmethod
    def alone(cls) -> "Account":
        """Return an account that nobody else sees."""
        return cls([0.0] * _COLUMNS, 0)

    def charge(self, spent: Spent) -> None:
        """Write down what a request cost, in the place of what was reserved for it."""
        self._write(_RESERVED_USD, 0.0)
        self._write(_TOKENS, self._read(_TOKENS) + spent.tokens)
        self._write(_SPENT_USD, self._read(_SPENT_USD) + spent.cost_usd)

    def charge_reserved(self) -> None:
        """Write down the most that a request may have cost, where nobody knows what it did."""
        self.charge(Spent(0, self._read(_RESERVED_USD)))

    def reserve(self, most_usd: float) -> bool:
        """Reserve a request's price; `False` where others hold what is left of the limit.

        Raises CostLimitError where what was spent leaves no room for it.
        """
        if self.limit_usd is None or most_usd <= 0:
            self._write(_RESERVED_USD, most_usd)
            return True
        self._write(_RESERVED_USD, most_usd)
        spent, reserved = total(self.cells, _SPENT_USD), total(self.cells, _RESERVED_USD)
        if spent + reserved <= self.limit_usd:
            return True
        self._write(_RESERVED_USD, 0.0)
        if spent + most_usd > self.limit_usd:
            raise CostLimitError(
                f"${spent:.4f} are spent, and one more request may cost ${most_usd:.4f}:"
                f" that would pass --max-cost {self.limit_usd:g}",
                fix="raise --max-cost, or leave it away",
            )
        return False

    def _read(self, column: int) -> float:
        return self.cells[self.slot * _COLUMNS + column]

    def _write(self, column: int, value: float) -> None:
        self.cells[self.slot * _COLUMNS + column] = value


class Ledger:
    """The rows of all workers, as the supervisor sees them."""

    def __init__(self, context: BaseContext, limit_usd: float | None) -> None:
        self._cells: MutableSequence[float] = context.RawArray("d", _SLOTS * _COLUMNS)
        self._limit_usd = limit_usd

    def account(self, slot: int) -> Account:
        """Return the row of a slot; what its last worker left open counts as spent."""
        account = Account(self._cells, slot % _SLOTS, self._limit_usd)
        account.charge_reserved()
        return account

    def spent(self) -> Spent:
        """Return what all workers have spent so far."""
        return Spent(round(total(self._cells, _TOKENS)), total(self._cells, _SPENT_USD))


def total(cells: MutableSequence[float], column: int) -> float:
    """Add up one column of all rows."""
    return sum(cells[column::_COLUMNS])
