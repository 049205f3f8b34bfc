"""The command line as a shell and a script see it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REGISTRE = Path(sys.executable).with_name("registre")
SCRIPTS = {"bash": "registre.bash", "zsh": "_registre", "fish": "registre.fish"}
GROUPS = [
    (), ("queue",), ("pool",), ("db",), ("demo",), ("ocr",), ("capacity",), ("verify-setup",),
    ("completion",), ("queue", "check"), ("queue", "add"), ("pool", "run"), ("db", "migrate"),
    ("deploy",), ("deploy", "rollback"), ("boost",), ("boost", "check"), ("boost", "explain"),
    ("queue", "search"),
]  # fmt: skip


def registre(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REGISTRE, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.mark.parametrize("command", GROUPS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...]) -> None:
    ran = registre(*command, "--help")
    assert ran.returncode == 0
    assert ran.stdout.startswith("Usage: registre")
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quue"], "Did you mean 'queue'?"),
        (["queue", "chek"], "Did you mean 'check'"),
        (["capacity", "--siz", "2"], "--size"),
        (["pool", "run", "--max-documents", "0"], "--max-documents"),
        (["queue", "retry"], "no document is named"),
        (["queue", "list", "--status", "9"], "--status"),
        (["queue", "search", "vente", "--limt", "2"], "no such option: --limt"),
        (["queue", "show", "1", "--text", "raw", "--json"], "--text is a view of its own"),
        (["boost", "explain"], "give a file or --document ID"),
        (["boost", "explain", "no-such.txt"], "no such file"),
        (["boost", "explain", "/"], "is a directory"),
        (["ocr", "no-such.pdf"], "No such file"),
        (["pool", "run", "--size", "0"], "--size 0 is no size"),
        (["pool", "run", "--size", "many"], "--size many is no size"),
        (["capacity", "--size", "-1"], "--size -1 is no size"),
        (["pool", "run", "--size", "2", "--min-index", "2", "--min-acte", "1"], "do not fit"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_right(arguments: list[str], said: str) -> None:
    ran = registre(*arguments)
    assert ran.returncode == 2, ran.stderr
    assert said in ran.stderr
    assert ran.stdout == ""


def test_a_wrong_setting_exits_3_with_its_name() -> None:
    ran = registre("queue", "check", OCR_LEASE_SECONDS="soon")
    assert ran.returncode == 3
    assert "OCR_LEASE_SECONDS='soon'" in ran.stderr


def test_a_temporary_folder_too_deep_for_a_socket_exits_3_with_the_way_out(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80)
    deep.mkdir()
    (tmp_path / "1.pdf").write_bytes(b"%PDF-1.4")
    ran = registre("ocr", str(tmp_path / "1.pdf"), TMPDIR=str(deep))
    assert ran.returncode == 3
    assert "set TMPDIR to a shorter one" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_database_that_does_not_answer_exits_4_where_it_is_needed() -> None:
    dsn = "postgresql://u:pl4nted@127.0.0.1:9/x"
    ran = registre("queue", "list", DEV_DATABASE_URL=dsn)
    assert ran.returncode == 4
    assert "PostgreSQL cannot be reached" in ran.stderr
    assert "pl4nted" not in ran.stderr + ran.stdout


@pytest.mark.parametrize(
    "command",
    [
        "--help | true",
        "queue --help | true",
        "capacity --cpu 8 --ram 16 --size 2 | true",
        "capacity --cpu 8 --ram 16 --size 2 --json | true",
    ],
)
def test_a_reader_that_leaves_is_no_error(command: str) -> None:
    ran = subprocess.run(
        f"{REGISTRE} {command}; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable=shutil.which("bash"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.endswith("0\n")
    assert ran.stderr == ""


@pytest.mark.parametrize(("shell", "file"), SCRIPTS.items())
def test_the_completion_scripts_are_current(shell: str, file: str) -> None:
    assert registre("completion", shell).stdout == (ROOT / "completions" / file).read_text()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["registre", ""], "verify-setup"),
        (["registre", "queue", "re"], "release"),
        (["registre", "pool", "run", "--min"], "--min-acte"),
    ],
)
def test_bash_completes_commands_that_are_loaded_late(typed: list[str], offered: str) -> None:
    words = " ".join(f"'{word}'" for word in typed)
    ran = subprocess.run(
        [
            "bash",
            "-c",
            f"source {ROOT}/completions/registre.bash; COMP_WORDS=({words}); "
            f"COMP_CWORD={len(typed) - 1}; _registre_completion registre; "
            'echo "${COMPREPLY[@]}"',
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{REGISTRE.parent}:{os.environ['PATH']}"},
        check=False,
    )
    assert offered in ran.stdout.split()


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        ("--help", "psycopg redis numpy pypdfium2 pydantic httpx obstore PIL tesserocr structlog"),
        ("queue list", "redis numpy pypdfium2 httpx obstore PIL tesserocr psutil"),
    ],
)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(arguments: str, heavy: str) -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.argv = ['registre', *{arguments.split()!r}]\n"
            "from registre_cli.app import main\n"
            "try: main()\nexcept SystemExit: pass\n"
            f"print([name for name in {heavy.split()!r} if name in sys.modules])",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DEV_DATABASE_URL": "postgresql://u:p@127.0.0.1:9/x"},
        check=True,
    )
    assert ran.stdout.splitlines()[-1] == "[]"
