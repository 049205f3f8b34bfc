"""A plan: what a deploy will do, step by step, decided before anything is changed.

The object that `--dry-run` prints is the object that is executed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class StepName(StrEnum):
    """The steps of a deploy, in the order in which they are taken."""

    RECOVER = "recover"
    LOCK = "lock"
    INSTALL = "install"
    VERIFY = "verify-setup"
    MIGRATE = "migrate"
    SNAPSHOT = "snapshot"
    STOP = "stop"
    LEGACY = "legacy"
    ORPHANS = "orphans"
    SWITCH = "switch"
    START = "start"
    NEIGHBOURS = "neighbours"
    HEALTH = "health"
    SAVE = "save"
    AUDIT = "audit"


@dataclass(frozen=True)
class Step:
    """One step: what it finds, what it leaves, and how it is done.

    `before` and `after` are for people. A step without a change says so in `after` and its
    action does nothing.
    """

    name: StepName
    before: str
    after: str
    action: Callable[[], None]


@dataclass(frozen=True)
class Plan:
    """Every step for one target; `warnings` are what a person must know beside them."""

    target: str
    release: str
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
