"""Showing deploys: the plan, the steps while they are taken, the end, the state of a target."""

import sys
import time
from collections.abc import Mapping, Sequence

from rich.text import Text

from registre_cli.core.errors import RegistreError
from registre_cli.core.text import printable
from registre_cli.deploy.history import Ending, Record
from registre_cli.deploy.lock import LockRecord
from registre_cli.deploy.plan import Plan, Step
from registre_cli.deploy.status import TargetStatus
from registre_cli.deploy.watcher import Failure, Outcome
from registre_cli.ui.console import (
    cell,
    duration,
    message_console,
    moment,
    output_console,
    print_json,
    show_error,
    table,
)

_NAME_COLUMNS = 13
# The same sentence again is said at most this often.
_REPEAT_SECONDS = 5.0

ENDING_STYLE = {
    Ending.HEALTHY: "bold green",
    Ending.ROLLED_BACK: "bold yellow",
    Ending.BROKEN: "bold red",
}


class Progress:
    """Watches a deploy: a line on stderr for each step and for what goes on within."""

    def __init__(self, *, several: bool = False) -> None:
        self._several = several
        self._said: dict[str, tuple[str, float]] = {}

    def begins(self, target: str, step: Step, number: int, of: int) -> None:
        """Say that a step begins."""
        self._print(target, Text(f"{number:>2}/{of}  {step.name:<{_NAME_COLUMNS}} ", "bold"), "…")

    def ends(self, target: str, step: Step, seconds: float) -> None:
        """Say that a step is done."""
        self._print(
            target,
            Text(f"{'':>5}  {step.name:<{_NAME_COLUMNS}} ", "green"),
            f"done, {seconds:.1f} s",
        )

    def says(self, target: str, sentence: str) -> None:
        """Say what goes on; the same thing again only now and then."""
        before, at = self._said.get(target, ("", 0.0))
        now = time.monotonic()
        if sentence == before and now - at < _REPEAT_SECONDS:
            return
        self._said[target] = (sentence, now)
        self._print(target, Text(f"{'':>5}  {'':<{_NAME_COLUMNS}} ", "dim"), sentence)

    def _print(self, target: str, head: Text, rest: str) -> None:
        start = Text(f"{printable(target)}: ") if self._several else Text()
        line = start.append_text(head).append(printable(rest))
        message_console().print(line, soft_wrap=True)


def show_plan(plan: Plan) -> None:
    """Print every step with what it finds and what it leaves."""
    console = message_console()
    console.print(Text(f"Plan for {printable(plan.target)}: {printable(plan.release)}", "bold"))
    for number, step in enumerate(plan.steps, start=1):
        console.print(
            Text.assemble(
                f"{number:>2}  ",
                (f"{step.name:<{_NAME_COLUMNS}}", "bold"),
                f" {printable(step.before)}\n{'':>{_NAME_COLUMNS + 5}}→ {printable(step.after)}",
            ),
            soft_wrap=True,
        )
    for warning in plan.warnings:
        console.print(Text(f"warning: {printable(warning)}", "yellow"), soft_wrap=True)


def confirmed() -> bool:
    """Ask once, on a terminal."""
    message_console().print("Go on? [y/N] ", end="")
    return sys.stdin.readline().strip().lower() in {"y", "yes", "o", "oui"}


def show_outcome(target: str, outcome: Outcome) -> None:
    """Say how it ended: where it failed, the first error comes first."""
    if outcome.failure is not None:
        _show_failure(outcome.failure)
    console = message_console()
    console.print(Text(f"{printable(target)}: ").append_text(_verdict(outcome)), soft_wrap=True)
    if outcome.undo_error is not None:
        console.print(Text("The roll-back did not succeed:", "bold red"))
        show_error(outcome.undo_error)
        console.print(
            Text("  next: registre deploy rollback, which goes on where this one stopped"),
            soft_wrap=True,
        )


def _show_failure(failure: Failure) -> None:
    show_error(failure.error)
    console = message_console()
    if failure.log:
        console.print(Text("The last lines of its log:", "bold"))
        for line in failure.log:
            console.print(Text(f"  {printable(line)}"), soft_wrap=True)
    if failure.problems is not None:
        nothing = "" if failure.problems else " nothing is wrong with the queue"
        console.print(Text.assemble(("What registre queue check says there:", "bold"), nothing))
        for problem in failure.problems:
            said = f"  {problem.code}: {problem.message}\n    fix: {problem.fix}"
            console.print(
                Text("\n".join(printable(line) for line in said.split("\n"))), soft_wrap=True
            )


def _verdict(outcome: Outcome) -> Text:
    match outcome.ending:
        case Ending.HEALTHY:
            gap = outcome.gap_seconds
            paused = f", {gap:.1f} s without a proven pool" if gap is not None else ""
            said = f"healthy, {printable(outcome.plan.release)}, in {duration(outcome.seconds)}"
            return Text(said + paused, "bold green")
        case Ending.ROLLED_BACK:
            return Text("rolled back: what ran before runs again", "bold yellow")
        case Ending.BROKEN:
            return Text("broken: look at registre deploy status", "bold red")
        case None:
            step = outcome.failure.step if outcome.failure else "?"
            return Text(f"stopped at {step}; nothing was rolled back", "bold yellow")


def outcome_document(target: str, outcome: Outcome) -> dict[str, object]:
    """Return the end of one deploy for scripts."""
    failure = outcome.failure
    return {
        "target": target,
        "ok": outcome.ok,
        "release": outcome.plan.release,
        "ending": outcome.ending,
        "seconds": outcome.seconds,
        "gap_seconds": outcome.gap_seconds,
        "steps": [
            {"name": name, "seconds": seconds} for name, seconds in outcome.step_seconds.items()
        ],
        "failed_step": failure.step if failure else None,
        "error": _error(failure.error if failure else None),
        "log": list(failure.log) if failure else [],
        "problems": [problem.model_dump() for problem in (failure and failure.problems) or ()],
        "rollback_error": _error(outcome.undo_error),
    }


def plan_document(plan: Plan) -> dict[str, object]:
    """Return a plan for scripts."""
    return {
        "target": plan.target,
        "release": plan.release,
        "steps": [
            {"name": step.name, "from": step.before, "to": step.after} for step in plan.steps
        ],
        "warnings": list(plan.warnings),
    }


def show_history(histories: Mapping[str, Sequence[Record]], *, as_json: bool) -> None:
    """Show every deploy that ended, the newest last."""
    if as_json:
        print_json(
            {
                "targets": [
                    {"target": target, "deploys": [r.model_dump(mode="json") for r in records]}
                    for target, records in histories.items()
                ]
            }
        )
        return
    for target, records in histories.items():
        shown = table(f"Deploys to {target}", "at", "what", "release", "ending", "took>", "why*")
        for record in records:
            shown.add_row(
                cell(moment(record.at)),
                cell(record.kind),
                cell(record.release),
                cell(record.ending, style=ENDING_STYLE[record.ending]),
                cell(duration(record.seconds)),
                cell(f"{record.step}: {record.error}" if record.error else ""),
            )
        output_console().print(shown if records else cell(f"{target}: no deploy has ended yet"))


def show_statuses(statuses: Sequence[TargetStatus], *, as_json: bool) -> None:
    """Show the state of each target, the verdict first."""
    if as_json:
        print_json({"targets": [_status_document(status) for status in statuses]})
        return
    for status in statuses:
        _show_status(status)


def show_unlocked(target: str, held: LockRecord | None) -> None:
    """Say whose lock was removed."""
    said = f"removed the lock of {held.describe()}" if held else "there was no lock"
    output_console().print(cell(f"{target}: {said}"), soft_wrap=True)


def _show_status(status: TargetStatus) -> None:
    out = output_console()
    verdict = ("HEALTHY", "bold green") if status.ok else ("LOOK HERE", "bold red")
    out.print(Text.assemble(f"{printable(status.target)}: ", verdict))
    rows = [("release", status.current or "none"), ("home", status.home)]
    if status.interrupted is not None:
        rows.append(("interrupted", status.interrupted.describe()))
        rows.append(("", "registre deploy rollback brings back what was before"))
    if status.lock is not None:
        broken = "broken, the next deploy takes it over: " if status.lock_is_broken else ""
        rows.append(("lock", broken + status.lock.describe()))
    for pool in status.pools:
        workers = f"{len(pool.workers)} of {pool.size} workers"
        rows.append(("pool", f"{pool.pool_id}, {workers}, {pool.documents_claimed} claimed"))
    if not status.pools:
        rows.append(("pool", "none of this release tells Redis that it lives"))
    for manager, processes in status.processes.items():
        for process in processes:
            restarts = f", {process.restarts} restarts" if process.restarts else ""
            pid = f" (pid {process.pid})" if process.pid else ""
            rows.append((str(manager), f"{process.name} {process.state}{pid}{restarts}"))
    rows += [("orphan", f"{orphan.name} (pid {orphan.pid})") for orphan in status.orphans]
    if status.last is not None:
        last = status.last
        rows.append(("last", f"{last.kind} of {last.release} {moment(last.at)}: {last.ending}"))
    for name, value in rows:
        out.print(Text.assemble(f"  {name:<12}", printable(value)), soft_wrap=True)


def _status_document(status: TargetStatus) -> dict[str, object]:
    return {
        "target": status.target,
        "ok": status.ok,
        "home": status.home,
        "release": status.current,
        "lock": status.lock.model_dump(mode="json") if status.lock else None,
        "lock_is_broken": status.lock_is_broken,
        "interrupted": status.interrupted.model_dump(mode="json") if status.interrupted else None,
        "processes": [
            {
                "manager": manager,
                "name": process.name,
                "pid": process.pid,
                "state": process.state,
                "restarts": process.restarts,
            }
            for manager, processes in status.processes.items()
            for process in processes
        ],
        "orphans": [{"pid": orphan.pid, "name": orphan.name} for orphan in status.orphans],
        "pools": [pool.model_dump(mode="json") for pool in status.pools],
        "last": status.last.model_dump(mode="json") if status.last else None,
    }


def _error(error: RegistreError | None) -> dict[str, str | None] | None:
    return {"message": error.message, "fix": error.fix} if error else None
