"""What a check is, and running many at once with a bound."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTimeError
from dataclasses import dataclass
from enum import StrEnum

from registre_cli.core.errors import RegistreError

CHECK_TIMEOUT_SECONDS = 5.0


class CheckStatus(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a word of the contract, no password
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Finding:
    """What a check found; `fix` is empty where nothing is to be mended."""

    status: CheckStatus
    message: str
    fix: str = ""


@dataclass(frozen=True)
class Check:
    """One thing to look at; `name` is `group/what`."""

    name: str
    look: Callable[[], Finding]
    timeout_seconds: float = CHECK_TIMEOUT_SECONDS


@dataclass(frozen=True)
class CheckResult:
    """One finding with its check's name and how long it took."""

    name: str
    status: CheckStatus
    message: str
    fix: str
    seconds: float


def passed(message: str) -> Finding:
    """Say that all is well."""
    return Finding(CheckStatus.PASS, message)


def warned(message: str, fix: str) -> Finding:
    """Say that it works, but that a person should know."""
    return Finding(CheckStatus.WARN, message, fix)


def failed(message: str, fix: str) -> Finding:
    """Say that the pool cannot work like this."""
    return Finding(CheckStatus.FAIL, message, fix)


def skipped(message: str) -> Finding:
    """Say why it was not looked at."""
    return Finding(CheckStatus.SKIP, message)


def refused(error: RegistreError) -> CheckResult:
    """Return the one result that there is where the settings themselves are refused."""
    return CheckResult(
        "host/settings", CheckStatus.FAIL, error.message, error.fix or "see the message", 0.0
    )


def run_checks(checks: Sequence[Check]) -> tuple[CheckResult, ...]:
    """Run all checks at once; one that hangs or fails is a finding, never an error of ours."""
    started = time.monotonic()
    running = [(check, _start(check)) for check in checks]
    return tuple(_result(check, found, started) for check, found in running)


def _start(check: Check) -> Future[CheckResult]:
    """Run a check in a thread that cannot keep the command from ending, as a pool's would."""
    found: Future[CheckResult] = Future()

    def run() -> None:
        try:
            found.set_result(_timed(check))
        except Exception as error:  # noqa: BLE001 - whoever waits for the result is told of it
            found.set_exception(error)

    threading.Thread(target=run, name=check.name, daemon=True).start()
    return found


def _result(check: Check, found: Future[CheckResult], started: float) -> CheckResult:
    left = started + check.timeout_seconds - time.monotonic()
    try:
        unforeseen = found.exception(max(left, 0.0))
    except OutOfTimeError:
        return CheckResult(
            check.name,
            CheckStatus.FAIL,
            f"no answer within {check.timeout_seconds:g} s",
            "check that the service is reachable from this host",
            check.timeout_seconds,
        )
    if unforeseen is None:
        return found.result()
    # The text of an error that we do not know could hold a secret: its kind must do.
    return CheckResult(
        check.name,
        CheckStatus.FAIL,
        f"the check itself failed ({type(unforeseen).__name__})",
        f"registre verify-setup --only {check.name}, and report the bug if it fails again",
        round(time.monotonic() - started, 3),
    )


def _timed(check: Check) -> CheckResult:
    started = time.monotonic()
    try:
        finding = check.look()
    except RegistreError as error:
        finding = failed(error.message, error.fix or "see the message")
    seconds = round(time.monotonic() - started, 3)
    return CheckResult(check.name, finding.status, finding.message, finding.fix, seconds)
