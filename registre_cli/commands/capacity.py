"""`registre capacity`: what the host has and what pool fits."""

import math
from typing import Annotated

import typer

from registre_cli.commands.options import EnvFile, Json, Size

app = typer.Typer(rich_markup_mode=None)


def _finite(given: float | None) -> float | None:
    from registre_cli.core.errors import WrongUsageError

    if given is not None and not math.isfinite(given):
        raise WrongUsageError(f"{given:g} is no machine", fix="--cpu 16 --ram 32")
    return given


@app.command()
def capacity(
    size: Size = None,
    cpu: Annotated[
        float | None,
        typer.Option("--cpu", min=0.1, callback=_finite, help="Another host's vCPU."),
    ] = None,
    ram: Annotated[
        float | None, typer.Option("--ram", min=0.1, callback=_finite, help="Another host's GB.")
    ] = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Say what the host has, who lives there and what fits. Exit 1 where the pool does not."""
    from registre_cli.capacity.classes import GIGABYTE
    from registre_cli.core.errors import ExitCode
    from registre_cli.core.log import configure_logging
    from registre_cli.core.settings import load_settings
    from registre_cli.embedded import joined
    from registre_cli.pool.planning import plan_capacity
    from registre_cli.ui.capacity import capacity_document, show_capacity
    from registre_cli.ui.console import print_json

    settings = load_settings(env_file, ocr_worker_pool_size=size)
    configure_logging(settings.log_level, settings.log_format)
    with joined(settings) as served:
        report = plan_capacity(
            served,
            size_given=size is not None,
            cpu=cpu,
            ram_bytes=None if ram is None else round(ram * GIGABYTE),
        )
    if as_json:
        print_json(capacity_document(report))
    else:
        show_capacity(report)
    if report.plan.binds or report.plan.is_crowded:
        raise typer.Exit(ExitCode.PROBLEM)
