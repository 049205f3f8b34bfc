"""Showing the correction rules, and what they did."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from registre_cli.ocr.boost.record import Boosted
from registre_cli.ocr.boost.rules_check import RulesReport
from registre_cli.ui.console import cell, output_console, print_json, table
from registre_cli.ui.fields import FieldsRecord, place_cell, show_fields

_LONGEST_CELL_CHARACTERS = 400


def show_report(
    report: RulesReport, folder: Path | None, *, list_rules: bool, as_json: bool
) -> None:
    """Show what is wrong with which rule, and the verdict; every rule where that is asked for."""
    if as_json:
        print_json(_report_document(report, folder))
        return
    out = output_console()
    if list_rules:
        shown = table("Rules", "rule", "for", "why*")
        for rule in report.rules:
            shown.add_row(
                cell(f"{rule.name} *" if rule.is_foreign else rule.name, limit=32),
                cell(", ".join(sorted(rule.sources))),
                cell(rule.why, limit=_LONGEST_CELL_CHARACTERS),
            )
        out.print(shown)
    if report.problems:
        shown = table("Wrong", "file", "rule", "what*")
        for problem in report.problems:
            shown.add_row(
                cell(problem.file, limit=24),
                cell(problem.rule, limit=24),
                cell(problem.message, limit=_LONGEST_CELL_CHARACTERS, style="red"),
            )
        out.print(shown)
    out.print(cell(_verdict(report, folder)))


def show_explanation(boosted: Boosted, why: Mapping[str, str], *, as_json: bool) -> None:
    """Show each correction with its place, why the rules did it, what they found and doubt."""
    if as_json:
        print_json(_explanation_document(boosted, why))
        return
    out = output_console()
    if boosted.corrections:
        shown = table(
            f"Corrections ({len(boosted.corrections):,})", "place>", "rule", "before*", "after*"
        )
        for one in boosted.corrections:
            before, after = _differing(one.before, one.after)
            shown.add_row(
                place_cell({"page": one.page, "line": one.line}),
                cell(one.rule, limit=24),
                cell(before, limit=_LONGEST_CELL_CHARACTERS, style="red"),
                cell(after, limit=_LONGEST_CELL_CHARACTERS, style="green"),
            )
        out.print(shown)
    else:
        out.print("nothing is corrected")
    show_fields(FieldsRecord.of(boosted.fields_document()))
    counts = Counter(_named(boosted))
    if counts:
        shown = table("Why", "rule", "times>", "why*")
        for rule, times in sorted(counts.items()):
            shown.add_row(
                cell(rule, limit=24), cell(f"{times:,}"),
                cell(why.get(rule), limit=_LONGEST_CELL_CHARACTERS),
            )  # fmt: skip
        out.print(shown)


def _differing(before: str, after: str) -> tuple[str, str]:
    """Where only blanks differ, make them visible."""
    if before.split() != after.split():
        return before, after
    return _with_visible_blanks(before), _with_visible_blanks(after)


def _with_visible_blanks(text: str) -> str:
    return text.replace("\xa0", "⍽").replace(" ", "·")


def _verdict(report: RulesReport, folder: Path | None) -> str:
    parts = [f"{len(report.rules)} rules, {report.examples} examples"]
    if folder is not None:
        parts.append(f"{len(report.own)} of your own in {folder}")
    if report.replaced:
        parts.append(f"replaced: {', '.join(report.replaced)}")
    if report.off:
        parts.append(f"turned off: {', '.join(report.off)}")
    wrong = len(report.problems)
    parts.append(f"{wrong} wrong" if wrong else "all hold")
    return "; ".join(parts)


def _report_document(report: RulesReport, folder: Path | None) -> dict[str, object]:
    return {
        "ok": report.ok,
        "folder": folder and str(folder),
        "rules": [
            {
                "name": rule.name,
                "file": rule.file,
                "own": rule.is_foreign,
                "sources": sorted(rule.sources),
                "why": rule.why,
                "examples": len(rule.examples),
            }
            for rule in report.rules
        ],
        "replaced": report.replaced,
        "off": report.off,
        "problems": [asdict(problem) for problem in report.problems],
    }


def _explanation_document(boosted: Boosted, why: Mapping[str, str]) -> dict[str, object]:
    return {
        "text": boosted.text,
        "corrections": [{**asdict(one), "why": why.get(one.rule)} for one in boosted.corrections],
        **boosted.fields_document(),
        "reasons": {name: why[name] for name in sorted({*_named(boosted)}) if name in why},
    }


def _named(boosted: Boosted) -> Iterable[str]:
    """Yield the rule of each correction, field and flag."""
    yield from (one.rule for one in boosted.corrections)
    yield from (one.rule for one in boosted.fields)
    yield from (one.rule for one in boosted.flags)
