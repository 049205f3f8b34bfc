"""`registre queue` and `registre db` as an operator uses them."""

import json
import random
import socket
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from command_series import run_series
from conftest import Shell

from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words


def codes(report: dict[str, object]) -> set[str]:
    return {problem["code"] for problem in report["problems"]}  # type: ignore[attr-defined, index]


def test_the_check_has_the_shape_of_the_contract(shell: Shell) -> None:
    blocked = shell.insert(supabase_path=None)
    shell.insert()
    shell.insert(document_source="acte", status_id=5)
    failed = shell.insert(document_source="acte", status_id=4, ocr_error="encrypted",
                          ocr_last_error_at="now()", ocr_attempts=1)  # fmt: skip
    lost = shell.insert(document_source="acte", status_id=6, ocr_worker_id="gone",
                        ocr_lease_until="2020-01-01")  # fmt: skip
    ran = shell.run("queue", "check", "--json")
    assert ran.returncode == 1
    report = json.loads(ran.stdout)
    assert report["ok"] is False
    assert set(report) == {"ok", "environments", "problems"}
    (dev,) = report["environments"]
    of_the_contract = {
        "name", "enabled", "reachable", "counts", "blocked", "oldest_waiting_seconds", "stale",
        "workers", "throughput", "recent_errors",
    }  # fmt: skip
    assert set(dev) - of_the_contract == {
        "schema_current", "blocked_counts", "stale_count", "workers_known", "error_causes",
    }  # fmt: skip
    assert of_the_contract <= set(dev)
    assert (dev["name"], dev["enabled"], dev["reachable"]) == ("dev", True, True)
    assert dev["counts"] == {
        "index": {
            "waiting": 2, "eligible": 1, "blocked": 1, "in_progress": 0, "done": 0, "failed": 0,
        },
        "acte": {
            "waiting": 0, "eligible": 0, "blocked": 0, "in_progress": 1, "done": 1, "failed": 1,
        },
    }  # fmt: skip
    assert dev["blocked"] == [
        {"id": blocked, "document_number": "1 234 567", "source": "index", "reason": "no_path"}
    ]
    assert isinstance(dev["oldest_waiting_seconds"], float)
    (stale,) = dev["stale"]
    assert stale.pop("stale_seconds") > 1e8
    assert stale == {
        "id": lost, "document_number": "1 234 567", "source": "acte", "worker_id": "gone",
    }  # fmt: skip
    assert dev["workers"] == {"index": 0, "acte": 0}
    assert dev["throughput"] == {"documents_per_minute": 0.0, "eta_seconds": None}
    (error,) = dev["recent_errors"]
    at = datetime.fromisoformat(error.pop("at"))
    assert at.utcoffset() == timedelta(0)
    assert error == {
        "id": failed, "document_number": "1 234 567", "source": "acte", "error": "encrypted",
        "attempts": 1, "final": True,
    }  # fmt: skip
    no_workers = next(p for p in report["problems"] if p["code"] == "no_workers")
    assert no_workers == {
        "code": "no_workers",
        "severity": "error",
        "environment": "dev",
        "message": "1 document waits and no worker serves dev",
        "fix": "registre pool run --env dev",
    }


def test_a_blocked_document_has_exactly_one_reason_and_is_a_problem_where_a_person_must_act(
    shell: Shell,
) -> None:
    blocked = {
        shell.insert(**columns): reason
        for columns, reason in (
            ({"supabase_path": "  "}, "no_path"),
            ({"ocr_attempts": 3}, "max_attempts"),
            ({"file_content": "déjà"}, "already_has_text"),
            ({"ocr_not_before": "2126-01-01"}, "backing_off"),
            ({"document_source": "plan_cadastraux"}, "unsupported_source"),
            # Several hold: exactly one is named.
            ({"document_source": "plan_cadastraux", "supabase_path": None, "file_content": "x"},
             "unsupported_source"),
        )
    }  # fmt: skip
    report = shell.json("queue", "check")
    (dev,), (problem,) = report["environments"], report["problems"]
    assert {item["id"]: item["reason"] for item in dev["blocked"]} == blocked
    assert dev["blocked_counts"] == Counter(blocked.values())
    assert (problem["code"], problem["severity"]) == ("blocked_documents", "warning")
    assert problem["message"].startswith("3 waiting documents are blocked: ")
    shell.ask("DELETE FROM extraction_queue WHERE id::text = ANY (%s)", list(blocked)[:3])
    ran = shell.run("queue", "check", "--fail-on", "warning")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "OK  nothing waits")
    assert "backing_off" in ran.stdout and "unsupported_source" in ran.stdout


def test_blocked_documents_are_counted_with_examples_and_a_fix_for_each_reason(
    shell: Shell,
) -> None:
    read = [shell.insert(file_content="déjà") for _ in range(7)]
    spent = [shell.insert(ocr_attempts=3) for _ in range(2)]
    report = shell.json("queue", "check")
    (dev,), (problem,) = report["environments"], report["problems"]
    assert dev["blocked_counts"] == {"already_has_text": 7, "max_attempts": 2}
    shown = [item["id"] for item in dev["blocked"]]
    assert len(set(shown) & set(read)) == 5 and set(spent) <= set(shown)
    assert problem["message"] == (
        "9 waiting documents are blocked: 7 already_has_text, 2 max_attempts"
    )
    first, second = problem["fix"].split("; ")
    assert first.startswith("already_has_text: registre queue retry ")
    assert second.startswith("max_attempts: once the cause is mended: registre queue retry ")
    for fix, ids in ((first, read), (second, spent)):
        command = fix[fix.index("queue retry") :].partition(" reads")[0].split()
        assert command[2] in ids
        assert shell.run(*command).returncode == 0
    assert shell.json("queue", "check")["environments"][0]["blocked_counts"] == {
        "already_has_text": 6,
        "max_attempts": 1,
    }


def test_a_disabled_environment_with_waiting_documents_is_a_problem(shell: Shell) -> None:
    shell.insert()
    report = shell.json("queue", "check", OCR_DEV="false")
    assert codes(report) == {"environment_disabled"}
    assert "OCR_DEV=true" in report["problems"][0]["fix"]


def test_a_lost_lease_is_a_problem(shell: Shell) -> None:
    lost = shell.insert(status_id=6, ocr_lease_until="2020-01-01", ocr_worker_id="gone")
    report = shell.json("queue", "check")
    assert codes(report) == {"stale_leases"}
    assert [item["id"] for item in report["environments"][0]["stale"]] == [lost]
    assert shell.json("queue", "release", "--stale")["ids"] == [lost]
    assert shell.json("queue", "check")["environments"][0]["stale"] == []


def test_a_schema_that_lacks_our_changes_is_a_problem(empty_shell: Shell) -> None:
    report = empty_shell.json("queue", "check")
    assert codes(report) == {"schema_outdated"}
    assert empty_shell.run("db", "status").returncode == 1
    assert empty_shell.run("pool", "run", "--burst").returncode == 3
    assert empty_shell.run("db", "migrate").returncode == 0
    assert empty_shell.run("db", "status").returncode == 0
    assert empty_shell.json("queue", "check")["ok"] is True


def test_every_command_says_what_a_schema_lacks(empty_shell: Shell) -> None:
    commands = (
        "list", "show 1", "add a/b.pdf --source acte", "retry --failed", "release --stale",
        "cancel 1",
    )  # fmt: skip
    calls = [(["queue", *command.split()], empty_shell.settings) for command in commands]
    for ended in run_series(calls, empty_shell.folder):
        assert ended.code == 3, ended
        assert "registre db migrate --env dev" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_embedded_queue_is_ready_at_its_first_use(shell: Shell, tmp_path: Path) -> None:
    own = Shell(shell.dsn, {"REGISTRE_HOME": str(tmp_path / "home")}, tmp_path)
    assert own.run("queue", "add", "a/b.pdf", "--source", "acte").returncode == 0
    assert own.json("queue", "check")["environments"][0]["counts"]["acte"]["eligible"] == 1


def test_a_server_that_takes_the_call_and_never_answers_is_told_within_seconds(
    shell: Shell,
) -> None:
    shell.insert()
    with socket.create_server(("127.0.0.1", 0), backlog=16) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        started = time.monotonic()
        report = shell.json(
            "queue", "check",
            PROD_DATABASE_URL=f"postgresql://u:p@{address}/x", OCR_PROD="true",
            REDIS_URL=f"redis://{address}/0", DEV_STORAGE_URL=f"http://{address}/x",
        )  # fmt: skip
        assert time.monotonic() - started < 30
    said = {problem["code"]: problem["message"] for problem in report["problems"]}
    assert said["redis_unreachable"].startswith("Redis cannot be reached (TimeoutError)")
    messages = [p["message"] for p in report["problems"] if p["code"] == "unreachable"]
    assert messages == [
        "the database of prod: PostgreSQL cannot be reached: connection timeout expired",
        "the storage of dev: no answer within 3 s",
    ]


def test_where_postgresql_is_away_its_address_is_told_with_the_variable(shell: Shell) -> None:
    report = shell.json("queue", "check", DEV_DATABASE_URL="postgresql://u:p@127.0.0.1:9/x")
    (problem,) = report["problems"]
    assert problem["message"] == (
        "the database of dev: PostgreSQL cannot be reached: "
        'connection to server at "127.0.0.1", port 9 failed: Connection refused'
    )
    assert "DEV_DATABASE_URL" in problem["fix"]


def test_without_redis_nobody_is_said_to_be_absent(shell: Shell) -> None:
    shell.insert()
    ran = shell.run("queue", "check", REDIS_URL="")
    assert ran.stdout.startswith("OK  1 document waits, who reads is not known (REDIS_URL is not")
    assert "read in: not known" in ran.stdout
    assert shell.json("queue", "check", REDIS_URL="")["environments"][0]["workers_known"] is False


def test_one_broken_environment_does_not_hide_the_others(shell: Shell) -> None:
    shell.insert()
    report = shell.json(
        "queue", "check", PROD_DATABASE_URL="postgresql://u:pl4nted@127.0.0.1:9/x", OCR_PROD="true"
    )
    prod, dev = report["environments"]
    assert (prod["name"], prod["reachable"]) == ("prod", False)
    assert (dev["name"], dev["reachable"]) == ("dev", True)
    assert codes(report) == {"unreachable", "no_workers"}
    assert "pl4nted" not in json.dumps(report)


def test_a_redis_that_is_away_is_a_problem_of_its_own(shell: Shell) -> None:
    shell.insert()
    report = shell.json("queue", "check", REDIS_URL="redis://:pl4nted@127.0.0.1:9/0")
    assert codes(report) == {"redis_unreachable"}
    assert "pl4nted" not in json.dumps(report)


def test_what_makes_the_check_fail_can_be_chosen(shell: Shell) -> None:
    shell.insert(supabase_path=None)
    calls = [
        (["queue", "check", "--fail-on", fail_on], shell.settings)
        for fail_on in ("error", "warning", "never")
    ]
    assert [ended.code for ended in run_series(calls, shell.folder)] == [0, 1, 0]


def test_documents_are_added_listed_shown_and_read(shell: Shell) -> None:
    pdf = shell.folder / "Lot 1 234 567.pdf"
    pdf.write_bytes(scanned_pdf([[Words(60, 100, "Lot 1 234 567", 14)]], random.Random(1)))
    (document_id,) = shell.json("queue", "add", str(pdf), "--source", "index")["ids"]
    shell.run("queue", "add", "actes/9.pdf", "--source", "acte", "--priority", "2")
    listed = shell.json("queue", "list", "--status", "3")["environments"][0]["documents"]
    assert {row["document_number"] for row in listed} == {"Lot 1 234 567", "9"}
    ran = shell.run("pool", "run", "--burst", "--json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["documents_done"] == 1
    shown = shell.json("queue", "show", document_id)
    assert (shown["status_id"], shown["attempts"], shown["history"][0]["outcome"]) == (5, 1, "done")
    assert shown["pages"][0]["engine"] == "tesseract"
    assert "1 234 567" in shell.run("queue", "show", document_id, "--text", "boosted").stdout
    assert "no difference" in shell.run("queue", "show", document_id, "--text", "diff").stdout
    told = shell.run("queue", "show", document_id).stdout
    assert "Tries" in told and "done" in told and "conf" in told
    assert shell.run("queue", "show", document_id, "--text", "raw", "--json").returncode == 2
    waiting = shell.json("queue", "list", "--source", "acte")["environments"][0]["documents"]
    assert "no such file" in waiting[0]["error"]
    ran = shell.run("queue", "show", waiting[0]["id"], "--text", "boosted")
    assert ran.returncode == 1 and "9 has no boosted text" in ran.stderr


def test_retry_release_and_cancel_repair_the_queue(shell: Shell) -> None:
    failed = shell.insert(status_id=4, ocr_error="storage down", ocr_attempts=3)
    theirs = shell.insert(status_id=4)
    reading = shell.insert(status_id=6, ocr_worker_id="w", ocr_attempts=1,
                           ocr_lease_until="2126-01-01")  # fmt: skip
    assert shell.json("queue", "retry", "--failed")["ids"] == [failed]
    status = "SELECT status_id, ocr_attempts FROM extraction_queue WHERE id = %s"
    assert shell.ask(status, failed) == [(3, 0)]
    assert shell.ask(status, theirs) == [(4, None)], "the extractor's failures are not ours"
    assert shell.run("queue", "retry", reading).returncode == 1
    assert shell.run("queue", "release", reading).returncode == 0
    assert shell.ask(status, reading) == [(3, 0)]
    assert shell.run("queue", "cancel", reading, failed).returncode == 0
    assert shell.ask(status, reading)[0][0] == 4
    unknown = ("00000000-0000-0000-0000-000000000000", "not-an-id", "'; DROP")
    calls = [
        (["queue", command, name], shell.settings)
        for command in ("retry", "release", "cancel", "show")
        for name in unknown
    ]
    for ended in run_series(calls, shell.folder):
        assert ended.code == 1, ended
        assert "there is no document" in ended.stderr


def test_several_environments_want_a_name(shell: Shell) -> None:
    ran = shell.run("queue", "retry", "--failed", STAGING_DATABASE_URL=shell.dsn)
    assert ran.returncode == 2
    assert "--env" in ran.stderr
    assert shell.run("queue", "list", "--env", "prod").returncode == 3
