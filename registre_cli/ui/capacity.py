"""Showing what fits."""

from collections import Counter

from rich.console import Console
from rich.text import Text

from registre_cli.capacity.classes import GIGABYTE, WorkerClass
from registre_cli.capacity.plan import CapacityPlan, Share
from registre_cli.pool.planning import CapacityReport
from registre_cli.ui.console import cell, duration, output_console, table


def capacity_document(report: CapacityReport) -> dict[str, object]:
    """Return the plan in the shape of the contract."""
    found = report.plan
    return {
        "host": found.host,
        "cpu": _numbers(found.cpu),
        "ram": {f"{name}_bytes": round(value) for name, value in _numbers(found.ram).items()},
        "classes": [
            {
                "class": count.worker_class.name,
                "workers": count.workers,
                "cpu_each": count.worker_class.cpu_each,
                "ram_each_bytes": count.worker_class.ram_each_bytes,
                "measured_documents": count.worker_class.documents,
            }
            for count in found.counts
        ],
        "recommended_pool_size": found.recommended_pool_size,
        "fits": found.fits,
        "reasons": list(found.reasons),
        "binding": found.binding,
        "living_workers": Counter(place.pool_id for place in report.living),
        "drain": [
            {"workers": line.workers, "drain_seconds": line.seconds, "fits": line.fits}
            for line in report.drain
        ],
        "notes": list(report.notes),
    }


def show_capacity(report: CapacityReport) -> None:
    """Show the verdict first, then the sums."""
    out = output_console()
    out.print(_verdict(report))
    _show_sums(out, report.plan)
    _show_classes(out, report.plan)
    _show_drain(out, report)
    for note in report.notes:
        out.print(Text.assemble(("! ", "bold yellow"), cell(note)))


def _verdict(report: CapacityReport) -> Text:
    found = report.plan
    if report.planned:
        what = f"a pool of {found.pool_size}"
        if report.living:
            what += f" in the place of the {len(report.living)} workers that live here"
    else:
        pools = len({place.pool_id for place in report.living})
        what = f"{found.pool_size} workers of {pools} pool{'s' * (pools > 1)} that live here"
    reasons = "; ".join(found.reasons)
    if found.fits:
        said = Text.assemble(("FITS  ", "bold green"), f"{what} ({found.binding})")
    elif found.binds:
        said = Text.assemble(("DOES NOT FIT  ", "bold red"), f"{what} ({reasons})")
    elif found.is_crowded:
        said = Text.assemble(
            ("DOES NOT FIT  ", "bold yellow"), f"{what} ({reasons}, measured: a warning)"
        )
    else:
        said = Text.assemble(("TIGHT  ", "bold yellow"), f"{what} ({reasons}, one for each core)")
    return said.append(f"; at most {found.recommended_pool_size} fit")


def _show_sums(out: Console, found: CapacityPlan) -> None:
    shown = table(
        f"Host {found.host}", "", "total>", "reserved>", "allocated>", "left>", "in use now>"
    )
    for label, share, unit in (("CPU (vCPU)", found.cpu, 1.0), ("RAM (GB)", found.ram, GIGABYTE)):
        shown.add_row(
            cell(label),
            *(
                cell(f"{value / unit:.2f}")
                for value in (
                    share.total, share.reserved, share.allocated, share.available, share.measured
                )
            ),
        )  # fmt: skip
    out.print(shown)


def _show_classes(out: Console, found: CapacityPlan) -> None:
    shown = table("Workers", "class", "workers>", "vCPU each>", "GB each>", "known from")
    for count in found.counts:
        shown.add_row(
            cell(count.worker_class.name),
            cell(count.workers),
            cell(f"{count.worker_class.cpu_each:g}"),
            cell(f"{count.worker_class.ram_each_bytes / GIGABYTE:.3g}"),
            cell(_known_from(count.worker_class)),
        )
    out.print(shown)


def _known_from(worker_class: WorkerClass) -> str:
    if worker_class.documents:
        return f"the last {worker_class.documents} documents read here"
    return "estimate"


def _show_drain(out: Console, report: CapacityReport) -> None:
    """Show how long what waits now would take, where something waits."""
    if not report.drain:
        return
    waits = ", ".join(
        f"{its.documents} {source} of {its.seconds_each:.3g} s"
        for source, its in report.waiting.items()
        if its.documents
    )
    shown = table(f"Until the queue is empty ({waits})", "workers>", "takes>", "")
    for line in report.drain:
        shown.add_row(
            cell(line.workers),
            cell(duration(line.seconds)),
            cell("" if line.fits else "does not fit", style="yellow"),
        )
    out.print(shown)


def _numbers(share: Share) -> dict[str, float]:
    return {
        "total": round(share.total, 3),
        "reserved": round(share.reserved, 3),
        "allocated": round(share.allocated, 3),
        "measured": round(share.measured, 3),
        "available": round(share.available, 3),
    }
