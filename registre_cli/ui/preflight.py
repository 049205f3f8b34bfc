"""Showing what the checks found: for people, for scripts, for CI."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
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


def show_results(results: Sequence[CheckResult], form: Format) -> None:
    """Show the results in one of the forms."""
    match form:
        case "text":
            _show_text(results)
        case "json":
            ok = not any(result.status is CheckStatus.FAIL for result in results)
            print_json({"ok": ok, "checks": [asdict(result) for result in results]})
        case "github":
            _show_annotations(results)
        case "junit":
            _show_junit(results)


def _show_text(results: Sequence[CheckResult]) -> None:
    out = output_console()
    width = max(len(result.name) for result in results)
    for result in results:
        word, style = _MARKS[result.status]
        line = Text.assemble((word, style), f"  {result.name:<{width}}  ", cell(result.message))
        if result.status in {CheckStatus.WARN, CheckStatus.FAIL}:
            line.append(f"\n      {'':<{width}}").append("fix: ", "bold").append(cell(result.fix))
        out.print(line, soft_wrap=True)
    counts = Counter(result.status for result in results)
    said = ", ".join(f"{counts[status]} {_MARKS[status][0]}" for status in CheckStatus)
    slowest = max(results, key=lambda result: result.seconds)
    out.print(Text(f"{said}; slowest {slowest.name} {slowest.seconds:.1f} s"))


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
