"""The queue as a worker sees it: one statement a method, fenced by the claim's token."""

from collections.abc import Mapping, Sequence

from registre_cli.core.documents import Source
from registre_cli.core.text import storable
from registre_cli.queue.connection import Connection
from registre_cli.queue.counts import counts_of
from registre_cli.queue.models import (
    ClaimedDocument,
    FencingToken,
    LeaseState,
    Outcome,
    ReadingRecord,
    Rescued,
    SourceCounts,
    Status,
    WaitingWork,
)
from registre_cli.queue.sql import statement

# The delay of try n is between half and all of base x 2^(n-1), at most the cap.
RETRY_DELAY_BASE_SECONDS = 5.0
RETRY_DELAY_CAP_SECONDS = 600.0
# Until something was measured: a page of a register takes longer than one of prose.
DEFAULT_SECONDS = {Source.INDEX: 8.0, Source.ACTE: 6.0}
_REASON_LIMIT_CHARACTERS = 1_000


class QueueStore:
    """The statements of the queue on one autocommit connection.

    Every method may raise `psycopg.OperationalError` where the connection is lost; nothing
    was changed then, or the change is found by the fence when the statement is repeated.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        retry_delay_base_seconds: float = RETRY_DELAY_BASE_SECONDS,
    ) -> None:
        self._connection = connection
        self._delay_base_seconds = retry_delay_base_seconds

    def claim(self, worker_id: str, source: Source, lease_seconds: float) -> ClaimedDocument | None:
        """Take the next eligible document of `source`, or `None` where there is none."""
        row = self._connection.execute(
            statement("claim"),
            {"source": str(source), "worker_id": worker_id, "lease_seconds": lease_seconds},
        ).fetchone()
        if row is None:
            return None
        document_id, attempt, number, document_source, path, max_attempts, *about = row
        circonscription, cadastre, designation, acte_type, _ = about
        return ClaimedDocument(
            token=FencingToken(document_id, attempt, worker_id),
            number=number,
            source=Source(document_source),
            path=path,
            max_attempts=max_attempts,
            circonscription=circonscription,
            cadastre=cadastre,
            designation_secondaire=designation,
            acte_type=acte_type,
        )

    def renew(self, token: FencingToken, lease_seconds: float) -> LeaseState:
        """Extend the lease; say whether it is still ours and whether we should leave."""
        row = self._fenced("renew", token, lease_seconds=lease_seconds)
        if row is None:
            return LeaseState.LOST
        return LeaseState.CANCELLED if row[0] else LeaseState.HELD

    def complete(self, token: FencingToken, record: ReadingRecord) -> bool:
        """Store the result; `False` where the document is no longer ours (nothing is changed)."""
        row = self._fenced(
            "complete",
            token,
            raw_text=storable(record.raw_text),
            boosted_text=storable(record.boosted_text),
            confidence=record.confidence,
            pages=record.pages_json,
            fields=record.fields_json,
        )
        return row is not None

    def fail_transient(self, token: FencingToken, reason: str) -> Outcome:
        """Put the document back for another try after a delay, or end it once they are used up."""
        return self._failed(
            self._fenced("fail_transient", token, reason=_one_reason(reason), **self._delays())
        )

    def fail_permanent(self, token: FencingToken, reason: str) -> Outcome:
        """End the document at status 4."""
        return self._failed(self._fenced("fail_permanent", token, reason=_one_reason(reason)))

    def give_back(self, token: FencingToken, reason: str) -> bool:
        """Put the document back at once and give the try back; `False` where it is not ours."""
        return self._fenced("give_back", token, reason=_one_reason(reason)) is not None

    def claims_of(self, worker_ids: Sequence[str]) -> list[FencingToken]:
        """Return what these workers have claimed and not ended."""
        rows = self._connection.execute(
            statement("claims_of"), {"worker_ids": list(worker_ids)}
        ).fetchall()
        return [FencingToken(*row) for row in rows]

    def rescue_lost(self) -> list[Rescued]:
        """Put back the documents of lost workers, of any host, as transient failures."""
        rows = self._connection.execute(statement("rescue_lost"), self._delays()).fetchall()
        return [
            Rescued(document_id, number, source, worker, attempt, _outcome(status))
            for document_id, number, source, worker, attempt, status in rows
        ]

    def wake_due_retries(self) -> int:
        """Make documents whose delay is over claimable again; return how many."""
        return self._connection.execute(statement("wake_due_retries")).rowcount

    def waiting_work(self) -> Mapping[Source, WaitingWork]:
        """Return for each source what waits and how long one document usually takes."""
        measured: dict[str, float] = dict(
            self._connection.execute(statement("mean_seconds")).fetchall()
        )
        return {
            source: WaitingWork(
                documents=self._count(source),
                mean_seconds=measured.get(str(source)) or DEFAULT_SECONDS[source],
            )
            for source in Source
        }

    def counts(self) -> Mapping[str, SourceCounts]:
        """Return how many documents of each source stand where; by index-only scans."""
        return counts_of(self._connection)

    def _count(self, source: Source) -> int:
        row = self._connection.execute(
            statement("waiting_work"), {"source": str(source)}
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _fenced(
        self, name: str, token: FencingToken, **parameters: object
    ) -> tuple[object, ...] | None:
        return self._connection.execute(
            statement(name),
            {
                "id": token.document_id,
                "worker_id": token.worker_id,
                "attempt": token.attempt,
                **parameters,
            },
        ).fetchone()

    def _failed(self, row: tuple[object, ...] | None) -> Outcome:
        return Outcome.LOST if row is None else _outcome(row[0])

    def _delays(self) -> dict[str, float]:
        return {
            "delay_base_seconds": self._delay_base_seconds,
            "delay_cap_seconds": RETRY_DELAY_CAP_SECONDS,
        }


def _outcome(status: object) -> Outcome:
    return Outcome.FAILED if status == Status.FAILED else Outcome.RETRIED


def _one_reason(reason: str) -> str:
    """Make a reason one line that a person reads in a table."""
    return " ".join(storable(reason).split())[:_REASON_LIMIT_CHARACTERS]
