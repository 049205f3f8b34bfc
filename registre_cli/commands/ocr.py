"""`registre ocr`: read PDFs without any queue."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from registre_cli.commands.options import EnvFile, Json

app = typer.Typer(rich_markup_mode=None)


@app.command()
def ocr(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="PDFs, or folders of them.")
    ],
    source: Annotated[
        Literal["index", "acte"], typer.Option("--source", help="What the documents are.")
    ] = "acte",
    raw: Annotated[bool, typer.Option("--raw", help="Print the text before the rules.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write NAME.txt (or .json) here.")
    ] = None,
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
    from registre_cli.core.errors import ExitCode
    from registre_cli.core.log import configure_logging
    from registre_cli.core.settings import load_settings
    from registre_cli.ocr.engines import require_engine
    from registre_cli.ocr.files import pdfs_among
    from registre_cli.ocr.reading_process import read_files
    from registre_cli.ui.ocr import FileWriter, progress_of, show_failures

    settings = load_settings(env_file, ocr_lang=lang)
    configure_logging(settings.log_level, settings.log_format)
    require_engine(settings.ocr_engine, settings.ocr_lang)
    paths = pdfs_among(files)
    writer = FileWriter(output, raw=raw, as_json=as_json)
    failures = []
    with progress_of(len(paths)) as progress:
        for read in read_files(
            paths,
            Source(source),
            settings,
            jobs=jobs or max(int(available_cpus()), 1),
            on_page=progress.page,
        ):
            progress.file_done(read.path)
            writer.take(read)
            if read.error is not None:
                failures.append(read)
    writer.finish(order=paths)
    show_failures(failures, len(paths))
    if failures:
        raise typer.Exit(ExitCode.PROBLEM)
