"""`registre verify-setup`, `capacity` and `pool status` as an operator uses them."""

import json
import random
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import redis
from command_series import run_series
from conftest import REGISTRE, Shell
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from registre_cli.capacity.classes import ESTIMATES, DocumentUsage
from registre_cli.capacity.places import Places, Room, Wish
from registre_cli.capacity.usage import UsageRecord
from registre_cli.core.documents import Source
from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words
from registre_cli.pool.models import PoolStatus
from registre_cli.pool.registry import publish, withdraw


def results(shell: Shell, *arguments: str, **settings: str) -> dict[str, dict[str, str]]:
    report = shell.json("verify-setup", *arguments, **settings)
    return {check["name"]: check for check in report["checks"]}


def test_a_sound_setup_passes(shell: Shell) -> None:
    (shell.folder / "1.pdf").write_bytes(
        scanned_pdf([[Words(60, 100, "Lot 1 234 567", 14)]], random.Random(1))
    )
    shell.insert(supabase_path="1.pdf")
    ran = shell.run("verify-setup")
    assert ran.returncode == 0, ran.stdout
    found = results(shell)
    told = {check["status"] for name, check in found.items() if not name.startswith("pool/")}
    assert told == {"pass"}, found
    assert "can be claimed (rolled back)" in found["dev/rights"]["message"]
    assert shell.ask("SELECT status_id, ocr_attempts FROM extraction_queue") == [(3, None)]


def test_each_fault_is_found_with_the_way_to_mend_it(empty_shell: Shell) -> None:
    found = results(
        empty_shell,
        OCR_WORKER_POOL_SZE="3",
        REDIS_URL="redis://127.0.0.1:9/0",
        OCR_LANG="xyz",
        OCR_MIN_INDEX_WORKERS="5",
        SERVER_MAX_CPU="1",
        DEV_STORAGE_URL="",
    )
    assert "did you mean OCR_WORKER_POOL_SIZE" in found["host/settings"]["message"]
    expected = {
        "host/settings": "warn", "host/environments": "fail", "host/minimums": "fail",
        "host/capacity": "fail", "reading/tesseract": "fail", "redis": "fail",
        "dev/schema": "fail", "dev/postgresql": "pass", "dev/rights": "skip",
    }  # fmt: skip
    assert {name: found[name]["status"] for name in expected} == expected
    assert found["dev/schema"]["fix"] == "registre db migrate --env dev"
    assert "tesseract-ocr-xyz" in found["reading/tesseract"]["fix"]
    assert all(check["fix"] for check in found.values() if check["status"] in {"warn", "fail"})


def test_a_missing_document_in_the_storage_is_found(shell: Shell) -> None:
    shell.insert(supabase_path="nowhere.pdf")
    found = results(shell, "--only", "dev/storage")
    assert found["dev/storage"]["status"] == "fail"
    assert "no such file" in found["dev/storage"]["message"]


def test_a_user_that_may_not_claim_is_found_with_the_grant_that_mends_it(shell: Shell) -> None:
    shell.insert()
    shell.ask("DROP ROLE IF EXISTS onlooker")
    shell.ask("CREATE ROLE onlooker LOGIN PASSWORD 'x'")
    try:
        shell.ask("GRANT USAGE ON SCHEMA public TO onlooker")
        shell.ask("GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker")
        parts = conninfo_to_dict(shell.dsn)
        dsn = make_conninfo(**{**parts, "user": "onlooker", "password": "x"})
        found = results(shell, "--only", "dev/", DEV_DATABASE_URL=dsn)
        assert found["dev/postgresql"]["status"] == "pass", found
        assert found["dev/rights"]["status"] == "fail"
        assert found["dev/rights"]["fix"].startswith("GRANT SELECT, INSERT, UPDATE ON")
    finally:
        shell.ask("DROP OWNED BY onlooker")
        shell.ask("DROP ROLE onlooker")


def test_a_claim_is_tried_with_a_row_of_its_own_where_nothing_waits(shell: Shell) -> None:
    found = results(shell, "--only", "dev/rights")["dev/rights"]
    assert (found["status"], found["message"]) == (
        "pass",
        "a document made for it can be claimed (rolled back)",
    )
    assert shell.ask("SELECT count(*) FROM extraction_queue") == [(0,)]


def test_what_somebody_removed_is_found_with_the_statement_that_mends_it(shell: Shell) -> None:
    shell.ask("DROP INDEX registre_ready")
    shell.ask("ALTER TABLE extraction_queue DISABLE TRIGGER registre_ready")
    shell.ask("ALTER TABLE extraction_queue DROP COLUMN ocr_fields")
    found = results(shell, "--only", "dev/schema")["dev/schema"]
    assert found["status"] == "fail"
    for part in ("index registre_ready", "enabled trigger registre_ready", "column ocr_fields"):
        assert part in found["message"]
    shell.ask("ALTER TABLE extraction_queue ADD ocr_fields jsonb")
    fix = results(shell, "--only", "dev/schema")["dev/schema"]["fix"]
    shell.ask(fix.removeprefix("as the table's owner: "))
    assert results(shell, "--only", "dev/schema")["dev/schema"]["status"] == "pass"


def test_an_environment_that_is_enabled_without_a_database_is_found(shell: Shell) -> None:
    found = results(shell, "--only", "host/environments", OCR_PROD="true")["host/environments"]
    assert (found["status"], found["message"]) == ("fail", "prod is enabled and has no database")
    assert found["fix"] == "set PROD_DATABASE_URL, or OCR_PROD=false"


def test_a_pool_of_another_version_is_a_warning(shell: Shell) -> None:
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    old = PoolStatus(
        "old-1", socket.gethostname(), "0.0.1", datetime.now(UTC), 0, ("dev",), False, True, {}, ()
    )
    publish(client, old)
    found = results(shell, "--only", "pool/version")["pool/version"]
    assert found["status"] == "warn" and "old-1 runs 0.0.1" in found["message"]
    withdraw(client, old.pool_id)
    assert results(shell, "--only", "pool/version")["pool/version"]["status"] == "skip"


def test_a_redis_that_refuses_the_password_is_told(shell: Shell) -> None:
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    client.config_set("requirepass", "right")
    try:
        found = results(shell, "--only", "redis")["redis"]
        assert found["status"] == "fail" and "refuses us" in found["message"]
    finally:
        client.execute_command("AUTH", "right")
        client.config_set("requirepass", "")
        client.close()


def test_a_redis_that_may_evict_our_keys_is_a_warning(shell: Shell) -> None:
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    try:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        found = results(shell, "--only", "redis")["redis"]
        assert found["status"] == "warn"
        assert found["fix"] == "set maxmemory-policy noeviction"
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "0")
        client.close()


def test_offline_asks_no_server(shell: Shell) -> None:
    found = results(shell, "--offline", DEV_DATABASE_URL="postgresql://127.0.0.1:9/x")
    assert set(found) == {
        "host/python", "host/settings", "host/environments", "host/minimums", "host/capacity",
        "host/temp", "reading/pdfium", "reading/tesseract",
    }  # fmt: skip


def test_servers_that_take_the_call_and_never_answer_cost_five_seconds_together(
    shell: Shell,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=32) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        shell.insert(supabase_path="1.pdf")
        started = time.monotonic()
        report = shell.json(
            "verify-setup",
            PROD_DATABASE_URL=f"postgresql://u:p@{address}/x", OCR_PROD="true",
            PROD_STORAGE_URL="file:///tmp", REDIS_URL=f"redis://{address}/0",
            DEV_STORAGE_URL=f"http://{address}/x",
        )  # fmt: skip
        # One after the other they would take five seconds each.
        assert time.monotonic() - started < 40
    found = {check["name"]: check for check in report["checks"]}
    mute_ones = {"prod/postgresql", "prod/schema", "prod/rights", "prod/notifications",
                 "prod/storage", "redis", "pool/version", "dev/storage"}  # fmt: skip
    assert {name for name, check in found.items() if check["status"] == "fail"} == mute_ones
    assert max(check["seconds"] for check in found.values()) < 8
    assert found["dev/storage"]["fix"] == "check DEV_STORAGE_URL"
    assert all(found[name]["fix"] for name in mute_ones)


def test_settings_that_are_refused_are_told_in_every_form(tmp_path: Path) -> None:
    calls = [
        ("verify-setup", "--json"), ("verify-setup", "--offline", "--json"),
        ("verify-setup", "--format", "junit"), ("verify-setup", "--format", "github"),
    ]  # fmt: skip
    ended = run_series([(call, {"OCR_DPI": "many"}) for call in calls], tmp_path)
    assert [one.code for one in ended] == [3, 3, 3, 3]
    for told in ended[:2]:
        (check,) = json.loads(told.stdout)["checks"]
        assert (check["name"], check["status"]) == ("host/settings", "fail")
        assert "OCR_DPI='many'" in check["message"]
    assert ET.fromstring(ended[2].stdout).get("failures") == "1"
    assert ended[3].stdout.startswith("::error title=host/settings::OCR_DPI='many'")


def test_without_servers_and_settings_the_local_part_passes(tmp_path: Path) -> None:
    # As in CI: no database, no Redis, and a home that is never made.
    empty = Shell("", {"REGISTRE_HOME": str(tmp_path / "home")}, tmp_path)
    ran = empty.run("verify-setup", "--offline", "--strict")
    assert ran.returncode == 0, ran.stdout
    assert not (tmp_path / "home").exists()


def test_what_is_well_takes_one_line_a_group(shell: Shell) -> None:
    quiet = shell.run("verify-setup", "--offline")
    assert len(quiet.stdout.splitlines()) == 3, quiet.stdout
    assert quiet.stdout.splitlines()[-1].startswith("READY: 8 pass")
    assert len(shell.run("verify-setup", "--offline", "-v").stdout.splitlines()) == 9


def test_a_warning_fails_where_it_is_strict(shell: Shell) -> None:
    assert shell.run("verify-setup", "--offline", OCR_SPELT_WRONG="1").returncode == 0
    assert shell.run("verify-setup", "--offline", "--strict", OCR_SPELT_WRONG="1").returncode == 1


def test_machines_get_annotations_and_junit(shell: Shell) -> None:
    ran = shell.run("verify-setup", "--offline", "--format", "github", OCR_LANG="xyz")
    assert ran.returncode == 1
    assert any(
        line.startswith("::error title=reading/tesseract::") for line in ran.stdout.splitlines()
    )
    suite = ET.fromstring(shell.run("verify-setup", "--offline", "--format", "junit").stdout)
    assert suite.get("failures") == "0"
    assert len(suite.findall("testcase")) == 8


def test_capacity_answers_for_another_machine(shell: Shell) -> None:
    found = shell.json("capacity", "--cpu", "8", "--ram", "16", "--size", "2", WORKER_COUNT="1")
    assert set(found) >= {
        "host", "cpu", "ram", "classes", "recommended_pool_size", "fits", "reasons",
    }  # fmt: skip
    assert (found["cpu"]["allocated"], found["ram"]["allocated_bytes"]) == (5.5, 2_250_000_000)
    assert found["fits"] is True
    found = shell.json("capacity", "--cpu", "16", "--ram", "64", "--size", "auto")
    assert sum(found_class["workers"] for found_class in found["classes"]) == 10
    assert found["fits"] is True
    assert shell.run("capacity", "--size", "0").returncode == 2
    ran = shell.run("capacity", "--cpu", "2", "--ram", "16", "--size", "8")
    assert ran.returncode == 1
    assert "DOES NOT FIT" in ran.stdout and "CPU: 10 of 1.6 vCPU" in ran.stdout


def test_capacity_counts_who_lives_here_what_was_measured_and_what_waits(shell: Shell) -> None:
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    host = socket.gethostname()
    wishes = [Wish(0, ESTIMATES.index, firm=True), Wish(1, ESTIMATES.acte, firm=True)]
    Places(client, host, lifetime_seconds=60).ask("pool-1", wishes, Room(None, None))
    for _ in range(4):
        shell.insert(document_source="acte")
    declared = {"SERVER_MAX_CPU": "8", "SERVER_MAX_RAM": "16", "WORKER_COUNT": "1"}
    found = shell.json("capacity", **declared)
    assert (found["cpu"]["allocated"], found["ram"]["allocated_bytes"]) == (5.5, 2_250_000_000)
    assert found["living_workers"] == {"pool-1": 2}
    assert found["binding"] == "CPU: 5.5 of 6.4 vCPU"
    assert [line["workers"] for line in found["drain"]] == [1, 2]
    assert found["drain"][0]["drain_seconds"] == 2 * found["drain"][1]["drain_seconds"] > 0
    UsageRecord(client, host).add([DocumentUsage(Source.ACTE, 2.0, 1.0, 300_000_000)] * 20)
    planned = shell.json("capacity", "--size", "2", **declared)
    by_class = {found["class"]: found for found in planned["classes"]}
    assert by_class["acte"] == {
        "class": "acte", "workers": 1, "cpu_each": 0.5, "ram_each_bytes": 300_000_000,
        "measured_documents": 20,
    }  # fmt: skip
    assert by_class["index"]["measured_documents"] == 0
    shown = shell.run("capacity", **declared).stdout
    assert shown.startswith("FITS  2 workers of 1 pool that live here")
    assert "the last 20 documents read here" in shown and "estimate" in shown
    assert "4 acte of" in shown


def test_capacity_answers_where_no_server_does(shell: Shell) -> None:
    away = {"REDIS_URL": "redis://127.0.0.1:9/0", "DEV_DATABASE_URL": "postgresql://127.0.0.1:9/x"}
    found = shell.json("capacity", "--size", "1", **away)
    assert found["classes"][1]["workers"] == 1
    assert found["drain"] == []
    assert [bool(note) for note in found["notes"]] == [True, True]


def test_a_running_pool_is_seen_and_gone_after_its_end(shell: Shell) -> None:
    import os

    assert shell.run("pool", "status").returncode == 1
    pool = subprocess.Popen(
        [REGISTRE, "pool", "run"],
        env={**os.environ, **shell.settings},
        cwd=shell.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 20
        found = shell.json("pool", "status")
        while not any(pool["workers"] for pool in found["pools"]):
            assert time.monotonic() < deadline
            found = shell.json("pool", "status")
        (status,) = found["pools"]
        assert status["size"] == 2
        assert status["environments"] == ["dev"]
        assert status["allocation"] == {"index": 1, "acte": 1}
        assert set(status["workers"][0]) == {
            "worker_id", "pid", "mode", "state", "environment", "document_id", "document_number",
            "page", "pages", "since_seconds", "documents_done", "documents_failed", "rss_bytes",
            "cpu_percent",
        }  # fmt: skip
        assert found["limiter"]["tesseract"]["rpm"] == {"used": 0, "limit": None}
        assert shell.json("queue", "check")["environments"][0]["workers"] == {
            "index": 1, "acte": 1,
        }  # fmt: skip
    finally:
        pool.send_signal(signal.SIGTERM)
        assert pool.wait(20) == 0
    assert pool.stderr is not None
    lines = pool.stderr.read().splitlines()
    assert json.loads(lines[0])["event"] == "Pool started"
    assert shell.json("pool", "status")["pools"] == []
