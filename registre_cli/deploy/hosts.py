"""Several targets as one deploy: all are planned first, one is the canary, then come the others.

A target that cannot be planned keeps every other from being touched. After the first failure no
further target is begun; those under way go on to their own end.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from registre_cli.core.errors import ProblemFoundError, RegistreError, UnreachableError
from registre_cli.deploy.plan import Plan, Step
from registre_cli.deploy.service import Prepared, Request, prepare
from registre_cli.deploy.transport.base import Transport
from registre_cli.deploy.watcher import Outcome, Watcher

# Looking costs a host little, and whoever looks at night waits for the slowest one.
_LOOK_AT_ONCE = 8
Answer = TypeVar("Answer")
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class HostResult:
    """How one target ended; without an outcome nothing was begun there, for this `reason`."""

    plan: Plan
    outcome: Outcome | None
    reason: str = ""

    @property
    def target(self) -> str:
        """The host as people wrote it."""
        return self.plan.target

    @property
    def ok(self) -> bool:
        """Whether what was asked for is done there."""
        return self.outcome is not None and self.outcome.ok

    @property
    def interrupted(self) -> bool:
        """Whether a person ended it."""
        return self.outcome is not None and self.outcome.interrupted


class Fleet:
    """The targets of one deploy, planned; the first one is the canary."""

    def __init__(
        self,
        transports: Sequence[Transport],
        request: Request,
        watcher: Watcher,
        *,
        parallel: int = 1,
    ) -> None:
        """Plan for every target, `parallel` at once; nothing is changed anywhere.

        Raises the error of the only target, or one that names each that is not ready.
        """
        self._parallel = parallel
        self._interrupted = threading.Event()
        self._no_more = ""
        hearing = _InterruptingWatcher(watcher, self._interrupted)
        planned, errors = ask_each(
            transports, lambda way: prepare(way, request, hearing), parallel=parallel
        )
        if errors:
            raise _not_ready(errors, len(transports))
        self._prepared = tuple(planned.values())

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of each target, the canary's first."""
        return tuple(one.plan for one in self._prepared)

    def roll_out(self, on_end: Callable[[HostResult], None]) -> tuple[HostResult, ...]:
        """Deploy to the canary, and to the others once it is healthy; return every end.

        `on_end` hears of each target as it ends. Ctrl-C lets those under way finish their step
        and undo what they did.
        """
        canary, *others = self._prepared
        first = self._run(canary, on_end)
        with self._interruptible(), ThreadPoolExecutor(self._parallel) as pool:
            rest = list(pool.map(lambda one: self._run(one, on_end), others))
        return (first, *rest)

    def _run(self, one: Prepared, on_end: Callable[[HostResult], None]) -> HostResult:
        if self._no_more:
            return HostResult(one.plan, None, self._no_more)
        result = HostResult(one.plan, one.execute())
        on_end(result)
        if result.interrupted:
            self._begin_no_more("interrupted")
        elif not result.ok:
            self._begin_no_more(f"{result.target} did not become healthy")
        return result

    def _begin_no_more(self, reason: str) -> None:
        if not self._no_more:
            self._no_more = reason

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Hear the signals for the threads, of which none would."""
        before = {number: signal.signal(number, self._on_signal) for number in _STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self._begin_no_more("interrupted")
        self._interrupted.set()


class _InterruptingWatcher:
    """Passes everything on, line by line; once interrupted, no deploy begins another step."""

    def __init__(self, watcher: Watcher, interrupted: threading.Event) -> None:
        self._watcher = watcher
        self._interrupted = interrupted
        self._speaking = threading.Lock()

    def begins(self, target: str, step: Step, number: int, of: int) -> None:
        """Hear that a step begins, or end the deploy as Ctrl-C would: it then undoes itself."""
        if self._interrupted.is_set():
            raise KeyboardInterrupt
        with self._speaking:
            self._watcher.begins(target, step, number, of)

    def ends(self, target: str, step: Step, seconds: float) -> None:
        """Hear that a step is done."""
        with self._speaking:
            self._watcher.ends(target, step, seconds)

    def says(self, target: str, sentence: str) -> None:
        """Hear what goes on within a step, or while it is undone, which nothing may end."""
        with self._speaking:
            self._watcher.says(target, sentence)


def ask_each(
    transports: Sequence[Transport],
    question: Callable[[Transport], Answer],
    *,
    parallel: int = _LOOK_AT_ONCE,
) -> tuple[dict[str, Answer], dict[str, RegistreError]]:
    """Ask several targets at once; return the answers, and why the others gave none."""
    answers: dict[str, Answer] = {}
    errors: dict[str, RegistreError] = {}
    with ThreadPoolExecutor(parallel) as pool:
        asked = [(transport.name, pool.submit(question, transport)) for transport in transports]
    for name, answer in asked:
        try:
            answers[name] = answer.result()
        except RegistreError as error:
            errors[name] = error
    return answers, errors


def _not_ready(errors: dict[str, RegistreError], targets: int) -> RegistreError:
    """Return the only target's own error, or one that says of each why it is not ready."""
    first = next(iter(errors.values()))
    if targets == 1:
        return first
    said = "; ".join(
        # What ssh could not do names its host already.
        error.message if error.message.startswith(name) else f"{name}: {error.message}"
        for name, error in errors.items()
    )
    unreachable = any(isinstance(error, UnreachableError) for error in errors.values())
    return (UnreachableError if unreachable else ProblemFoundError)(
        f"{len(errors)} of {targets} hosts are not ready, nothing was changed: {said}",
        fix=first.fix,
    )
