"""Showing a deploy to several hosts: what became of each, in one table."""

from collections.abc import Sequence

from rich.text import Text

from registre_cli.core.text import printable
from registre_cli.deploy.hosts import HostResult
from registre_cli.ui.console import cell, duration, message_console, output_console, table
from registre_cli.ui.deploy import ENDING_STYLE, outcome_document, show_outcome


def show_end(result: HostResult) -> None:
    """Say how one host ended, as soon as it did."""
    if result.outcome is not None:
        show_outcome(result.target, result.outcome)


def show_hosts(results: Sequence[HostResult]) -> None:
    """Print one line a host, the canary's first, and what to do where they differ."""
    shown = table("Hosts", "host", "ending", "time>", "gap>", "what*")
    for result in results:
        outcome = result.outcome
        gap = outcome.gap_seconds if outcome else None
        shown.add_row(
            cell(result.target, limit=30),
            _ending(result),
            cell(duration(outcome.seconds) if outcome else None),
            cell(f"{gap:.1f} s" if gap is not None else None),
            cell(_what(result)),
        )
    output_console().print(shown)
    done = [result for result in results if result.ok]
    if done and len(done) < len(results):
        line = (
            f"{len(done)} of {len(results)} hosts run {printable(done[0].plan.release)}, the "
            "others what they ran before.\n  next: deploy again to those, or registre deploy "
            f"rollback{''.join(f' --host {printable(result.target)}' for result in done)}"
        )
        message_console().print(Text(line), soft_wrap=True)


def host_document(result: HostResult) -> dict[str, object]:
    """Return one host for scripts: how it ended, or why nothing was begun there."""
    if result.outcome is not None:
        return outcome_document(result.target, result.outcome)
    return {
        "target": result.target,
        "ok": False,
        "release": result.plan.release,
        "ending": None,
        "not_begun": result.reason,
    }


def _ending(result: HostResult) -> Text:
    if result.outcome is None:
        return Text("not begun", "dim")
    ending = result.outcome.ending
    return Text(ending, ENDING_STYLE[ending]) if ending else Text("stopped", "bold yellow")


def _what(result: HostResult) -> str:
    if result.outcome is None:
        return result.reason
    failure = result.outcome.failure
    return f"{failure.step}: {failure.error.message}" if failure else result.plan.release
