"""Whoever watches a deploy, and the result that it is handed at the end."""

from dataclasses import dataclass, field
from typing import Protocol

from registre_cli.core.errors import RegistreError
from registre_cli.deploy.gate import ProblemSeen
from registre_cli.deploy.history import Ending
from registre_cli.deploy.plan import Plan, Step, StepName


class Watcher(Protocol):
    """Hears what a deploy does, while it does it."""

    def begins(self, target: str, step: Step, number: int, of: int) -> None:
        """Hear that a step begins."""

    def ends(self, target: str, step: Step, seconds: float) -> None:
        """Hear that a step is done."""

    def says(self, target: str, sentence: str) -> None:
        """Hear what goes on within a step."""


@dataclass(frozen=True)
class Failure:
    """What went wrong first, at which step, and what the target said about it.

    `problems` are those of `queue check`, `None` where it was not asked or could not look.
    """

    step: StepName
    error: RegistreError
    log: tuple[str, ...] = ()
    problems: tuple[ProblemSeen, ...] | None = None


@dataclass(frozen=True)
class Outcome:
    """How one deploy to one target ended.

    `ending` is `None` where it failed before it changed anything, or after the pool was healthy.
    `undo_error` says why a roll-back did not succeed. `gap_seconds` is from the signal to the old
    pool until the new one was seen healthy.
    """

    plan: Plan
    seconds: float
    ending: Ending | None = None
    failure: Failure | None = None
    undo_error: RegistreError | None = None
    gap_seconds: float | None = None
    step_seconds: dict[StepName, float] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        """Whether what was asked for is done."""
        return self.failure is None and not self.interrupted
