"""What a check is, and running many at once with a bound."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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


def run_checks(checks: Sequence[Check]) -> tuple[CheckResult, ...]:
    """Run all checks at once; one that hangs or fails is a finding, never an error of ours."""
    pool = ThreadPoolExecutor(max_workers=max(len(checks), 1), thread_name_prefix="check")
    running = [(check, pool.submit(_timed, check)) for check in checks]
    results = []
    for check, future in running:
        try:
            results.append(future.result(check.timeout_seconds))
        except OutOfTimeError:
            results.append(
                CheckResult(
                    check.name,
                    CheckStatus.FAIL,
                    f"no answer within {check.timeout_seconds:g} s",
                    "check that the service is reachable from this host",
                    check.timeout_seconds,
                )
            )
    # A check that hangs must not keep the command from ending.
    pool.shutdown(wait=False, cancel_futures=True)
    return tuple(results)


def _timed(check: Check) -> CheckResult:
    started = time.monotonic()
    try:
        finding = check.look()
    except RegistreError as error:
        finding = failed(error.message, error.fix or "see the message")
    seconds = round(time.monotonic() - started, 3)
    return CheckResult(check.name, finding.status, finding.message, finding.fix, seconds)
