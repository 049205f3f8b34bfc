"""Showing what the checks found: for people, for scripts, for CI."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Literal
from xml.etree import ElementTree as ET

from rich.text import Text

from registre_cli.core.text import printable
from registre_cli.preflight.check import CheckResult, CheckStatus
from registre_cli.ui.console import cell, output_console, print_json

Format = Literal["text", "json", "github", "junit"]

_MARKS = {
    CheckStatus.PASS: ("pass", "green"),
    CheckStatus.WARN: ("warn", "bold yellow"),
    CheckStatus.FAIL: ("FAIL", "bold red"),
    CheckStatus.SKIP: ("skip", "dim"),
}


def show_results(results: Sequence[CheckResult], form: Format, *, verbose: bool = False) -> None:
    """Show the results in one of the forms; `verbose` has a line for each check that passed."""
    match form:
        case "text":
            _show_text(results, verbose=verbose)
        case "json":
            ok = not any(result.status is CheckStatus.FAIL for result in results)
            print_json({"ok": ok, "checks": [asdict(result) for result in results]})
        case "github":
            _show_annotations(results)
        case "junit":
            _show_junit(results)


def _show_text(results: Sequence[CheckResult], *, verbose: bool) -> None:
    """Show one line for each group that is well, and every other check with its way out."""
    out = output_console()
    width = max(len(result.name) for result in results)
    for group, members in groupby(results, lambda result: result.name.partition("/")[0]):
        checks = list(members)
        well = [check for check in checks if check.status is CheckStatus.PASS]
        if not verbose and len(well) > 1:
            names = ", ".join(check.name.partition("/")[2] for check in well)
            out.print(_line(CheckStatus.PASS, group, names, width), soft_wrap=True)
            checks = [check for check in checks if check.status is not CheckStatus.PASS]
        for check in checks:
            line = _line(check.status, check.name, check.message, width)
            if check.fix:
                line.append(f"\n      {'':<{width}}").append("fix: ", "bold").append_text(
                    cell(check.fix)
                )
            out.print(line, soft_wrap=True)
    counts = Counter(result.status for result in results)
    said = ", ".join(f"{counts[s]} {_MARKS[s][0]}" for s in CheckStatus if counts[s])
    slowest = max(results, key=lambda result: result.seconds)
    out.print(
        _verdict(counts).append(f": {said}; slowest {slowest.name} {slowest.seconds:.1f} s", "none")
    )


def _line(status: CheckStatus, name: str, message: str, width: int) -> Text:
    word, style = _MARKS[status]
    return Text.assemble((word, style), f"  {name:<{width}}  ", cell(message))


def _verdict(counts: Counter[CheckStatus]) -> Text:
    if counts[CheckStatus.FAIL]:
        return Text("NOT READY", "bold red")
    if counts[CheckStatus.WARN]:
        return Text("READY, with warnings", "bold yellow")
    return Text("READY", "bold green")


def _show_annotations(results: Sequence[CheckResult]) -> None:
    for result in results:
        if result.status is CheckStatus.PASS:
            continue
        kind = {CheckStatus.FAIL: "error", CheckStatus.WARN: "warning"}.get(result.status, "notice")
        text = printable(f"{result.message}. {result.fix}").replace("%", "%25")
        sys.stdout.write(f"::{kind} title={result.name}::{text}\n")


def _show_junit(results: Sequence[CheckResult]) -> None:
    counts = Counter(result.status for result in results)
    suite = ET.Element(
        "testsuite",
        name="registre verify-setup",
        tests=str(len(results)),
        failures=str(counts[CheckStatus.FAIL]),
        skipped=str(counts[CheckStatus.SKIP]),
        time=f"{max(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ET.SubElement(suite, "testcase", name=result.name, time=f"{result.seconds:.3f}")
        said = printable(f"{result.message}. {result.fix}".strip())
        if result.status is CheckStatus.FAIL:
            ET.SubElement(case, "failure", message=said)
        elif result.status is CheckStatus.SKIP:
            ET.SubElement(case, "skipped", message=said)
        elif result.status is CheckStatus.WARN:
            ET.SubElement(case, "system-out").text = f"warning: {said}"
    sys.stdout.write(ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n")
