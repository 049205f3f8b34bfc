"""Claiming, finishing and losing documents on a real PostgreSQL."""

import threading
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from registre_cli.core.documents import Source
from registre_cli.queue.connection import Connection, connect
from registre_cli.queue.models import LeaseState, Outcome, ReadingRecord
from registre_cli.queue.store import QueueStore

AddDocument = Callable[..., str]
Column = Callable[[str, str], object]

RECORD = ReadingRecord("brut", "corrigé", 91.5, '[{"number": 1}]', '{"lots": []}')


def claim(store: QueueStore, source: Source = Source.INDEX, worker: str = "w1"):  # type: ignore[no-untyped-def]
    return store.claim(worker, source, lease_seconds=60)


def test_a_claim_takes_the_document_and_counts_the_try(
    store: QueueStore, add: AddDocument, column: Column
) -> None:
    document_id = add(circonscription_fonciere="Montréal")
    document = claim(store)
    assert document is not None
    assert (document.token.document_id, document.token.attempt) == (document_id, 1)
    assert (document.source, document.path) == (Source.INDEX, "index/1.pdf")
    assert document.circonscription == "Montréal"
    assert column(document_id, "status_id") == 6
    assert column(document_id, "ocr_worker_id") == "w1"
    assert column(document_id, "ocr_attempts") == 1
    assert claim(store) is None


def test_the_higher_priority_comes_first_then_the_older(
    store: QueueStore, add: AddDocument
) -> None:
    add(document_number="young", created_at="2026-02-01")
    add(document_number="old", created_at="2026-01-01")
    add(document_number="urgent", created_at="2026-03-01", ocr_priority=5)
    order = [claim(store).number for _ in range(3)]
    assert order == ["urgent", "old", "young"]


@pytest.mark.parametrize(
    "columns",
    [
        {"supabase_path": None},
        {"supabase_path": "   "},
        {"document_source": "plan_cadastraux"},
        {"ocr_attempts": 3},
        {"ocr_attempts": 1, "ocr_max_attempts": 1},
        {"file_content": "déjà lu"},
        {"ocr_not_before": "2126-01-01"},
        {"status_id": 1},
        {"status_id": 5},
    ],
)
def test_what_is_not_eligible_is_not_claimed(
    store: QueueStore, add: AddDocument, columns: dict[str, object]
) -> None:
    add(**columns)
    assert claim(store, Source.INDEX) is None
    assert claim(store, Source.ACTE) is None


def test_two_workers_never_get_the_same_document(
    migrated_database_url: str, add: AddDocument
) -> None:
    for number in range(200):
        add(document_number=str(number))
    claimed: list[str] = []

    def work(worker: str) -> None:
        with connect(SecretStr(migrated_database_url)) as own:
            store = QueueStore(own)
            while document := store.claim(worker, Source.INDEX, 60):
                claimed.append(document.token.document_id)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 200


def test_a_completion_stores_both_texts_and_clears_the_error(
    store: QueueStore, add: AddDocument, column: Column
) -> None:
    document_id = add(ocr_error="avant")
    assert store.complete(claim(store).token, RECORD)
    assert column(document_id, "status_id") == 5
    assert column(document_id, "file_content") == "brut"
    assert column(document_id, "boosted_file_content") == "corrigé"
    assert column(document_id, "ocr_error") is None
    assert column(document_id, "ocr_completed_at") is not None
    assert column(document_id, "ocr_lease_until") is None
    assert column(document_id, "ocr_pages") == [{"number": 1}]


def test_text_that_postgresql_cannot_store_is_stored_harmlessly(
    store: QueueStore, add: AddDocument, column: Column
) -> None:
    document_id = add()
    assert store.complete(claim(store).token, ReadingRecord("a\x00b\ud800c", ""))
    assert column(document_id, "file_content") == "a�b?c"


def test_a_late_result_of_a_lost_worker_changes_nothing(
    store: QueueStore, add: AddDocument, column: Column, connection: Connection
) -> None:
    document_id = add()
    late = claim(store, worker="late").token
    connection.execute("UPDATE extraction_queue SET ocr_lease_until = now() - interval '1 s'")
    (rescued,) = store.rescue_lost()
    assert (rescued.worker_id, rescued.attempt, rescued.outcome) == ("late", 1, Outcome.RETRIED)
    connection.execute("UPDATE extraction_queue SET ocr_not_before = NULL")
    second = claim(store, worker="second").token

    assert not store.complete(late, ReadingRecord("late", "late"))
    assert store.fail_transient(late, "late") is Outcome.LOST
    assert store.fail_permanent(late, "late") is Outcome.LOST
    assert not store.give_back(late, "late")
    assert store.renew(late, 60) is LeaseState.LOST
    assert column(document_id, "ocr_worker_id") == "second"

    assert store.complete(second, RECORD)
    assert column(document_id, "file_content") == "brut"
    assert not store.complete(late, ReadingRecord("late", "late"))
    assert column(document_id, "file_content") == "brut"


def test_a_transient_failure_comes_back_after_a_growing_delay_and_ends_after_its_tries(
    store: QueueStore, add: AddDocument, column: Column, connection: Connection
) -> None:
    document_id = add()
    delays = []
    for expected in (Outcome.RETRIED, Outcome.RETRIED, Outcome.FAILED):
        document = claim(store)
        assert store.fail_transient(document.token, "storage\n down") is expected
        row = connection.execute(
            "SELECT extract(epoch FROM ocr_not_before - clock_timestamp()) FROM extraction_queue"
        ).fetchone()
        assert row is not None
        delays.append(row[0])
        connection.execute("UPDATE extraction_queue SET ocr_not_before = NULL")
    assert 2 <= delays[0] <= 5 and 4.5 <= delays[1] <= 10 and delays[2] is None
    assert column(document_id, "status_id") == 4
    assert column(document_id, "ocr_error") == "storage down"
    history = column(document_id, "ocr_history")
    assert [entry["outcome"] for entry in history] == ["retried", "retried", "failed"]  # type: ignore[attr-defined]


def test_a_permanent_failure_ends_the_document_at_once(
    store: QueueStore, add: AddDocument, column: Column
) -> None:
    document_id = add()
    assert store.fail_permanent(claim(store).token, "not a PDF") is Outcome.FAILED
    assert column(document_id, "status_id") == 4
    assert column(document_id, "ocr_attempts") == 1


def test_a_graceful_stop_gives_the_try_back(
    store: QueueStore, add: AddDocument, column: Column
) -> None:
    document_id = add()
    assert store.give_back(claim(store).token, "pool stops")
    assert column(document_id, "status_id") == 3
    assert column(document_id, "ocr_attempts") == 0
    assert claim(store) is not None


def test_a_delayed_document_is_claimable_once_its_delay_is_over(
    store: QueueStore, add: AddDocument
) -> None:
    add(ocr_not_before="2020-01-01")
    assert claim(store) is None
    assert store.wake_due_retries() == 1
    assert claim(store) is not None


def test_a_renewed_lease_is_not_rescued_and_says_when_it_is_cancelled(
    store: QueueStore, add: AddDocument, connection: Connection
) -> None:
    add()
    token = claim(store).token
    connection.execute("UPDATE extraction_queue SET ocr_lease_until = now() - interval '1 s'")
    assert store.renew(token, 60) is LeaseState.HELD
    assert store.rescue_lost() == []
    connection.execute("UPDATE extraction_queue SET ocr_cancel_requested = true")
    assert store.renew(token, 60) is LeaseState.CANCELLED


def test_a_row_left_at_6_without_a_lease_is_rescued_once_it_is_old(
    store: QueueStore, add: AddDocument, column: Column
) -> None:
    fresh = add(status_id=6, updated_at="2126-01-01", ocr_attempts=None)
    old = add(status_id=6, updated_at="2020-01-01", ocr_attempts=None)
    (rescued,) = store.rescue_lost()
    assert rescued.document_id == old
    assert column(fresh, "status_id") == 6
    assert column(old, "status_id") == 3 and column(old, "ocr_attempts") == 1


def test_waiting_work_counts_what_is_eligible_with_measured_seconds(
    store: QueueStore, add: AddDocument
) -> None:
    add()
    add(supabase_path=None)
    add(
        document_source="acte",
        status_id=5,
        ocr_started_at="2126-01-01 00:00:00+00",
        ocr_completed_at="2126-01-01 00:00:12+00",
    )
    work = store.waiting_work()
    assert work[Source.INDEX].documents == 1
    assert (work[Source.ACTE].documents, work[Source.ACTE].mean_seconds) == (0, 12.0)


def test_a_claim_and_a_renewal_do_not_wait_for_the_disk_and_a_result_does(
    connection: Connection, add: AddDocument
) -> None:
    add()
    connection.execute("SET synchronous_commit = on")
    store = QueueStore(connection)

    def synced() -> bool:
        return connection.execute("SHOW synchronous_commit").fetchone() == ("on",)

    with connection.transaction():
        document = claim(store)
        assert not synced()
    with connection.transaction():
        assert store.renew(document.token, 60) is LeaseState.HELD
        assert not synced()
    with connection.transaction():
        assert store.complete(document.token, RECORD)
        assert synced()
