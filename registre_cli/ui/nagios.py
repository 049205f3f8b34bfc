"""The check as one line for a monitoring system, with performance data and its exit codes.

Exit codes are those of monitoring plugins, not ours: 0 ok, 1 warning, 2 critical, 3 unknown.
"""

import sys
from collections.abc import Iterator
from enum import IntEnum

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.core.text import printable
from registre_cli.pool.check import CheckReport
from registre_cli.queue.report import EnvironmentReport, Severity

_SHOWN_PROBLEMS = 3


class PluginState(IntEnum):
    """What a monitoring plugin exits with."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def show_nagios(report: CheckReport) -> PluginState:
    """Print the line and return the state to exit with."""
    errors = [p for p in report.problems if p.severity is Severity.ERROR]
    told = [problem.message for problem in (errors or report.problems)[:_SHOWN_PROBLEMS]]
    state = PluginState.OK
    if report.problems:
        state = PluginState.CRITICAL if errors else PluginState.WARNING
    else:
        told = [f"{sum(found.eligible for found in report.environments)} documents wait"]
    if (more := len(report.problems) - len(told)) > 0 and report.problems:
        told.append(f"{more} more problems")
    data = " ".join(item for found in report.environments for item in _data(found))
    _print(state, "; ".join(told), data)
    return state


def show_unknown(error: RegistreError) -> PluginState:
    """Print that nothing could be looked at, and return the state to exit with."""
    _print(PluginState.UNKNOWN, error.message, "")
    return PluginState.UNKNOWN


def _print(state: PluginState, text: str, data: str) -> None:
    # A bar would begin the performance data.
    said = printable(text).replace("|", "/")
    sys.stdout.write(f"REGISTRE {state.name} - {said}" + (f" | {data}" if data else "") + "\n")


def _data(found: EnvironmentReport) -> Iterator[str]:
    if not found.reachable or not found.schema_current:
        return
    name = found.name
    for source in Source:
        counts = found.counts[str(source)]
        yield f"{name}_{source}_eligible={counts.eligible};;;0"
        yield f"{name}_{source}_blocked={counts.blocked};;;0"
        yield f"{name}_{source}_in_progress={counts.in_progress};;;0"
        yield f"{name}_{source}_done={counts.done};;;0"
        yield f"{name}_{source}_failed={counts.failed};;;0"
        yield f"{name}_{source}_workers={found.workers.by_mode.get(source, 0)};;;0"
    yield f"{name}_stale={found.stale_count};;;0"
    yield f"{name}_oldest_waiting={found.oldest_waiting_seconds or 0:.0f}s;;;0"
    yield f"{name}_documents_per_minute={found.documents_per_minute:.2f};;;0"
    # U: unknown, which is what never is.
    eta = "U" if found.eta_seconds is None else f"{found.eta_seconds:.0f}s"
    yield f"{name}_eta={eta};;;0"
