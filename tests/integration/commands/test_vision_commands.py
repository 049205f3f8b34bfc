"""A pool that reads with vision models, from outside: what is stored, shown, spent and hidden."""

import json
import random
from collections.abc import Iterator

import psycopg
import pytest
import redis
from conftest import Shell
from vision_server import VisionServer, good, refusal, slow, status

from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words

KEY = "pl4nted-k3y"
SCAN = scanned_pdf(
    [[Words(60, 100 + 24 * row, f"Vente du lot 1 234 567 no {row}", 14) for row in range(6)]] * 2,
    random.Random(1),
)


@pytest.fixture
def server() -> Iterator[VisionServer]:
    server = VisionServer()
    yield server
    server.close()


@pytest.fixture
def vision(shell: Shell, server: VisionServer) -> Shell:
    """A shell whose engine is our server; the scan is in its storage."""
    (shell.folder / "scan.pdf").write_bytes(SCAN)
    shell.settings.update({
        "OCR_ENGINE": "gemini",
        "OCR_GEMINI_BASE_URL": server.url,
        "OCR_GEMINI_MODEL": "m-1",
        "OCR_GEMINI_API_KEY": KEY,
        "OCR_GEMINI_PRICE_INPUT": "1",
        "OCR_GEMINI_PRICE_OUTPUT": "10",
        "OCR_GEMINI_MAX_TOKENS": "1000",
        "OCR_DPI": "100",
        "LOG_FORMAT": "json",
    })  # fmt: skip
    return shell


def add(shell: Shell, documents: int) -> list[str]:
    return [
        shell.insert(document_number=f"n{number}", supabase_path="scan.pdf")
        for number in range(documents)
    ]


def states(shell: Shell) -> list[tuple[object, ...]]:
    return shell.ask(
        "SELECT status_id, coalesce(ocr_attempts, 0), count(*) FROM extraction_queue"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    )


def everything_that_is_kept(shell: Shell) -> str:
    """All text of the queue and all of Redis."""
    client = redis.Redis.from_url(shell.settings["REDIS_URL"])
    kept = [str(client.dump(key)) for key in client.scan_iter()]
    with psycopg.connect(shell.dsn) as connection:
        rows = connection.execute("SELECT row_to_json(q)::text FROM extraction_queue AS q")
        return "".join(kept) + "".join(text for (text,) in rows)


def test_who_read_each_page_and_what_it_cost_is_stored_and_shown(
    vision: Shell, server: VisionServer
) -> None:
    ids = add(vision, 2)
    ran = vision.run("pool", "run", "--burst", "--json")
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["pages_by_engine"] == {"gemini": 4}
    assert summary["tokens"] == 4400
    assert summary["cost_usd"] == pytest.approx(0.008)
    ((pages,),) = vision.ask("SELECT ocr_pages FROM extraction_queue WHERE id::text = %s", ids[0])
    assert [(p["engine"], p["tokens"], p["cost_usd"]) for p in pages] == [  # type: ignore[attr-defined]
        ("gemini", 1100, 0.002)
    ] * 2
    shown = vision.run("queue", "show", ids[0]).stdout
    assert "gemini" in shown and "2,200 tokens" in shown and "$0.0040" in shown
    assert KEY not in ran.stdout + ran.stderr + shown + everything_that_is_kept(vision)


def test_a_refused_key_stops_the_pool_and_costs_no_document_a_try(
    vision: Shell, server: VisionServer
) -> None:
    add(vision, 6)
    server.always = status(401, f"Incorrect API key provided: {KEY}")
    ran = vision.run("pool", "run")
    assert ran.returncode == 3
    assert "gemini refuses the key" in ran.stderr and "OCR_GEMINI_API_KEY" in ran.stderr
    assert states(vision) == [(3, 0, 6)]
    assert KEY not in ran.stdout + ran.stderr + everything_that_is_kept(vision)


def test_a_page_that_one_engine_refuses_is_read_by_the_next(
    vision: Shell, server: VisionServer
) -> None:
    (document,) = add(vision, 1)
    server.script.append(refusal())
    ran = vision.run(
        "pool", "run", "--burst", "--json", OCR_ENGINE="gemini,tesseract", OCR_DPI="200"
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["pages_by_engine"] == {"tesseract": 1, "gemini": 1}
    ((text,),) = vision.ask("SELECT file_content FROM extraction_queue")
    assert "Vente du lot 1 234 567 no 5" in str(text)
    assert "tesseract" in vision.run("queue", "show", document).stdout


def test_a_pool_ends_before_it_would_cost_more_than_allowed(
    vision: Shell, server: VisionServer
) -> None:
    add(vision, 10)
    server.always = slow(0.05, good())
    ran = vision.run("pool", "run", "--size", "4", "--max-cost", "0.03", "--json")
    assert ran.returncode == 1
    assert "--max-cost 0.03" in ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["cost_usd"] == pytest.approx(0.002 * len(server.asked))
    assert 0.01 < summary["cost_usd"] <= 0.03
    assert summary["documents_failed"] == summary["tries_failed"] == 0
    assert {row[0] for row in states(vision)} <= {3, 5}


def test_a_bound_on_money_needs_prices(vision: Shell) -> None:
    ran = vision.run("pool", "run", "--max-cost", "1", OCR_GEMINI_PRICE_OUTPUT="")
    assert ran.returncode == 3
    assert "OCR_GEMINI_PRICE_OUTPUT" in ran.stderr


def test_a_429_holds_every_worker_and_costs_no_document_a_try(
    vision: Shell, server: VisionServer
) -> None:
    add(vision, 4)
    server.script.extend([status(429, Retry_After="2")] * 3)
    ran = vision.run("pool", "run", "--burst", "--size", "3", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["tries_failed"] == 0
    times = sorted(asked.at for asked in server.asked)
    refused_at = times[0]
    rest = [at for at in times[3:] if at - refused_at < 2]
    assert not rest, "somebody asked while all were held"


def test_no_more_requests_are_on_their_way_than_the_engine_allows(
    vision: Shell, server: VisionServer
) -> None:
    add(vision, 4)
    server.always = slow(0.2, good())
    ran = vision.run("pool", "run", "--burst", "--size", "4", OCR_GEMINI_CONCURRENCY="2")
    assert ran.returncode == 0, ran.stderr
    assert server.most_at_once == 2


def test_files_are_read_through_the_same_budgets(vision: Shell, server: VisionServer) -> None:
    found = vision.json("ocr", "scan.pdf")
    assert [page["engine"] for page in found["files"][0]["pages"]] == ["gemini"] * 2
    limiter = vision.run("pool", "status", "--json")
    assert json.loads(limiter.stdout)["limiter"]["gemini"]["rpm"] == {"used": 2, "limit": 1600}
    server.always = status(403)
    refused = vision.run("ocr", "scan.pdf")
    assert refused.returncode == 3 and KEY not in refused.stderr


def test_the_setup_check_asks_each_engine_one_question(vision: Shell, server: VisionServer) -> None:
    def found() -> tuple[str, str]:
        ran = vision.run("verify-setup", "--json", OCR_ENGINE="gemini,tesseract")
        assert KEY not in ran.stdout + ran.stderr
        checks = {check["name"]: check for check in json.loads(ran.stdout)["checks"]}
        assert checks["reading/tesseract"]["status"] == "pass"
        return checks["reading/gemini"]["status"], checks["reading/gemini"]["message"]

    assert found() == ("pass", "the model m-1 answers")
    server.always = status(401, f"Incorrect API key provided: {KEY}")
    assert found() == ("fail", "gemini refuses the key (HTTP 401)")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("name", "fix"),
    [("OCR_GEMINI_MODEL", "OCR_GEMINI_MODEL"), ("OCR_GEMINI_API_KEY", "OCR_GEMINI_API_KEY")],
)
def test_an_engine_that_is_not_fully_set_is_refused_at_start(
    vision: Shell, name: str, fix: str
) -> None:
    ran = vision.run("pool", "run", **{name: ""})
    assert ran.returncode == 3
    assert fix in ran.stderr


def test_an_unknown_engine_is_refused_with_the_names_that_are_known(vision: Shell) -> None:
    ran = vision.run("pool", "run", OCR_ENGINE="magic")
    assert ran.returncode == 3
    assert "gemini" in ran.stderr and "OCR_MAGIC_BASE_URL" in ran.stderr


def test_a_persons_own_prompt_is_asked(vision: Shell, server: VisionServer) -> None:
    own = vision.folder / "prompts"
    own.mkdir()
    (own / "acte.txt").write_text("Lis bien. {fin}")
    vision.run("ocr", "scan.pdf", OCR_VISION_PROMPTS=str(own))
    assert server.asked[0].words.startswith("Lis bien. <<<FIN")
    (own / "acte.txt").write_text("Lis bien.")
    refused = vision.run("ocr", "scan.pdf", OCR_VISION_PROMPTS=str(own))
    assert refused.returncode == 3 and "{fin}" in refused.stderr
