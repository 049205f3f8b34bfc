"""`registre boost`: check the correction rules, and explain what they do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from registre_cli.commands.options import EnvFile, Json, one_queue

if TYPE_CHECKING:
    from registre_cli.core.documents import Source

app = typer.Typer(
    help="Check the correction rules, and explain what they do.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SourceName = Literal["index", "acte"]


@app.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Rules of your own; default: OCR_BOOST_RULES."),
    ] = None,
    list_rules: Annotated[
        bool, typer.Option("--list", help="Show every rule with its reason.")
    ] = False,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Run the examples of all rules, ours and yours. Exit 1 where one does not hold."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.core.settings import load_settings
    from registre_cli.ocr.boost.rules_check import check_rules
    from registre_cli.ui.boost import show_report

    chosen = folder or load_settings(env_file).ocr_boost_rules
    report = check_rules(chosen)
    show_report(report, chosen, list_rules=list_rules, as_json=as_json)
    if not report.ok:
        raise typer.Exit(ExitCode.PROBLEM)


@app.command()
def explain(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="A text or a PDF; - is stdin.")
    ] = None,
    document: Annotated[
        str | None, typer.Option("--document", metavar="ID", help="A stored document instead.")
    ] = None,
    env: Annotated[str | None, typer.Option("--env", help="Environment of --document.")] = None,
    source: Annotated[
        SourceName | None,
        typer.Option("--source", help="What it is; default: as stored, or acte."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option("--rules", help="Rules of your own; default: OCR_BOOST_RULES."),
    ] = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Show each correction with its place and reason, what was found, and what is in doubt."""
    from registre_cli.core.documents import Source
    from registre_cli.core.errors import WrongUsageError
    from registre_cli.core.log import configure_logging
    from registre_cli.core.settings import load_settings
    from registre_cli.ocr.boost import boost, load_rules
    from registre_cli.ocr.boost.reasons import reasons
    from registre_cli.ocr.given_text import given_text
    from registre_cli.ocr.reading_process import ReadingOrder
    from registre_cli.pool.gate import open_file_gate
    from registre_cli.ui.boost import show_explanation

    if (file is None) == (document is None):
        raise WrongUsageError("give a file or --document ID", fix="registre boost explain FILE")
    if env is not None and document is None:
        raise WrongUsageError("--env belongs to --document", fix="leave it away")
    settings = load_settings(env_file)
    configure_logging(settings.log_level, settings.log_format)
    chosen = load_rules(rules or settings.ocr_boost_rules)
    if document is not None:
        text, kind = _stored(document, env, env_file)
    else:
        assert file is not None
        kind = Source.ACTE
        order = ReadingOrder(Source(source or kind), settings, open_gate=open_file_gate)
        text = given_text(file, order)
    explained = boost(text, Source(source) if source else kind, chosen)
    show_explanation(explained, reasons(chosen), as_json=as_json)


def _stored(document_id: str, env: str | None, env_file: Path | None) -> tuple[str, "Source"]:
    from registre_cli.core.documents import Source
    from registre_cli.core.errors import ProblemFoundError
    from registre_cli.queue.admin import show_document

    with one_queue(env_file, env) as (_, connection):
        document = show_document(connection, document_id)
    if document.raw_text is None:
        raise ProblemFoundError(
            f"document {document_id} has no text yet", fix=f"registre queue show {document_id}"
        )
    known = {str(source): source for source in Source}
    return document.raw_text, known.get(document.row.source, Source.ACTE)
