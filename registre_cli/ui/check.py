"""Showing the check of the queues: verdict, problems, tables; JSON of the contract."""

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from registre_cli.core.documents import Source
from registre_cli.pool.check import CheckReport
from registre_cli.queue.report import EnvironmentReport, Problem, Severity
from registre_cli.ui.console import cell, duration, moment, output_console, table


def check_document(report: CheckReport) -> dict[str, object]:
    """Return the check in the shape of the contract."""
    return {
        "ok": report.ok,
        "environments": [_environment_document(found) for found in report.environments],
        "problems": [asdict(problem) for problem in report.problems],
    }


def show_check(report: CheckReport, console: Console | None = None) -> None:
    """Show the verdict first, then what it rests on."""
    out = console or output_console()
    out.print(verdict(report))
    for problem in report.problems:
        out.print(_problem(problem), soft_wrap=True)
    for found in report.environments:
        if found.reachable and found.schema_current:
            _show_environment(out, found)


def verdict(report: CheckReport) -> Text:
    """Return the one line that says it all."""
    errors = [p for p in report.problems if p.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return Text.assemble(("PROBLEM  ", "bold red"), cell(errors[0].message), more)
    waiting = sum(found.eligible for found in report.environments)
    state = f"{_waiting(waiting)}, {_living(report)}" if waiting else "nothing waits"
    if report.problems:
        return Text.assemble(("WARNING  ", "bold yellow"), state)
    return Text.assemble(("OK  ", "bold green"), state)


def _waiting(documents: int) -> str:
    return "1 document waits" if documents == 1 else f"{documents} documents wait"


def _living(report: CheckReport) -> str:
    if not all(found.workers.known for found in report.environments):
        return "who reads is not known (REDIS_URL is not set)"
    workers = sum(found.workers.total for found in report.environments)
    return "1 worker lives" if workers == 1 else f"{workers} workers live"


def _show_environment(out: Console, found: EnvironmentReport) -> None:
    state = "enabled" if found.enabled else "disabled"
    oldest = found.oldest_waiting_seconds
    # A title of the table would be folded at the table's width.
    title = (
        f"{found.name} ({state}) — {found.documents_per_minute:.1f} documents/min, "
        f"{_outlook(found)}" + (f", oldest waits {duration(oldest)}" if oldest else "")
    )
    out.print(cell(title, style="italic"))
    counts = table(
        "",
        "source", "eligible>", "blocked>", "in progress>", "done>", "failed>", "workers>",
    )  # fmt: skip
    for source in Source:
        numbers = found.counts[str(source)]
        counts.add_row(
            cell(source),
            cell(numbers.eligible, style="bold" if numbers.eligible else ""),
            cell(numbers.blocked, style="yellow" if numbers.blocked else ""),
            cell(numbers.in_progress),
            cell(numbers.done),
            cell(numbers.failed, style="red" if numbers.failed else ""),
            cell(found.workers.by_mode.get(source, 0) if found.workers.known else "?"),
        )
    out.print(counts)
    if found.blocked:
        _show_blocked(out, found)
    if found.stale:
        _show_stale(out, found)
    if found.error_causes:
        _show_causes(out, found)


def _outlook(found: EnvironmentReport) -> str:
    if not found.eligible:
        return "nothing waits"
    if not found.workers.known:
        return "read in: not known"
    if found.eta_seconds is None:
        return "read in: never"
    return f"read in {duration(found.eta_seconds)}"


def _show_blocked(out: Console, found: EnvironmentReport) -> None:
    blocked = table("Blocked (examples)", "of>", "reason", "source", "number", "id*")
    for item in found.blocked:
        blocked.add_row(
            cell(found.blocked_counts.get(item.reason)),
            cell(item.reason),
            cell(item.source),
            cell(item.document_number, limit=30),
            cell(item.id),
        )
    out.print(blocked)


def _show_stale(out: Console, found: EnvironmentReport) -> None:
    shown = len(found.stale)
    more = f" ({shown} of {found.stale_count})" if shown < found.stale_count else ""
    stale = table(f"At status 6 without a living lease{more}", "number", "worker", "for", "id*")
    for lost in found.stale:
        stale.add_row(
            cell(lost.document_number, limit=24),
            cell(lost.worker_id, limit=30),
            cell(duration(lost.stale_seconds)),
            cell(lost.id),
        )
    out.print(stale)


def _show_causes(out: Console, found: EnvironmentReport) -> None:
    causes = table("Failures of the last 24 hours", "tries>", "final>", "latest error*", "id")
    for cause in found.error_causes:
        causes.add_row(
            cell(cause.number),
            cell(cause.final, style="red" if cause.final else ""),
            cell(cause.error, limit=200),
            cell(cause.example_id),
        )
    out.print(causes)


def _problem(problem: Problem) -> Text:
    style = "red" if problem.severity is Severity.ERROR else "yellow"
    return Text.assemble(
        (f"  {problem.code}: ", style),
        cell(problem.message),
        ("\n    fix: ", "bold"),
        cell(problem.fix),
    )


def _environment_document(found: EnvironmentReport) -> dict[str, object]:
    return {
        "name": found.name,
        "enabled": found.enabled,
        "reachable": found.reachable,
        "schema_current": found.schema_current,
        "counts": {source: asdict(counts) for source, counts in found.counts.items()},
        "blocked": [asdict(document) for document in found.blocked],
        "blocked_counts": dict(found.blocked_counts),
        "oldest_waiting_seconds": found.oldest_waiting_seconds,
        "stale": [asdict(document) for document in found.stale],
        "stale_count": found.stale_count,
        "workers": {str(source): found.workers.by_mode.get(source, 0) for source in Source},
        "workers_known": found.workers.known,
        "throughput": {
            "documents_per_minute": found.documents_per_minute,
            "eta_seconds": found.eta_seconds,
        },
        "error_causes": [asdict(cause) for cause in found.error_causes],
        "recent_errors": [
            {**asdict(error), "at": moment(error.at)} for error in found.recent_errors
        ],
    }
