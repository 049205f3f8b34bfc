"""`registre capacity`: what the host has and what pool fits."""

from typing import Annotated

import typer

from registre_cli.commands.options import EnvFile, Json, Size

app = typer.Typer(rich_markup_mode=None)


@app.command()
def capacity(
    size: Size = None,
    cpu: Annotated[
        float | None, typer.Option("--cpu", min=0.1, help="Another host's vCPU.")
    ] = None,
    ram: Annotated[float | None, typer.Option("--ram", min=0.1, help="Another host's GB.")] = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Say what the host has and what pool fits. Exit 1 where the planned one does not."""
    from registre_cli.capacity.plan import GIGABYTE, plan, split
    from registre_cli.core.errors import ExitCode
    from registre_cli.core.settings import load_settings
    from registre_cli.ui.capacity import capacity_document, show_capacity
    from registre_cli.ui.console import print_json

    settings = load_settings(env_file, ocr_worker_pool_size=size)
    ram_bytes = None if ram is None else round(ram * GIGABYTE)
    wanted = settings.ocr_worker_pool_size
    if wanted == "auto":
        empty = plan(settings, index_workers=0, acte_workers=0, cpu=cpu, ram_bytes=ram_bytes)
        wanted = empty.recommended_pool_size
    index, acte = split(wanted)
    found = plan(settings, index_workers=index, acte_workers=acte, cpu=cpu, ram_bytes=ram_bytes)
    if as_json:
        print_json(capacity_document(found))
    else:
        show_capacity(found)
    if not found.fits:
        raise typer.Exit(ExitCode.PROBLEM)
