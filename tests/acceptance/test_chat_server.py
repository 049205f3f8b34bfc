"""Vision engines against an independent server of the chat API, which judges its clients."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from ssh_server import free_port

from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words

REGISTRE = Path(sys.executable).with_name("registre")
LLMOCK = Path(sys.executable).parents[1] / "llmock" / "bin" / "llmock"
KEY = "pl4nted-k3y"
SCAN = scanned_pdf(
    [[Words(60, 100 + 24 * row, f"Vente du lot 1 234 567 no {row}", 14) for row in range(6)]],
    random.Random(1),
)


@dataclass
class ChatServer:
    """A running server; each test begins with no behaviour and no request remembered."""

    url: str

    def behave(self, *behaviours: dict[str, object]) -> None:
        body = {"behaviors": behaviours}
        httpx.post(f"{self.url}/_llmock/scenario", json=body).raise_for_status()

    def verdict(self) -> dict[str, object]:
        found: dict[str, object] = httpx.get(f"{self.url}/_llmock/verdict").json()
        return found


@pytest.fixture
def chat_server(tmp_path: Path) -> Iterator[ChatServer]:
    assert LLMOCK.exists(), "make acceptance installs llmock"
    port = free_port()
    with (tmp_path / "llmock.log").open("wb") as log:
        process = subprocess.Popen(
            [LLMOCK, "serve", "--port", str(port), "--response-style", "echo"],
            stdout=log,
            stderr=log,
        )
    server = ChatServer(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{server.url}/health").raise_for_status()
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield server
    process.terminate()
    process.wait(10)


def read_a_scan(
    server: ChatServer, redis_url: str, folder: Path
) -> subprocess.CompletedProcess[str]:
    (folder / "scan.pdf").write_bytes(SCAN)
    # The server says all messages again, 120 characters at most, with the picture at its place.
    prompts = folder / "prompts"
    prompts.mkdir()
    (prompts / "acte.txt").write_text("Lis. {fin}")
    (prompts / "suite.txt").write_text("{fin}")
    settings = {
        "OCR_ENGINE": "maison",
        "OCR_MAISON_BASE_URL": f"{server.url}/v1",
        "OCR_MAISON_MODEL": "m-1",
        "OCR_MAISON_API_KEY": KEY,
        "OCR_MAISON_PRICE_INPUT": "1",
        "OCR_MAISON_PRICE_OUTPUT": "10",
        "OCR_VISION_PROMPTS": str(prompts),
        "REDIS_URL": redis_url,
        "REGISTRE_HOME": str(folder / "home"),
    }
    return subprocess.run(
        [REGISTRE, "ocr", "scan.pdf", "--source", "acte", "--json"],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_a_page_is_read_whole_through_refusals_and_an_answer_without_its_end(
    chat_server: ChatServer, redis_url: str, tmp_path: Path
) -> None:
    chat_server.behave(
        {"type": "fail", "status": 429, "retry_after": 2, "times": 2},
        {"type": "fail", "status": 503, "times": 1},
    )
    ran = read_a_scan(chat_server, redis_url, tmp_path)
    assert ran.returncode == 0, ran.stderr
    ((page,),) = [file["pages"] for file in json.loads(ran.stdout)["files"]]
    parts = page["text"].splitlines()
    assert len(parts) == 2, "an answer without its end was taken for whole"
    assert all(part.startswith("Hello! You said: Lis.") for part in parts)
    assert page["engine"] == "maison" and page["tokens"] > 0 and page["cost_usd"] > 0
    verdict = chat_server.verdict()
    assert verdict["faults_injected"] == 3 and verdict["attempts"] == 5, verdict
    assert verdict["findings"] == [], verdict


def test_a_key_that_the_server_refuses_is_asked_with_once(
    chat_server: ChatServer, redis_url: str, tmp_path: Path
) -> None:
    chat_server.behave({"type": "fail", "status": 401, "times": None})
    ran = read_a_scan(chat_server, redis_url, tmp_path)
    assert ran.returncode == 3
    assert "OCR_MAISON_API_KEY" in ran.stderr and KEY not in ran.stdout + ran.stderr
    verdict = chat_server.verdict()
    assert verdict["attempts"] == 1 and verdict["findings"] == [], verdict
