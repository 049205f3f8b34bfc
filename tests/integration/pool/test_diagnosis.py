"""Each thing that can be wrong with a queue, built on real servers and found by the check."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from pool_harness import Pools, Queue, wait_for

from registre_cli.core.documents import Source
from registre_cli.core.settings import load_settings
from registre_cli.pool.check import CheckReport, check_queues
from registre_cli.pool.models import PoolStatus, WorkerState, WorkerStatus
from registre_cli.pool.registry import publish
from registre_cli.queue.report import Problem, Severity

Look = Callable[..., CheckReport]


@pytest.fixture
def look(queue: Queue, redis_url: str, tmp_path: Path) -> Look:
    """Check the queue under given settings."""

    def check(**settings: object) -> CheckReport:
        given: dict[str, object] = {
            "dev_database_url": queue.dsn,
            "ocr_dev": True,
            "dev_storage_url": queue.storage.as_uri(),
            "redis_url": redis_url,
            **settings,
        }
        return check_queues(load_settings(None, **given), ())

    return check


def found(report: CheckReport) -> dict[str, Problem]:
    return {problem.code: problem for problem in report.problems}


def idle_worker(mode: Source, state: WorkerState = WorkerState.IDLE) -> WorkerStatus:
    return WorkerStatus(f"w-{mode}", 1, mode, state, "dev", None, None, 0, 0, 1.0, 0, 0, 1, 0.0)


def beat(redis_url: str, **changes: object) -> None:
    """Let a pool be alive that has been so for an hour, on another host."""
    status = PoolStatus(
        pool_id="far-1",
        host="far",
        version="0.1.0",
        started_at=datetime.now(UTC) - timedelta(hours=1),
        size=2,
        environments=("dev",),
        paused=False,
        borrow=True,
        allocation={Source.INDEX: 1, Source.ACTE: 1},
        workers=tuple(map(idle_worker, Source)),
    )
    publish(redis.Redis.from_url(redis_url), replace(status, **changes))  # type: ignore[arg-type]


def test_a_pool_that_serves_another_environment_is_named(
    queue: Queue, look: Look, redis_url: str
) -> None:
    queue.add("page 0.1", number=2)
    beat(redis_url, environments=("staging",))
    (problem,) = found(look()).values()
    assert problem.code == "no_workers" and problem.severity is Severity.ERROR
    assert problem.message == (
        "2 documents wait and no worker serves dev: the living pool on far serves staging only"
    )
    assert "OCR_DEV=true for the pool on far" in problem.fix


def test_a_pool_that_reads_no_index_leaves_index_unserved(
    queue: Queue, start_pool: Pools, look: Look
) -> None:
    pool = start_pool(options={"size": 1, "borrow": False, "min_index": 0, "min_acte": 1})
    pool.wait_event("Worker started")
    queue.add("page 0.1", source="index")
    wait_for(lambda: "mode_unserved" in found(look()), 15, "the mode is not missed")
    report = look()
    problem = found(report)["mode_unserved"]
    assert problem.message == "1 index documents wait and no worker reads index in dev"
    assert "--min-index 1" in problem.fix
    assert report.environments[0].eta_seconds is None


def test_a_living_pool_that_claims_nothing_is_stalled(
    queue: Queue, look: Look, redis_url: str
) -> None:
    # The pool of the same name reads another database: nothing here is ever claimed.
    queue.add("page 0.1")
    queue.ask("UPDATE extraction_queue SET created_at = now() - interval '1 hour',"
              " updated_at = now() - interval '20 minutes'")  # fmt: skip
    beat(redis_url)
    problem = found(look())["stalled"]
    assert problem.severity is Severity.ERROR
    assert "2 workers live (2 idle), and none has claimed anything for 20 minutes" in (
        problem.message
    )
    assert "DEV_DATABASE_URL" in problem.fix


@pytest.mark.parametrize(
    "excuse",
    [
        "SET updated_at = now()",
        "SET ocr_last_error_at = now(), ocr_error = 'x'",
    ],
)
def test_a_pool_that_had_no_time_or_was_busy_is_not_stalled(
    queue: Queue, look: Look, redis_url: str, excuse: str
) -> None:
    queue.add("page 0.1")
    queue.ask("UPDATE extraction_queue SET created_at = now() - interval '1 hour',"
              " updated_at = now() - interval '1 hour'")  # fmt: skip
    beat(redis_url, started_at=datetime.now(UTC) - timedelta(seconds=30))
    assert "stalled" not in found(look())
    beat(redis_url)
    assert "stalled" in found(look())
    queue.ask(f"UPDATE extraction_queue {excuse}")
    assert "stalled" not in found(look())


def test_workers_that_stay_at_one_document_are_a_warning(
    queue: Queue, look: Look, redis_url: str
) -> None:
    queue.add("page 0.1", number=3)
    queue.ask("UPDATE extraction_queue SET created_at = now() - interval '1 hour',"
              " updated_at = now() - interval '1 hour'")  # fmt: skip
    busy = tuple(idle_worker(source, WorkerState.WORKING) for source in Source)
    beat(redis_url, workers=busy)
    problem = found(look())["stalled"]
    assert problem.severity is Severity.WARNING
    assert "have been at the same documents for 60 minutes" in problem.message


def test_workers_that_all_wait_for_a_budget_are_told(
    queue: Queue, start_pool: Pools, look: Look
) -> None:
    queue.add("\n".join(["page 0.01"] * 9), number=4)
    start_pool(ocr_rpm=2)
    wait_for(lambda: "limiter_exhausted" in found(look()), 15, "the limiter is not named")
    assert "budget of an engine" in found(look())["limiter_exhausted"].message


def test_workers_that_the_host_has_no_room_for_are_told_while_documents_wait(
    queue: Queue, look: Look, redis_url: str
) -> None:
    beat(
        redis_url, size=5, waiting_for_room=3, notes=("3 workers wait for room: CPU: 2 of 2 vCPU",)
    )
    assert "waiting_for_room" not in found(look())
    queue.add("page 1")
    problem = found(look())["waiting_for_room"]
    assert problem.message == (
        "pool far-1 runs 2 of 5 workers (3 workers wait for room: CPU: 2 of 2 vCPU)"
    )
    assert "on far" in problem.fix


def test_failures_are_grouped_by_their_cause(queue: Queue, look: Look) -> None:
    for number in range(3):
        queue.add("x", status_id=4, ocr_last_error_at="now()",
                  ocr_error=f"storage: no such file /scans/{number}.pdf")  # fmt: skip
    (last,) = queue.add("x", status_id=4, ocr_last_error_at="now()",
                        ocr_error="the PDF is encrypted")  # fmt: skip
    queue.add("x", status_id=4, ocr_last_error_at="now()", ocr_error="cancelled")
    queue.add("x", status_id=5, ocr_last_error_at="now()", ocr_error=None)
    report = look()
    causes = report.environments[0].error_causes
    assert [(cause.number, cause.final) for cause in causes] == [(3, 3), (1, 1)]
    assert causes[1].example_id == last
    message = found(report)["failing_documents"].message
    assert "4 documents of dev failed within a day: 3 × storage: no such file" in message
    assert "1 × the PDF is encrypted" in message


def test_one_failed_try_is_no_problem_yet(queue: Queue, look: Look) -> None:
    queue.add("x", ocr_attempts=1, ocr_last_error_at="now()", ocr_error="storage: answered 503")
    assert "failing_documents" not in found(look())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"dev_storage_url": "file:///nowhere/at/all"}, "the folder /nowhere/at/all is not there"),
        ({"dev_storage_url": "http://127.0.0.1:9/x"}, "cannot be reached (ConnectError)"),
    ],
)
def test_a_storage_that_is_away_is_a_problem_before_anything_is_claimed(
    queue: Queue, look: Look, setting: dict[str, object], said: str
) -> None:
    queue.add("page 0.1")
    problem = found(look(**setting))["unreachable"]
    assert problem.message == f"the storage of dev: {said}"


def test_a_storage_that_refuses_the_key_is_a_problem(  # type: ignore[no-untyped-def]
    queue: Queue, look: Look, serve
) -> None:
    url, _ = serve()
    queue.add("x", supabase_path="bucket/status-401")
    queue.ask("UPDATE extraction_queue SET supabase_path = 'bucket/status-401'")
    report = look(dev_storage_url=None, dev_supabase_url=url, dev_supabase_service_key="pl4nted")
    problem = found(report)["unreachable"]
    assert problem.message == "the storage of dev: refuses our key (401)"
    assert "pl4nted" not in str(report)


def test_one_missing_document_does_not_blame_the_storage(  # type: ignore[no-untyped-def]
    queue: Queue, look: Look, serve
) -> None:
    url, seen = serve()
    queue.add("x")
    queue.ask("UPDATE extraction_queue SET supabase_path = 'bucket/status-404'")
    assert "unreachable" not in found(look(dev_storage_url=url))
    assert len(seen.requests) == 1


def test_a_refused_password_of_redis_is_told_from_a_redis_that_is_away(
    look: Look, redis_url: str
) -> None:
    client = redis.Redis.from_url(redis_url)
    client.config_set("requirepass", "right")
    try:
        problem = found(look())["redis_unreachable"]
        assert problem.message.startswith("Redis refuses us")
        assert "password" in problem.fix
    finally:
        client.execute_command("AUTH", "right")
        client.config_set("requirepass", "")
        client.close()


def test_a_backlog_that_grows_faster_than_it_is_read_is_never_read(
    queue: Queue, look: Look, redis_url: str
) -> None:
    queue.add("page 0.1", number=30)
    # Half came in the earlier, half in the later five minutes; four were read meanwhile.
    queue.ask("UPDATE extraction_queue SET created_at = now() - interval '1 minute'"
              " * (1 + substr(document_number, 2)::int % 9), updated_at = NULL")  # fmt: skip
    # Some were known for long before their PDF was stored.
    queue.ask("UPDATE extraction_queue SET updated_at = created_at, created_at = '2020-01-01'"
              " WHERE substr(document_number, 2)::int % 2 = 0")  # fmt: skip
    queue.add("x", number=4, status_id=5, ocr_started_at="now()", ocr_completed_at="now()")
    beat(redis_url)
    report = look()
    problem = found(report)["backlog_growing"]
    assert "in 10 minutes 34 documents came and 4 were read" in problem.message
    assert report.environments[0].eta_seconds is None
    # A pool that has only just begun is given its time.
    beat(redis_url, started_at=datetime.now(UTC) - timedelta(minutes=2))
    report = look()
    assert "backlog_growing" not in found(report)
    assert report.environments[0].eta_seconds is not None


def test_a_burst_is_no_growing_backlog(queue: Queue, look: Look, redis_url: str) -> None:
    queue.add("page 0.1", number=30)
    beat(redis_url)
    assert "backlog_growing" not in found(look())


def test_the_eta_follows_the_measured_speed_of_each_kind(
    queue: Queue, look: Look, redis_url: str
) -> None:
    for source, seconds in (("index", 30), ("acte", 4)):
        queue.add("x", number=3, source=source, status_id=5, ocr_completed_at="now()")
        queue.ask("UPDATE extraction_queue SET ocr_started_at = ocr_completed_at"
                  " - make_interval(secs => %s) WHERE document_source = %s AND status_id = 5",
                  seconds, source)  # fmt: skip
    queue.add("page 0.1", number=4, source="index")
    queue.add("page 0.1", number=10, source="acte")
    beat(redis_url)
    assert look().environments[0].eta_seconds == pytest.approx((4 * 30 + 10 * 4) / 2)
    # Without borrowing, the kind that takes longest decides.
    beat(redis_url, borrow=False)
    assert look().environments[0].eta_seconds == pytest.approx(4 * 30)


def test_without_redis_a_queue_that_moves_is_not_called_unserved(queue: Queue, look: Look) -> None:
    queue.add("page 0.1")
    queue.ask("UPDATE extraction_queue SET created_at = now() - interval '1 hour',"
              " updated_at = NULL")  # fmt: skip
    assert "as far as is known" in found(look(redis_url=None))["no_workers"].message
    queue.add("x", status_id=6, ocr_started_at="now()", ocr_lease_until="2126-01-01")
    assert "no_workers" not in found(look(redis_url=None))
