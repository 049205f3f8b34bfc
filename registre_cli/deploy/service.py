"""One deploy to one target, from the first look to its end, whatever its end."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import FrameType
from typing import Protocol

from registre_cli.core.errors import ConfigurationError, ProblemFoundError, RegistreError
from registre_cli.deploy.gate import diagnose
from registre_cli.deploy.history import (
    Ending,
    Record,
    append_record,
    last_healthy,
    read_history,
)
from registre_cli.deploy.journal import Journal, Kind, close_journal
from registre_cli.deploy.lock import Lock, LockLostError
from registre_cli.deploy.managers.base import POOL_NAME, ManagerName
from registre_cli.deploy.managers.choice import open_managers
from registre_cli.deploy.plan import Plan, Step, StepName
from registre_cli.deploy.planning import make_plan, make_recovery_plan
from registre_cli.deploy.release import (
    define_pool,
    new_release,
    release_named,
    require_complete,
)
from registre_cli.deploy.rollback import Recovery, undo
from registre_cli.deploy.site import Site, open_site
from registre_cli.deploy.steps import Deployment, Goal
from registre_cli.deploy.survey import Survey, require_host, survey
from registre_cli.deploy.target_settings import target_settings
from registre_cli.deploy.transport.base import Transport
from registre_cli.deploy.watcher import Failure, Outcome, Watcher
from registre_cli.deploy.wheel import Wheel

_LOG_LINES = 20
# From here on the new pool has run, so that its log and the queue tell why it failed.
_TELLING_STEPS = frozenset({StepName.START, StepName.NEIGHBOURS, StepName.HEALTH})


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Without `manager` the one of the last deploy is used, at first PM2. Without `settings` those
    of the running release are kept. `release` names the goal of a roll-back, `None` the release
    that was last healthy before the one that runs.
    """

    kind: Kind = Kind.DEPLOY
    wheel: Wheel | None = None
    settings: bytes | None = None
    manager: ManagerName | None = None
    ecosystem: PurePosixPath | None = None
    home: PurePosixPath | None = None
    python: str = "python3"
    health_seconds: float = 30.0
    release: str | None = None


class Underway(Protocol):
    """A deploy, or the recovery of one, while its steps are taken."""

    lock: Lock
    journal: Journal | None
    gap_seconds: float | None

    def begin(self, step: StepName) -> None:
        """Write down that a step begins."""

    def record(
        self, ending: Ending, *, step: StepName | None = None, error: str | None = None
    ) -> Record:
        """Return the line of the history."""


class Prepared:
    """A plan with everything to execute it; nothing is changed on the target yet."""

    def __init__(
        self, site: Site, manager: ManagerName, plan: Plan, underway: Underway, watcher: Watcher
    ) -> None:
        self.plan = plan
        self._site = site
        self._chosen = manager
        self._watcher = watcher
        self._underway = underway
        self._step_seconds: dict[StepName, float] = {}

    def execute(self) -> Outcome:
        """Take every step, or none: a failure before the gate is undone."""
        started = time.monotonic()
        step = self.plan.steps[0]
        try:
            with _interruptible():
                for number, step in enumerate(self.plan.steps, start=1):
                    self._take(step, number)
        except (RegistreError, KeyboardInterrupt) as error:
            return self._failed(step, error, started)
        self._let_go()
        return Outcome(
            self.plan,
            round(time.monotonic() - started, 1),
            Ending.HEALTHY,
            gap_seconds=self._underway.gap_seconds,
            step_seconds=self._step_seconds,
        )

    def _take(self, step: Step, number: int) -> None:
        began = time.monotonic()
        self._watcher.begins(self.plan.target, step, number, len(self.plan.steps))
        self._underway.begin(step.name)
        step.action()
        self._step_seconds[step.name] = round(time.monotonic() - began, 2)
        self._watcher.ends(self.plan.target, step, self._step_seconds[step.name])

    def _failed(
        self, step: Step, error: RegistreError | KeyboardInterrupt, started: float
    ) -> Outcome:
        """Undo what was begun; the first error stays the one that is told."""
        interrupted = isinstance(error, KeyboardInterrupt)
        first = ProblemFoundError("interrupted") if isinstance(error, KeyboardInterrupt) else error
        with _deaf():
            failure = self._explain(step, first)
            ending, undo_error = self._undo(failure)
            if not isinstance(first, LockLostError):
                self._let_go()
        return Outcome(
            self.plan,
            round(time.monotonic() - started, 1),
            ending,
            failure,
            undo_error,
            step_seconds=self._step_seconds,
            interrupted=interrupted,
        )

    def _explain(self, step: Step, error: RegistreError) -> Failure:
        """Ask the target what its pool said, before it is removed."""
        if step.name not in _TELLING_STEPS:
            return Failure(step.name, error)
        release = release_named(self._site, self.plan.release)
        log: tuple[str, ...] = ()
        with suppress(RegistreError):
            log = open_managers(self._site, self._chosen)[0].logs(POOL_NAME, _LOG_LINES)
        with suppress(RegistreError):
            return Failure(step.name, error, log, diagnose(self._site, release))
        return Failure(step.name, error, log)

    def _undo(self, failure: Failure) -> tuple[Ending | None, RegistreError | None]:
        journal = self._underway.journal
        if journal is None or journal.healthy or isinstance(failure.error, LockLostError):
            return None, None
        try:
            # Opened anew: a manager that died is expected to be another one by now.
            managers = open_managers(self._site, self._chosen)
            undo(self._site, managers, journal, self._say)
            record = self._underway.record(
                Ending.ROLLED_BACK, step=failure.step, error=failure.error.message
            )
            append_record(self._site, record)
            close_journal(self._site)
        except RegistreError as error:
            # The journal stays open: the next deploy or roll-back begins with it.
            return Ending.BROKEN, error
        return Ending.ROLLED_BACK, None

    def _say(self, sentence: str) -> None:
        self._watcher.says(self.plan.target, sentence)

    def _let_go(self) -> None:
        # A lock that cannot be released expires, and is broken as soon as we end.
        with suppress(RegistreError):
            self._underway.lock.release()


def prepare(transport: Transport, request: Request, watcher: Watcher) -> Prepared:
    """Look at the target and plan; nothing is changed.

    Raises every RegistreError that can be known before: a lock that is held, a manager that is
    missing, wrong settings, no room.
    """
    site = open_site(transport, request.home)
    history = read_history(site)
    manager = request.manager or (history[-1].manager if history else "pm2")
    managers = open_managers(site, manager)
    ecosystem = site.absolute(request.ecosystem) if request.ecosystem else None
    found = survey(site, managers, ecosystem)
    target = transport.name

    def say(sentence: str) -> None:
        watcher.says(target, sentence)

    if request.kind is Kind.DEPLOY:
        require_host(site, request.python)
        goal = _deploy_goal(site, request, found)
    elif found.journal is not None and not found.journal.healthy:
        # What a person wants back is what was there before the deploy that was killed.
        recovery = Recovery(site, managers, found.journal, say)
        plan = make_recovery_plan(target, found, found.journal, recovery)
        return Prepared(site, manager, plan, recovery, watcher)
    else:
        besides = found.current.id if found.current else None
        goal = _rollback_goal(site, request, request.release or last_healthy(history, besides))
    deployment = Deployment(site, managers, found, goal, say)
    return Prepared(
        site, manager, make_plan(target, manager, found, deployment), deployment, watcher
    )


def _deploy_goal(site: Site, request: Request, found: Survey) -> Goal:
    assert request.wheel is not None
    content = request.settings if request.settings is not None else found.settings
    if content is None:
        raise ConfigurationError(
            "there are no settings for the target yet",
            fix="give --env-file FILE; it travels as a file of mode 0600",
        )
    settings = target_settings(content)
    release = new_release(site, request.wheel.version)
    return Goal(
        kind=Kind.DEPLOY,
        release=release,
        definition=define_pool(site, release, settings),
        settings=settings,
        settings_content=content,
        wheel=request.wheel,
        python=request.python,
        health_seconds=request.health_seconds,
    )


def _rollback_goal(site: Site, request: Request, release_id: str | None) -> Goal:
    if release_id is None:
        raise ProblemFoundError(
            "there is no earlier healthy release to go back to", fix="registre deploy history"
        )
    release = release_named(site, release_id)
    definition = require_complete(site, release)
    content = site.transport.get(release.settings_file) or b""
    return Goal(
        kind=Kind.ROLLBACK,
        release=release,
        definition=definition,
        settings=target_settings(content),
        settings_content=content,
        wheel=None,
        python=request.python,
        health_seconds=request.health_seconds,
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end a deploy as Ctrl-C does: with a roll-back."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling(interrupt, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _deaf() -> Iterator[None]:
    """Let nothing but SIGKILL end a roll-back."""
    with _handling(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        yield


@contextmanager
def _handling(handler: object, *numbers: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        # Signals reach the main thread, which speaks for all hosts.
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
