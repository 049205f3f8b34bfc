"""What a person does with the queue: add, list, show, retry, release, cancel."""

from collections.abc import Sequence
from pathlib import Path

import psycopg

from registre_cli.core.documents import Source
from registre_cli.core.errors import ProblemFoundError, WrongUsageError
from registre_cli.queue.connection import Connection
from registre_cli.queue.models import BlockReason, NewDocument, QueueDocument, QueueRow, Status
from registre_cli.queue.sql import statement


def new_document(
    path: str, source: Source, *, number: str | None = None, priority: int = 0
) -> NewDocument:
    """Describe a document to be queued; a path to a local file becomes a `file://` URL.

    Raises WrongUsageError where a local file does not exist.
    """
    file = Path(path)
    if "://" in path:
        stored = path
    elif file.is_file():
        stored = file.resolve().as_uri()
    elif file.is_absolute() or path.startswith(".") or "/" not in path:
        raise WrongUsageError(
            f"{path}: no such file", fix="give an existing PDF, a URL, or bucket/key.pdf"
        )
    else:
        stored = path
    return NewDocument(source, number or file.stem, stored, priority)


def add_document(connection: Connection, document: NewDocument) -> str:
    """Queue a document and return its id."""
    row = connection.execute(
        statement("add"),
        {
            "source": str(document.source),
            "number": document.number,
            "path": document.path,
            "priority": document.priority,
            "circonscription": document.circonscription,
            "cadastre": document.cadastre,
        },
    ).fetchone()
    assert row is not None
    return str(row[0])


def list_documents(
    connection: Connection, *, statuses: Sequence[Status], source: str | None, limit: int
) -> tuple[QueueRow, ...]:
    """Return documents, the latest changed first; no status means every status."""
    rows = connection.execute(
        statement("rows"),
        {
            "status": [int(status) for status in statuses] or None,
            "source": source,
            "limit": limit,
        },
    ).fetchall()
    return tuple(_row(values) for values in rows)


def show_document(connection: Connection, document_id: str) -> QueueDocument:
    """Return everything about one document. Raises ProblemFoundError where there is none."""
    row = _one(connection, "document", document_id)
    if row is None:
        raise _unknown(document_id)
    head, tail = row[:12], row[12:]
    return QueueDocument(_row(head), *tail)  # type: ignore[arg-type]


def retry_document(connection: Connection, document_id: str) -> None:
    """Give a document a fresh start. Raises ProblemFoundError where somebody reads it."""
    if _one(connection, "retry", document_id) is None:
        show_document(connection, document_id)
        raise ProblemFoundError(
            f"document {document_id} is being read or not stored yet",
            fix=f"registre queue release {document_id}, or wait",
        )


def retry_failed(connection: Connection) -> tuple[str, ...]:
    """Give every document that failed here a fresh start; return their ids."""
    return tuple(row[0] for row in connection.execute(statement("retry_failed")).fetchall())


def release_document(connection: Connection, document_id: str) -> None:
    """Take a document away from its reader. Raises ProblemFoundError where nobody reads it."""
    if _one(connection, "release", document_id) is None:
        show_document(connection, document_id)
        raise ProblemFoundError(
            f"document {document_id} is not at status 6", fix=f"registre queue show {document_id}"
        )


def cancel_document(connection: Connection, document_id: str) -> bool:
    """Cancel a document: `True` where it ended at once, `False` where its reader ends it soon.

    Raises ProblemFoundError where it neither waits nor is read.
    """
    if _one(connection, "cancel_waiting", document_id) is not None:
        return True
    if _one(connection, "cancel_reading", document_id) is not None:
        return False
    show_document(connection, document_id)
    raise ProblemFoundError(
        f"document {document_id} neither waits nor is read",
        fix=f"registre queue show {document_id}",
    )


def _one(connection: Connection, name: str, document_id: str) -> tuple[object, ...] | None:
    try:
        return connection.execute(statement(name), {"id": document_id}).fetchone()
    except psycopg.DataError:
        # Not even of the key's type.
        raise _unknown(document_id) from None


def _unknown(document_id: str) -> ProblemFoundError:
    return ProblemFoundError(
        f"there is no document {document_id}", fix="registre queue list shows the ids"
    )


def _row(values: Sequence[object]) -> QueueRow:
    document_id, source, number, status, reason, *rest = values
    blocked = None if reason is None else BlockReason(str(reason))
    return QueueRow(document_id, source, number, status, blocked, *rest)  # type: ignore[arg-type]
