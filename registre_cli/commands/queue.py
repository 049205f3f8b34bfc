"""`registre queue`: inspect and repair the queue."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from registre_cli.commands.options import EnvFile, Environments, Json, one_queue, opened

if TYPE_CHECKING:
    from registre_cli.core.settings import Settings
    from registre_cli.pool.check import CheckReport
    from registre_cli.queue.models import QueueRow
    from registre_cli.queue.search import Found

app = typer.Typer(help="Inspect and repair the queue.", no_args_is_help=True, rich_markup_mode=None)

_WATCH_SECONDS = 2.0

FailOn = Literal["error", "warning", "never"]
SourceName = Literal["index", "acte"]
OneEnvironment = Annotated[
    str | None,
    typer.Option("--env", help="Environment; needed where several are configured."),
]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids from queue list.")]


@app.command()
def check(
    env: Environments = None,
    as_json: Json = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 2 seconds.")] = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="What makes the exit code 1.")
    ] = "error",
    format_: Annotated[
        Literal["text", "nagios"],
        typer.Option("--format", help="nagios: one line; exit 0 ok, 1 warning, 2 critical, 3 ?"),
    ] = "text",
    env_file: EnvFile = None,
) -> None:
    """Say what waits, what is blocked and what is wrong, with the way to mend it."""
    from registre_cli.core.errors import ExitCode
    from registre_cli.pool.check import check_queues
    from registre_cli.ui.check import check_document, show_check
    from registre_cli.ui.console import print_json

    _one_way_to_show(as_json, watch, format_ == "nagios")
    if format_ == "nagios":
        _tell_monitoring(env_file, env or ())
    with opened(env_file) as settings:
        if watch:
            _watch(settings, env or ())
        report = check_queues(settings, env or ())
        if as_json:
            print_json(check_document(report))
        else:
            show_check(report)
    if _fails(report, fail_on):
        raise typer.Exit(ExitCode.PROBLEM)


@app.command("list")
def list_(
    env: Environments = None,
    status: Annotated[
        list[int] | None, typer.Option("--status", help="status_id; repeatable.")
    ] = None,
    source: Annotated[SourceName | None, typer.Option("--source", help="Only this source.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """List documents, the latest changed first."""
    from registre_cli.core.errors import WrongUsageError
    from registre_cli.queue.admin import list_documents
    from registre_cli.queue.models import Status
    from registre_cli.queue.opening import choose_environments, open_queue
    from registre_cli.ui.queue import show_rows

    try:
        statuses = [Status(number) for number in status or ()]
    except ValueError as error:
        raise WrongUsageError(f"--status: {error}", fix="give 1, 2, 3, 4, 5 or 6") from None
    with opened(env_file) as settings:
        rows: dict[str, tuple[QueueRow, ...]] = {}
        for environment in choose_environments(settings, env or ()):
            with open_queue(environment) as connection:
                rows[environment.name] = list_documents(
                    connection, statuses=statuses, source=source, limit=limit
                )
        show_rows(rows, as_json=as_json)


@app.command()
def show(
    document_id: Annotated[str, typer.Argument(metavar="ID")],
    env: OneEnvironment = None,
    text: Annotated[
        Literal["raw", "boosted", "diff"] | None,
        typer.Option("--text", help="Print a stored text, or what the rules changed."),
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="What the document says: lots, days, amounts, parties.")
    ] = False,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Show one document: its facts, its pages, its tries."""
    from registre_cli.core.errors import WrongUsageError
    from registre_cli.queue.admin import show_document as find
    from registre_cli.ui.queue import show_document, show_stored_fields, show_text

    if text is not None and (fields or as_json):
        raise WrongUsageError(
            "--text is a view of its own", fix="give --text or --fields; --json has all of it"
        )
    with one_queue(env_file, env) as (name, connection):
        document = find(connection, document_id)
        if text is not None:
            show_text(document, text)
        elif fields and not as_json:
            show_stored_fields(document)
        else:
            show_document(name, document, as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True})
def search(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS...", help="Like 'hypothèque \"lot 283-359\" -quittance'."),
    ],
    env: Environments = None,
    source: Annotated[SourceName | None, typer.Option("--source", help="Only this source.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="At most so many.")] = 10,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Search the corrected texts: every word, in any form and with or without accents.

    "a phrase" is looked for word for word, -word must not be there, or stands between
    alternatives. Exit 0 also where nothing is found.
    """
    from registre_cli.core.errors import WrongUsageError
    from registre_cli.queue.opening import choose_environments, open_queue
    from registre_cli.queue.search import search_texts
    from registre_cli.ui.search import show_found

    if misspelt := [word for word in words if word.startswith("--")]:
        # A word may begin with one hyphen: it must not be there.
        raise WrongUsageError(f"no such option: {misspelt[0]}", fix="registre queue search --help")
    question = " ".join(words)
    with opened(env_file) as settings:
        found: dict[str, Found] = {}
        for environment in choose_environments(settings, env or ()):
            with open_queue(environment) as connection:
                found[environment.name] = search_texts(
                    connection, question, source=source, limit=limit
                )
        show_found(question, found, limit=limit, as_json=as_json)


@app.command()
def add(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="PDF, bucket/key.pdf or URL.")
    ],
    source: Annotated[SourceName, typer.Option("--source", help="What the documents are.")],
    number: Annotated[
        str | None, typer.Option("--number", help="Document number; default: the file's name.")
    ] = None,
    priority: Annotated[int, typer.Option("--priority", help="Higher is read first.")] = 0,
    env: OneEnvironment = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Queue documents to be read."""
    from registre_cli.core.documents import Source
    from registre_cli.queue.admin import add_document, new_document
    from registre_cli.ui.results import show_ids

    documents = [
        new_document(path, Source(source), number=number, priority=priority) for path in paths
    ]
    with one_queue(env_file, env) as (_, connection):
        ids = [add_document(connection, document) for document in documents]
        show_ids("queued", ids, as_json=as_json)


@app.command()
def retry(
    ids: Ids = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Every document that failed to be read.")
    ] = False,
    env: OneEnvironment = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Read documents again from the start: no tries, no delay, no text."""
    from registre_cli.queue.admin import retry_document, retry_failed
    from registre_cli.ui.results import show_ids

    _ids_or_flag(ids, failed, "--failed")
    with one_queue(env_file, env) as (_, connection):
        done = list(retry_failed(connection)) if failed else []
        for document_id in ids or ():
            retry_document(connection, document_id)
            done.append(document_id)
        show_ids("will be read again", done, as_json=as_json)


@app.command()
def release(
    ids: Ids = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Every document whose lease is over.")
    ] = False,
    env: OneEnvironment = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """Take documents away from whoever reads them; a late result changes nothing."""
    from registre_cli.queue.admin import release_document
    from registre_cli.queue.store import QueueStore
    from registre_cli.ui.results import show_ids

    _ids_or_flag(ids, stale, "--stale")
    with one_queue(env_file, env) as (_, connection):
        rescued = QueueStore(connection).rescue_lost() if stale else []
        done = [document.document_id for document in rescued]
        for document_id in ids or ():
            release_document(connection, document_id)
            done.append(document_id)
        show_ids("released", done, as_json=as_json)


@app.command()
def cancel(
    ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    env: OneEnvironment = None,
    as_json: Json = False,
    env_file: EnvFile = None,
) -> None:
    """End documents at status 4; one that is being read ends after its page."""
    from registre_cli.queue.admin import cancel_document
    from registre_cli.ui.results import show_ids

    with one_queue(env_file, env) as (_, connection):
        for document_id in ids:
            cancel_document(connection, document_id)
        show_ids("cancelled", ids, as_json=as_json)


def _watch(settings: "Settings", env: Sequence[str]) -> NoReturn:
    from registre_cli.pool.check import check_queues
    from registre_cli.ui.check import show_check
    from registre_cli.ui.watch import watching

    with watching() as redraw:
        while True:
            report = check_queues(settings, env)
            redraw(lambda console, shown=report: show_check(shown, console))  # type: ignore[misc]
            time.sleep(_WATCH_SECONDS)


def _tell_monitoring(env_file: Path | None, env: Sequence[str]) -> NoReturn:
    """End with the exit code of a monitoring plugin, whatever happens."""
    from registre_cli.core.errors import RegistreError
    from registre_cli.pool.check import check_queues
    from registre_cli.ui.nagios import show_nagios, show_unknown

    try:
        with opened(env_file) as settings:
            state = show_nagios(check_queues(settings, env))
    except RegistreError as error:
        state = show_unknown(error)
    raise typer.Exit(state)


def _one_way_to_show(as_json: bool, watch: bool, nagios: bool) -> None:
    from registre_cli.core.errors import WrongUsageError

    if as_json + watch + nagios > 1:
        raise WrongUsageError(
            "--json, --watch and --format nagios exclude each other", fix="give one of them"
        )


def _ids_or_flag(ids: list[str] | None, flag: bool, name: str) -> None:
    from registre_cli.core.errors import WrongUsageError

    if not ids and not flag:
        raise WrongUsageError("no document is named", fix=f"give ids or {name}")


def _fails(report: "CheckReport", fail_on: FailOn) -> bool:
    if fail_on == "never":
        return False
    return not report.ok or (fail_on == "warning" and bool(report.problems))
