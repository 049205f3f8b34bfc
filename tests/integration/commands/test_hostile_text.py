"""Text of others is planted wherever it can stand, and shown by every command: harmlessly."""

import fcntl
import json
import os
import pty
import random
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
import redis
from command_series import Ended, run_series
from conftest import REGISTRE, Shell

from registre_cli.core.documents import Source
from registre_cli.core.errors import RegistreError
from registre_cli.demo.scan import scanned_pdf
from registre_cli.deploy.history import Ending
from registre_cli.deploy.plan import Plan, Step, StepName
from registre_cli.deploy.watcher import Failure, Outcome
from registre_cli.ocr.drawing import Words
from registre_cli.pool.models import PoolStatus, WorkerState, WorkerStatus
from registre_cli.pool.registry import publish
from registre_cli.ui.deploy import Progress, outcome_document, show_outcome, show_plan

# Markup, a cleared screen, a window's title, an escape of one byte, a line that turns round, a
# line of its own for CI, the end of XML's text, performance data, and what breaks lines.
HOSTILE = (
    "[bold red]9[/] \x1b[2J\x1b]0;owned\x07\x9b31m \u202eba\u2066\n::error::owned\r"
    "]]><b a='&'>|'own'=1 %0A\x7f\u2028\x85end"
)


def assert_harmless(text: str, what: object) -> None:
    """Nothing but lines of what can be seen, and none that a program would take for an order."""
    obeyed = {c for c in text if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029"} - {"\n"}
    assert not obeyed, (what, obeyed)
    assert "\\[" not in text, (what, "markup was escaped, and then not taken as markup")


def assert_one_line_stays_one(text: str, what: object) -> None:
    assert not any(line.startswith("::error::owned") for line in text.split("\n")), what


@pytest.fixture
def hostile(shell: Shell) -> Iterator[Shell]:
    """A queue, a Redis and a deploy's history that are full of it."""
    everything = {
        "document_number": HOSTILE, "circonscription_fonciere": HOSTILE, "cadastre": HOSTILE,
        "acte_type": HOSTILE, "supabase_path": HOSTILE, "ocr_worker_id": HOSTILE,
    }  # fmt: skip
    entry = {"attempt": HOSTILE, "ended_at": HOSTILE, "outcome": HOSTILE, "worker_id": HOSTILE,
             "reason": HOSTILE}  # fmt: skip
    page = {"number": HOSTILE, "source": HOSTILE, "engine": HOSTILE, "look": HOSTILE,
            "rotation": HOSTILE, "width": HOSTILE, "height": HOSTILE, "dpi": HOSTILE}  # fmt: skip
    row = dict.fromkeys(("page", "line", "rule", "text", "message", "name", "value", "kind",
                         "number", "date", "nature", "parties", "amount"), HOSTILE)  # fmt: skip
    shell.settings["HOSTILE_ID"] = shell.insert(
        **everything, status_id=4, ocr_error=HOSTILE, ocr_last_error_at="now()",
        file_content=HOSTILE, boosted_file_content=HOSTILE + " 1",
        ocr_pages=json.dumps([page]), ocr_history=json.dumps([entry]),
        ocr_fields=json.dumps({"fields": [row], "entries": [row], "flags": [row]}),
    )  # fmt: skip
    shell.insert(**everything, ocr_attempts=3)
    shell.insert(**everything)
    shell.insert(**{**everything, "document_source": HOSTILE})
    shell.insert(**everything, status_id=6, ocr_lease_until="2020-01-01")
    (shell.folder / "1.pdf").write_bytes(
        scanned_pdf([[Words(60, 100, "Lot 1 234 567", 14)]], random.Random(1))
    )
    shell.insert(**{**everything, "supabase_path": "1.pdf"})
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    worker = WorkerStatus(HOSTILE, 1, Source.INDEX, WorkerState.WORKING, HOSTILE, HOSTILE, HOSTILE,
                          1, 2, 1.0, 0, 0, 1, 0.0)  # fmt: skip
    publish(
        client,
        PoolStatus(HOSTILE, HOSTILE, HOSTILE, datetime.now(UTC), 1, (HOSTILE, "staging"), False,
                   True, {Source.INDEX: 1}, (worker,), notes=(HOSTILE,), release=HOSTILE),
    )  # fmt: skip
    client.persist(f"registre:pool:{HOSTILE}")
    deploy = shell.folder / "home" / "deploy"
    deploy.mkdir(parents=True)
    record = {"at": "2026-01-02T03:04:05Z", "kind": "deploy", "release": HOSTILE, "previous": None,
              "manager": "pm2", "operator": HOSTILE, "ending": "broken", "seconds": 1,
              "step": HOSTILE, "error": HOSTILE}  # fmt: skip
    (deploy / "history.jsonl").write_text(json.dumps(record) + "\n")
    shell.settings |= {"COLUMNS": "180", "REGISTRE_HOME": str(shell.folder / "home")}
    yield shell
    client.delete(f"registre:pool:{HOSTILE}")
    client.close()


def commands(document_id: str) -> list[tuple[str, ...]]:
    return [
        ("queue", "check"),
        ("queue", "check", "--format", "nagios"),
        ("queue", "list"),
        ("queue", "show", document_id),
        *(("queue", "show", document_id, "--text", which) for which in ("raw", "boosted", "diff")),
        ("queue", "show", document_id, "--fields"),
        ("queue", "search", "owned"),
        ("queue", "search", HOSTILE),
        ("boost", "explain", "--document", document_id),
        ("boost", "explain", "hostile.txt"),
        ("boost", "check", HOSTILE),
        ("queue", "show", HOSTILE),
        ("queue", "list", "--env", HOSTILE),
        ("pool", "status"),
        ("pool", "pause", "--pool", HOSTILE),
        ("capacity",),
        ("verify-setup", "--verbose"),
        ("verify-setup", "--format", "github"),
        ("verify-setup", "--format", "junit"),
        ("verify-setup", "--env-file", HOSTILE),
        ("db", "status"),
        ("deploy", "status"),
        ("deploy", "history"),
        ("deploy", "history", "--host", HOSTILE),
        ("ocr", HOSTILE),
        ("ocr", "odd\udcff\x1b[2J.pdf"),
    ]


def in_json(document_id: str) -> list[tuple[str, ...]]:
    return [
        ("queue", "check", "--json"), ("queue", "list", "--json"),
        ("queue", "show", document_id, "--json"), ("queue", "search", "owned", "--json"),
        ("boost", "explain", "--document", document_id, "--json"), ("pool", "status", "--json"),
        ("capacity", "--json"), ("verify-setup", "--json"), ("db", "status", "--json"),
        ("deploy", "status", "--json"), ("deploy", "history", "--json"),
        ("ocr", "odd\udcff\x1b[2J.pdf", "--json"),
    ]  # fmt: skip


def test_no_command_lets_a_text_of_others_be_obeyed(hostile: Shell) -> None:
    document_id = hostile.settings["HOSTILE_ID"]
    (hostile.folder / "odd\udcff\x1b[2J.pdf").write_bytes(b"no PDF")
    (hostile.folder / "hostile.txt").write_text(HOSTILE)
    texts, documents = commands(document_id), in_json(document_id)
    calls = [(call, hostile.settings) for call in (*texts, *documents)]
    ended = run_series(calls, hostile.folder)
    for one in ended:
        assert_harmless(one.said, one.arguments)
        if "--text" not in one.arguments:
            assert_one_line_stays_one(one.said, one.arguments)
        assert "Traceback" not in one.stderr, one
        if one.arguments in documents:
            json.loads(one.stdout)
    by_call = {one.arguments: one for one in ended}
    assert_each_form_holds(by_call, document_id)


def assert_each_form_holds(by_call: dict[tuple[str, ...], Ended], document_id: str) -> None:
    """The text is there, seen and whole where it must be: what shows nothing is harmless, too."""
    for seen in (("queue", "check"), ("queue", "list"), ("queue", "show", document_id),
                 ("pool", "status"), ("deploy", "history")):  # fmt: skip
        assert "[bold red]9[/] �[2J�]0;owned" in by_call[seen].stdout, seen
    shown = json.loads(by_call["queue", "show", document_id, "--json"].stdout)
    assert shown["document_number"] == shown["raw_text"] == HOSTILE
    assert shown["history"][0]["reason"] == shown["pages"][0]["engine"] == HOSTILE
    checked = json.loads(by_call["queue", "check", "--json"].stdout)
    assert HOSTILE in {item["document_number"] for item in checked["environments"][0]["blocked"]}
    pools = json.loads(by_call["pool", "status", "--json"].stdout)["pools"]
    assert pools[0]["workers"][0]["document_number"] == HOSTILE
    suite = ET.fromstring(by_call["verify-setup", "--format", "junit"].stdout)
    assert len(suite.findall("testcase")) > 8
    (line,) = by_call["queue", "check", "--format", "nagios"].stdout.splitlines()
    assert line.count(" | ") == 1 and "'own'=1" not in line.split(" | ")[1]
    annotations = by_call["verify-setup", "--format", "github"].stdout.splitlines()
    assert annotations and all(line.startswith("::") and "%0A" not in line for line in annotations)
    odd = json.loads(by_call["ocr", "odd\udcff\x1b[2J.pdf", "--json"].stdout)
    assert odd["files"][0]["file"] == "odd\udcff\x1b[2J.pdf"


def test_a_log_line_is_one_line_and_harmless_in_both_forms(hostile: Shell) -> None:
    for form in ("json", "console"):
        hostile.ask("UPDATE extraction_queue SET status_id = 3, ocr_attempts = 0,"
                    " ocr_not_before = NULL, file_content = NULL, ocr_lease_until = NULL"
                    " WHERE document_source = 'index'")  # fmt: skip
        ran = hostile.run("pool", "run", "--burst", "--size", "1", LOG_FORMAT=form)
        assert_harmless(ran.stderr, form)
        assert_one_line_stays_one(ran.stderr, form)
        told = [line for line in ran.stderr.splitlines() if "Claimed job" in line]
        assert told and all("owned" in line for line in told)
        if form == "json":
            assert {json.loads(line)["document_number"] for line in told} == {HOSTILE}


@pytest.mark.parametrize(
    "arguments", [("pool", "run", "--size", "1"), ("queue", "check", "--watch")]
)
def test_a_live_view_holds_none_of_it(hostile: Shell, arguments: tuple[str, ...]) -> None:
    seen = seen_on_a_terminal(hostile, arguments, until="bold red]9[/]")
    for order in ("\x1b]0;", "\x9b", "\u202e", "\u2066", "\x1b[2J\x1b]", "\x07"):
        assert order not in seen, (arguments, order)


def seen_on_a_terminal(shell: Shell, arguments: tuple[str, ...], until: str) -> str:
    """Return everything that a terminal of 160×40 gets until `until`, and until Ctrl-C ended it."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    settings = {name: value for name, value in shell.settings.items() if name != "COLUMNS"}
    program = subprocess.Popen(
        [REGISTRE, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=shell.folder,
        env={**os.environ, **settings, "TERM": "xterm-256color"}, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen, deadline = "", time.monotonic() + 40
    while program.poll() is None:
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([mine], [], [], 0.1)[0]:
            try:
                seen += os.read(mine, 65536).decode(errors="replace")
            except OSError:
                break
        if until in seen:
            program.send_signal(signal.SIGINT)
    program.wait(20)
    os.close(mine)
    assert until in seen, seen[-2000:]
    return seen


def test_what_a_deploy_tells_of_its_target_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    step = Step(StepName.LEGACY, HOSTILE, HOSTILE, lambda: None)
    plan = Plan(HOSTILE, HOSTILE, (step,), warnings=(HOSTILE,))
    failure = Failure(StepName.HEALTH, RegistreError(HOSTILE, fix=HOSTILE), log=(HOSTILE,))
    outcome = Outcome(plan, 1.0, Ending.BROKEN, failure, RegistreError(HOSTILE))
    show_plan(plan)
    Progress(several=True).says(HOSTILE, HOSTILE)
    show_outcome(HOSTILE, outcome)
    said = capsys.readouterr()
    assert_harmless(said.out + said.err, "deploy")
    assert_one_line_stays_one(said.out + said.err, "deploy")
    assert said.err.count("[bold red]9[/]") > 8
    assert outcome_document(HOSTILE, outcome)["log"] == [HOSTILE]
