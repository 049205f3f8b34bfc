"""The live view in a real terminal."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import Terminal

PROGRAM = Path(__file__).parents[2] / "live_program.py"


@contextmanager
def live(*arguments: object, columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    command = [sys.executable, PROGRAM, *map(str, arguments)]
    with Terminal(command, columns=columns, rows=rows) as terminal:
        terminal.wait_text("q stop")
        yield terminal


def assert_whole(terminal: Terminal) -> None:
    """One view stands on the screen, and no second one's remains."""
    for once in ("Pool reader-1-100-ab", "q stop", "mode  ", "2 workers wait for room"):
        assert terminal.count(once) == 1, (once, terminal.lines)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 50), (200, 50), (80, 12)])
def test_the_workers_stay_whatever_the_screen_and_the_queue(columns: int, rows: int) -> None:
    with live(40, 3, columns=columns, rows=rows) as terminal:
        assert_whole(terminal)
        shown = [line for line in terminal.lines if "working" in line or "idle" in line]
        assert len(shown) >= (4 if rows >= 24 else 1)
        (more,) = [line for line in terminal.lines if line.lstrip().startswith("+")]
        assert more.split() == [f"+{40 - len(shown)}", "more"]
        assert all(len(line) <= columns for line in terminal.lines)
        assert terminal.count("3703701 eligible") + terminal.count("prod") >= 1
        # What a document says is no command of the terminal.
        assert not any("\x1b" in line for line in terminal.lines)


def test_keys_order_the_pool_about_and_the_end_leaves_the_terminal_as_it_was() -> None:
    with live(2, 1) as terminal:
        assert terminal.reads_single_keys and terminal.cursor_is_hidden
        terminal.press("++")
        terminal.wait_text("4 of 4 workers")
        terminal.press("-")
        terminal.wait_text("3 of 3 workers")
        terminal.press("p")
        terminal.wait_text("PAUSED")
        terminal.press("px")
        terminal.wait_for(lambda: not terminal.count("PAUSED"), "it is still paused")
        terminal.press("----------")
        terminal.wait_text("1 of 1 workers")
        terminal.press("q")
        assert terminal.process.wait(20) == 0
        terminal.wait_for(terminal.is_as_it_was, "the terminal is not as it was")
        terminal.wait_for(lambda: not terminal.count("q stop"), "the view is still there")


def test_a_screen_of_another_size_is_drawn_anew() -> None:
    with live(6, 1, columns=120, rows=40) as terminal:
        for columns, rows in ((80, 24), (200, 50), (70, 20)):
            terminal.resize(columns, rows)
            seen = len(terminal.output)
            terminal.wait_for(lambda seen=seen: len(terminal.output) > seen + 3000, "no redraw")  # type: ignore[misc]
            terminal.wait_for(lambda: terminal.count("q stop") == 1, "torn")
            assert_whole(terminal)


def test_a_storm_of_log_lines_tears_nothing_and_does_not_raise_the_redraws() -> None:
    with live(3, 1, "lines", 20) as terminal:
        seen, began = len(terminal.output), time.monotonic()
        time.sleep(4)
        drawn = terminal.output[seen:].count(b"q stop")
        elapsed = time.monotonic() - began
        assert 1 <= drawn <= 4 * elapsed + 1
        terminal.wait_text("Worker lost")
        terminal.wait_for(lambda: terminal.count("q stop") == 1, "torn")
        assert_whole(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_terminal_is_as_it_was_after_a_signal_to_the_pool(
    number: signal.Signals, tmp_path: Path
) -> None:
    registre = Path(sys.executable).with_name("registre")
    settings = {
        "OCR_DEV": "true",
        "DEV_DATABASE_URL": "postgresql://127.0.0.1:9/nowhere",
        "DEV_STORAGE_URL": tmp_path.as_uri(),
        "REGISTRE_HOME": str(tmp_path),
    }
    command = [registre, "pool", "run"]
    with Terminal(command, environment=settings, folder=tmp_path) as terminal:
        terminal.wait_text("q stop", 60)
        assert terminal.reads_single_keys
        if number is signal.SIGINT:
            terminal.press("\x03")
        else:
            terminal.process.send_signal(number)
        assert terminal.process.wait(60) == 0
        terminal.wait_for(terminal.is_as_it_was, "the terminal is not as it was")


def test_the_terminal_is_as_it_was_after_a_crash() -> None:
    with live(2, 1, "crash") as terminal:
        assert terminal.process.wait(20) == 1
        terminal.wait_text("ZeroDivisionError")
        terminal.wait_for(terminal.is_as_it_was, "the terminal is not as it was")


@pytest.fixture
def shell() -> Iterator[Terminal]:
    command = ["bash", "--norc", "--noediting", "-i"]
    with Terminal(command, environment={"PS1": "ready> "}) as terminal:
        terminal.wait_text("ready>")
        yield terminal


def test_a_stopped_pool_gives_the_terminal_back_and_takes_it_again(shell: Terminal) -> None:
    shell.press(f"{sys.executable} {PROGRAM} 2 1\n")
    shell.wait_text("q stop")
    assert shell.reads_single_keys
    shell.press("\x1a")
    shell.wait_text("Stopped")
    shell.wait_for(lambda: not shell.reads_single_keys, "keys are still read one by one")
    assert not shell.cursor_is_hidden
    shell.press("echo still-$((40+2))\n")
    shell.wait_text("^still-42")
    shell.press("fg\n")
    shell.wait_for(lambda: shell.reads_single_keys and shell.count("q stop") == 1, "not back")
    shell.press("+")
    shell.wait_text("3 of 3 workers")
    shell.press("q")
    shell.wait_text("ready>")
    shell.press("stty -a | tr ';' '\\n' | grep -c -- '-icanon'\n")
    shell.wait_text("^0$")


def test_a_pool_in_the_background_draws_nothing_and_reads_no_key(shell: Terminal) -> None:
    shell.press(f"{sys.executable} {PROGRAM} 2 1 &\n")
    time.sleep(3)
    assert shell.count("q stop") == 0
    shell.press("echo typed-$((40+2))\n")
    shell.wait_text("^typed-42")
    shell.press("fg\n")
    shell.wait_text("q stop")
    shell.press("q")
    shell.wait_for(lambda: not shell.count("q stop"), "it did not stop")


def test_the_view_takes_a_small_part_of_a_processor() -> None:
    command = [sys.executable, PROGRAM, "16", "2", "cpu", "6"]
    with Terminal(command, columns=200, rows=50) as terminal:
        terminal.wait_text("cpu [0-9]")
        (line,) = [line for line in terminal.lines if line.startswith("cpu ")]
        assert float(line.split()[1].rstrip("%")) < 2
