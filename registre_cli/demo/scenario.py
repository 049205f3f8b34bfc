"""The whole way, on documents that we made: generate, queue, read, sum up."""

import random
from dataclasses import dataclass
from pathlib import Path

from registre_cli.core.errors import ProblemFoundError
from registre_cli.core.settings import Environment, Settings
from registre_cli.demo.batch import GeneratedDocument, generate
from registre_cli.pool.models import PoolSummary
from registre_cli.pool.options import Observer, PoolOptions
from registre_cli.pool.run import run_pool
from registre_cli.queue.admin import add_document, show_document
from registre_cli.queue.connection import connect
from registre_cli.queue.migrate import migrate
from registre_cli.queue.models import NewDocument, QueueDocument, Status

_FOLDER = "demo"


@dataclass(frozen=True)
class DemoResult:
    """What the demo did: the pool's summary and the documents as they stand in the queue."""

    summary: PoolSummary
    documents: tuple[QueueDocument, ...]

    @property
    def complete(self) -> bool:
        """Whether every document is at status 5 with both texts."""
        return all(
            document.row.status_id == Status.DONE
            and bool(document.raw_text)
            and bool(document.boosted_text)
            for document in self.documents
        )

    @property
    def example(self) -> QueueDocument:
        """Return the document in which the rules changed most, to be shown."""

        def changes(document: QueueDocument) -> int:
            pairs = zip(
                (document.raw_text or "").splitlines(),
                (document.boosted_text or "").splitlines(),
                strict=False,
            )
            return sum(raw != boosted for raw, boosted in pairs)

        return max(self.documents, key=changes)


def prepare(settings: Settings, seed: int | None = None) -> tuple[list[str], int]:
    """Make the documents and queue them; return their ids and how many pages they have.

    The demo runs on the embedded servers only: it never writes into a configured database.
    """
    environment = _local(settings)
    assert environment.database_url is not None
    migrate(environment.database_url)
    folder = settings.registre_home / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    documents = generate(seed=random.randrange(10_000) if seed is None else seed)  # noqa: S311 - invented documents, no secret
    with connect(environment.database_url) as connection:
        ids = [
            add_document(connection, _queued(document, folder / f"{number:02}.pdf"))
            for number, document in enumerate(documents, start=1)
        ]
    return ids, sum(document.pages for document in documents)


def read(settings: Settings, ids: list[str], size: int, observer: Observer) -> DemoResult:
    """Let a pool read until nothing is eligible, and look at what became of the documents."""
    environment = _local(settings)
    assert environment.database_url is not None
    summary = run_pool(
        settings, PoolOptions(environments=(environment,), size=size, burst=True), observer
    )
    with connect(environment.database_url) as connection:
        documents = tuple(show_document(connection, document_id) for document_id in ids)
    return DemoResult(summary, documents)


def _queued(document: GeneratedDocument, file: Path) -> NewDocument:
    file.write_bytes(document.pdf)
    return NewDocument(
        source=document.source,
        number=document.number,
        path=file.resolve().as_uri(),
        # Whatever else waits in the embedded queue, the demo's documents come first.
        priority=1,
        circonscription=document.circonscription,
        cadastre=document.cadastre,
    )


def _local(settings: Settings) -> Environment:
    if settings.local is None:
        raise ProblemFoundError(
            "the demo runs on the embedded servers, and a database is configured here",
            fix="unset the *_DATABASE_URL variables, or run it in a folder without a .env",
        )
    return settings.local
