"""What is wrong with an environment, in words to act on: each problem with its fix."""

from collections.abc import Callable, Iterator, Mapping

from registre_cli.core.documents import Source
from registre_cli.queue.counts import FLOW_WINDOW_SECONDS
from registre_cli.queue.health import is_growing, usual_seconds
from registre_cli.queue.models import BlockReason, SourceCounts
from registre_cli.queue.report import EnvironmentReport, PoolElsewhere, Problem, Severity

# Nothing was claimed for so many times the usual seconds of a document: the pool is stalled.
STALLED_TIMES = 10
STALLED_LEAST_SECONDS = 120.0
# So many tries that failed for one cause are worth a word before any of them is final.
_TELLING_FAILURES = 3
_CAUSE_CHARACTERS = 120

# code, message, fix → problem
MakeProblem = Callable[[str, str, str], Problem]

# What a person has to do; `{retry}` is the command that reads an example again. Whatever backs
# off is tried again by itself and other sources are not ours to read: those are no problem.
_BLOCKED_FIXES: Mapping[BlockReason, str] = {
    BlockReason.NO_PATH: "let the extractor store the PDF and its supabase_path",
    BlockReason.ALREADY_HAS_TEXT: "{retry} reads it again and replaces its text",
    BlockReason.MAX_ATTEMPTS: "once the cause is mended: {retry}",
}


def diagnose(report: EnvironmentReport) -> Iterator[Problem]:
    """Say what is wrong, the worst first."""
    name = report.name
    error, _ = _problems_of(name)
    if report.unreachable_because is not None:
        cause = report.unreachable_because
        yield error(
            "unreachable",
            f"the database of {name}: {cause.message}",
            _named(cause.fix or "check *_DATABASE_URL", name),
        )
        return
    if not report.schema_current:
        yield error(
            "schema_outdated",
            f"the database of {name} lacks changes that the pool needs",
            f"registre db migrate --env {name}",
        )
        return
    if report.eligible:
        yield from _diagnose_waiting(report)
    if report.storage_away is not None:
        away = report.storage_away
        yield error(
            "unreachable",
            f"the storage of {name}: {away.message.removeprefix('storage: ')}",
            away.fix or f"registre verify-setup --only {name}/storage",
        )
    yield from _diagnose_documents(report)


def _problems_of(environment: str) -> tuple[MakeProblem, MakeProblem]:
    """Return what makes an error and what makes a warning of one environment."""

    def make(severity: Severity) -> MakeProblem:
        return lambda code, message, fix: Problem(code, severity, environment, message, fix)

    return make(Severity.ERROR), make(Severity.WARNING)


def _diagnose_waiting(report: EnvironmentReport) -> Iterator[Problem]:
    """Say why eligible documents are not read, or not fast enough."""
    name, workers = report.name, report.workers
    error, warning = _problems_of(name)
    if not report.enabled:
        yield error(
            "environment_disabled",
            f"{_documents(report.eligible)} and {name} is disabled",
            f"set OCR_{name.upper()}=true and restart the pool",
        )
    elif not workers.total:
        if workers.known or _quiet_seconds(report) > _patience_seconds(report):
            yield _nobody(report)
    else:
        yield from _diagnose_pool(report)
    if is_growing(report):
        minutes = FLOW_WINDOW_SECONDS / 60
        yield warning(
            "backlog_growing",
            f"the backlog of {name} grows: in {minutes:.0f} minutes {report.flow.came} documents "
            f"came and {report.flow.left} were read; at this rate it is never read",
            "registre capacity, then registre pool scale N, or a pool on another host",
        )


def _nobody(report: EnvironmentReport) -> Problem:
    name, workers = report.name, report.workers
    said = f"{_documents(report.eligible)} and no worker serves {name}"
    fix = f"registre pool run --env {name}"
    if not workers.known:
        said += " as far as is known (REDIS_URL is not set)"
    elif workers.elsewhere:
        shown = ", ".join(_elsewhere(pool) for pool in workers.elsewhere[:3])
        said += f": the living pool {shown}"
        fix = (
            f"set OCR_{name.upper()}=true for the pool on {workers.elsewhere[0].host} and restart "
            f"it, or {fix}"
        )
    return Problem("no_workers", Severity.ERROR, name, said, fix)


def _elsewhere(pool: PoolElsewhere) -> str:
    return f"on {pool.host} serves {' and '.join(pool.environments) or 'nothing'} only"


def _diagnose_pool(report: EnvironmentReport) -> Iterator[Problem]:
    name, workers = report.name, report.workers
    error, warning = _problems_of(name)
    for source in Source:
        waiting = report.counts.get(str(source), SourceCounts()).eligible
        if waiting and not workers.serving.get(source):
            yield error(
                "mode_unserved",
                f"{waiting} {source} documents wait and no worker reads {source} in {name}",
                f"registre pool run --env {name} --min-{source} 1, or a pool without --no-borrow",
            )
    if workers.paused == workers.total:
        yield warning(
            "stalled",
            f"{_documents(report.eligible)} and every worker of {name} is paused",
            "registre pool resume",
        )
    elif workers.limited == workers.total:
        yield warning(
            "limiter_exhausted",
            f"all {workers.total} workers of {name} wait for the budget of an engine",
            "registre pool status shows the budgets: raise OCR_RPM or OCR_TPM, or wait",
        )
    elif _quiet_seconds(report) > _patience_seconds(report):
        yield _stalled(report)


def _stalled(report: EnvironmentReport) -> Problem:
    name, workers = report.name, report.workers
    quiet = f"{_quiet_seconds(report) / 60:.0f} minutes"
    usual = f"a document usually takes {max(usual_seconds(report.mean_seconds).values()):.0f} s"
    if not workers.idle:
        return Problem(
            "stalled",
            Severity.WARNING,
            name,
            f"{_documents(report.eligible)}: all {workers.total} workers of {name} have been at "
            f"the same documents for {quiet} ({usual})",
            "registre pool status shows page and document; OCR_PAGE_TIMEOUT ends a page that hangs",
        )
    return Problem(
        "stalled",
        Severity.ERROR,
        name,
        f"{_documents(report.eligible)}, {workers.total} workers live ({workers.idle} idle), and "
        f"none has claimed anything for {quiet} ({usual})",
        f"on the pool's host: registre verify-setup --only {name}/, see that "
        f"{name.upper()}_DATABASE_URL is this database, then restart the pool",
    )


def _quiet_seconds(report: EnvironmentReport) -> float:
    """Return for how long documents could have been claimed and none was."""
    since = [report.ready_for_seconds or 0.0]
    if report.last_activity_seconds is not None:
        since.append(report.last_activity_seconds)
    if report.workers.total:
        since.append(report.workers.oldest_seconds)
    return min(since)


def _patience_seconds(report: EnvironmentReport) -> float:
    usual = max(usual_seconds(report.mean_seconds).values())
    return max(usual * STALLED_TIMES, STALLED_LEAST_SECONDS)


def _diagnose_documents(report: EnvironmentReport) -> Iterator[Problem]:
    """Say what is wrong with single documents."""
    name = report.name
    error, warning = _problems_of(name)
    if report.stale_count:
        are = "document is" if report.stale_count == 1 else "documents are"
        yield error(
            "stale_leases",
            f"{report.stale_count} {are} at status 6 and nobody reads them",
            f"registre queue release --stale --env {name} (a running pool does it by itself)",
        )
    causes = [c for c in report.error_causes if c.final or c.number >= _TELLING_FAILURES]
    if causes:
        shown = "; ".join(f"{c.number} × {c.error[:_CAUSE_CHARACTERS]}" for c in causes[:3])
        more = f"; and {len(causes) - 3} more causes" if len(causes) > 3 else ""
        yield warning(
            "failing_documents",
            f"{sum(cause.number for cause in causes)} documents of {name} failed within a day: "
            f"{shown}{more}",
            f"registre queue show {causes[0].example_id}; when the cause is mended: "
            f"registre queue retry --failed --env {name}",
        )
    stuck = {reason: n for reason, n in report.blocked_counts.items() if reason in _BLOCKED_FIXES}
    if stuck:
        number = sum(stuck.values())
        are = "waiting document is" if number == 1 else "waiting documents are"
        yield warning(
            "blocked_documents",
            f"{number} {are} blocked: {', '.join(f'{n} {reason}' for reason, n in stuck.items())}",
            "; ".join(f"{reason}: {_blocked_fix(report, reason)}" for reason in stuck),
        )


def _blocked_fix(report: EnvironmentReport, reason: BlockReason) -> str:
    example = next((found.id for found in report.blocked if found.reason is reason), "ID")
    retry = f"registre queue retry {example} --env {report.name}"
    return _BLOCKED_FIXES[reason].format(retry=retry)


def _named(fix: str, environment: str) -> str:
    """Name the environment's own variable where a fix speaks of any; `local` has none."""
    if environment == "local":
        return fix
    return fix.replace("*_DATABASE_URL", f"{environment.upper()}_DATABASE_URL")


def _documents(number: int) -> str:
    return "1 document waits" if number == 1 else f"{number} documents wait"
