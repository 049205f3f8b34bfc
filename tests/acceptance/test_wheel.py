"""The wheel in an empty environment, with an empty home: a working program."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A home that nobody used before."""
    keep = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(tmp_path)}
    return {**keep, "TERM": "dumb"}


def run(program: Path, *arguments: str, home: dict[str, str], seconds: float = 120):  # type: ignore[no-untyped-def]
    return subprocess.run(
        [program, *arguments],
        env=home,
        cwd=home["HOME"],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.timeout(300)
def test_the_demo_reads_nineteen_documents_twice(installed: Path, home: dict[str, str]) -> None:
    for _ in range(2):
        ran = run(installed / "registre", "demo", "--json", home=home)
        assert ran.returncode == 0, ran.stderr
        result = json.loads(ran.stdout)
        assert result["ok"] is True
        assert result["documents_done"] == len(result["documents"]) == 19
        assert all(document["status_id"] == 5 for document in result["documents"])
        assert result["mean_confidence"] > 85
    shown = run(installed / "registre", "queue", "check", "--json", home=home)
    counts = json.loads(shown.stdout)["environments"][0]["counts"]
    assert (counts["index"]["done"], counts["acte"]["done"]) == (24, 14)


@pytest.mark.timeout(120)
def test_an_interrupted_demo_leaves_nothing_running(installed: Path, home: dict[str, str]) -> None:
    demo = subprocess.Popen(
        [installed / "registre", "demo"],
        env=home,
        cwd=home["HOME"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stderr is not None
    for line in demo.stderr:
        if "Processing job" in line:
            break
    os.killpg(demo.pid, signal.SIGINT)
    demo.stderr.read()
    assert demo.wait(20) in {1, 130}
    deadline = time.monotonic() + 20
    while left := _processes_of(installed):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_every_data_file_is_in_the_wheel(installed: Path, home: dict[str, str]) -> None:
    ran = run(
        installed / "python",
        "-c",
        "from registre_cli.queue.migrate import migrations\n"
        "from registre_cli.ocr.boost import load_rules\n"
        "from importlib.resources import files\n"
        "assert len(migrations()) >= 3 and len(load_rules().rules) >= 10\n"
        "assert files('registre_cli.limiter').joinpath('limiter.lua').is_file()\n"
        "assert files('registre_cli').joinpath('py.typed').is_file()",
        home=home,
    )
    assert ran.returncode == 0, ran.stderr


def _processes_of(installed: Path) -> list[str]:
    folder = str(installed.parent)
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if any(folder in part for part in process.info["cmdline"] or ())
    ]
