"""Log lines: one JSON object a line in the order of the contract."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from registre_cli.core.log import configure_logging, get_logger


@pytest.fixture(autouse=True)
def own_configuration() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_a_line_is_one_json_object_that_starts_with_time_level_and_event() -> None:
    out = io.StringIO()
    configure_logging("info", "auto", out)
    get_logger(worker_id="w1").info("Claimed job", document_id="é\n7")
    (line,) = out.getvalue().splitlines()
    document = json.loads(line)
    assert list(document)[:3] == ["timestamp", "level", "event"]
    assert document["timestamp"].endswith("Z")
    assert document["event"] == "Claimed job"
    assert (document["worker_id"], document["document_id"]) == ("w1", "é\n7")


def test_lines_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    configure_logging("warning", "json", out)
    get_logger().info("Claimed job")
    assert out.getvalue() == ""


def test_the_console_format_defuses_escapes() -> None:
    out = io.StringIO()
    configure_logging("info", "console", out)
    try:
        raise ValueError("\x1b[2J2\n\x9b31m")
    except ValueError:
        get_logger().exception("Claimed job", document_number="\x1b[2J1", pages=["\x1b"])
    assert "\x1b" not in out.getvalue() and "\x9b" not in out.getvalue()
    assert "Traceback" in out.getvalue() and "[2J2\n" in out.getvalue()


def test_json_lines_hold_nothing_that_a_terminal_could_obey() -> None:
    out = io.StringIO()
    configure_logging("info", "json", out)
    number = "\x1b[2J \x9b31m \u202e \x7f é"
    get_logger().info("Claimed job", document_number=number)
    (line,) = out.getvalue().splitlines()
    assert line.isprintable() and "é" in line
    assert json.loads(line)["document_number"] == number
