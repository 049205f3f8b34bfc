"""`registre ocr`: read PDFs without any queue."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from registre_cli.commands.options import EnvFile, Json

app = typer.Typer(rich_markup_mode=None)


@app.command()
def ocr(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="PDFs, or folders of them.")
    ],
    source: Annotated[
        Literal["index", "acte"], typer.Option("--source", help="What the documents are.")
    ] = "acte",
    raw: Annotated[bool, typer.Option("--raw", help="Print the text before the rules.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Write one file each here; those that are there are kept."),
    ] = None,
    form: Annotated[
        Literal["text", "json", "tsv", "hocr", "pdf"] | None,
        typer.Option(
            "--format", help="Default: text. tsv, hocr: words with places; pdf: searchable."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Read again what --output holds already.")
    ] = False,
    pages: Annotated[str | None, typer.Option("--pages", help="Like 1-3,7 or 5-.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Processes; default: one a processor.")
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Like fra or fra+eng.")] = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Read PDFs and print their text. Exit 1 where one failed."""
    from registre_cli.capacity.host import available_cpus
    from registre_cli.core.documents import Source
    from registre_cli.core.errors import ExitCode, RegistreError, WrongUsageError
    from registre_cli.core.log import configure_logging
    from registre_cli.core.settings import load_settings
    from registre_cli.ocr.engines import require_engines
    from registre_cli.ocr.exports import OutputFormat
    from registre_cli.ocr.files import pdfs_among
    from registre_cli.ocr.page_range import EVERY_PAGE, page_range
    from registre_cli.ocr.reading_process import ReadingOrder, read_files
    from registre_cli.pool.gate import open_file_gate
    from registre_cli.ui.ocr import FileWriter, progress_of, show_end, show_stopped

    if as_json and form not in (None, "json"):
        raise WrongUsageError(f"--json and --format {form} are two forms", fix="give one of them")
    wanted = OutputFormat.JSON if as_json else OutputFormat(form or "text")
    settings = load_settings(
        env_file, ocr_lang=lang, ocr_text_layer="ignore" if wanted.needs_every_page_read else None
    )
    configure_logging(settings.log_level, settings.log_format)
    require_engines(settings)
    order = ReadingOrder(
        Source(source),
        settings,
        EVERY_PAGE if pages is None else page_range(pages),
        wanted,
        open_file_gate,
    )
    files = pdfs_among(paths)
    writer = FileWriter(files, output, wanted, raw=raw)
    unread = files if force else writer.unread()
    try:
        with progress_of(len(unread), order.pages) as progress:
            for read in read_files(
                [file.path for file in unread],
                order,
                jobs=jobs or max(int(available_cpus()), 1),
                on_page=progress.page,
            ):
                progress.file_done(read.path)
                writer.take(read)
    except (RegistreError, KeyboardInterrupt):
        if output is not None:
            show_stopped(writer)
        raise
    writer.finish()
    show_end(writer)
    if writer.failures:
        raise typer.Exit(ExitCode.PROBLEM)
