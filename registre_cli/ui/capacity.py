"""Showing what fits."""

from rich.text import Text

from registre_cli.capacity.plan import GIGABYTE, CapacityPlan, Share
from registre_cli.ui.console import cell, output_console, table


def capacity_document(found: CapacityPlan) -> dict[str, object]:
    """Return the plan in the shape of the contract."""
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
            }
            for count in found.classes
        ],
        "recommended_pool_size": found.recommended_pool_size,
        "fits": found.fits,
        "reasons": list(found.reasons),
    }


def show_capacity(found: CapacityPlan) -> None:
    """Show the verdict first, then the sums."""
    out = output_console()
    size = sum(c.workers for c in found.classes if c.worker_class.name != "registre")
    if found.fits:
        verdict = Text.assemble(("FITS  ", "bold green"), f"a pool of {size}")
    else:
        verdict = Text.assemble(
            ("DOES NOT FIT  ", "bold red"), f"a pool of {size}: {'; '.join(found.reasons)}"
        )
    out.print(verdict.append(f"; the largest that fits has {found.recommended_pool_size}"))
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
    classes = table("Workers", "class", "workers>", "vCPU each>", "GB each>")
    for count in found.classes:
        classes.add_row(
            cell(count.worker_class.name),
            cell(count.workers),
            cell(f"{count.worker_class.cpu_each:g}"),
            cell(f"{count.worker_class.ram_each_bytes / GIGABYTE:g}"),
        )
    out.print(classes)


def _numbers(share: Share) -> dict[str, float]:
    return {
        "total": round(share.total, 3),
        "reserved": round(share.reserved, 3),
        "allocated": round(share.allocated, 3),
        "measured": round(share.measured, 3),
        "available": round(share.available, 3),
    }
