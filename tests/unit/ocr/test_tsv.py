"""Tesseract's table of words: the order in which its blocks are read."""

import random
import time

from registre_cli.ocr.blocks import reading_order
from registre_cli.ocr.models import Box
from registre_cli.ocr.tsv import text_of, words_of


def table(*blocks: tuple[int, int, int, str]) -> str:
    """Return a table of blocks of one line each: left, top, width, text."""
    rows = []
    for number, (left, top, width, text) in enumerate(blocks, start=1):
        rows.append(f"4\t1\t{number}\t1\t1\t0\t{left}\t{top}\t{width}\t40\t-1\t")
        rows.append(f"5\t1\t{number}\t1\t1\t1\t{left}\t{top}\t{width}\t40\t90\t{text}")
    return "\n".join(rows)


def lines(*blocks: tuple[int, int, int, str]) -> list[str]:
    return text_of(words_of(table(*blocks))).split("\n\n")


def test_a_bent_line_that_comes_first_is_read_under_the_lines_above_it() -> None:
    bent = (507, 1090, 898, "third")
    first, second, fourth = (
        (679, 835, 1563, "first"),
        (549, 1008, 1644, "second"),
        (545, 1176, 1674, "fourth"),
    )
    assert lines(bent, first, second, fourth) == ["first", "second", "third", "fourth"]
    assert [word.line for word in words_of(table(bent, first))] == [0, 1]


def test_columns_and_notes_in_the_margin_are_read_in_the_engine_s_order() -> None:
    columns = [
        (100, 100, 900, "title"),
        (100, 200, 400, "left"),
        (100, 900, 400, "left below"),
        (600, 210, 400, "right"),
        (600, 910, 400, "right below"),
        (100, 1500, 900, "foot"),
    ]
    assert lines(*columns) == [text for *_, text in columns]
    margin = [(20, 1500, 90, "note"), (150, 300, 800, "text"), (150, 1400, 800, "more")]
    assert lines(*margin) == ["note", "text", "more"]


def test_a_line_that_reaches_into_the_next_keeps_its_place() -> None:
    assert lines((100, 100, 900, "one"), (100, 95, 900, "two")) == ["one", "two"]
    assert lines((100, 120, 900, "one"), (100, 100, 900, "two")) == ["one", "two"]


def test_a_page_that_falls_into_a_thousand_blocks_is_put_in_order_at_once() -> None:
    chance = random.Random(1)
    blocks = [
        Box(chance.randrange(2000), chance.randrange(3000), chance.randrange(5, 300), 30)
        for _ in range(1000)
    ]
    blocks.sort(key=lambda box: -box.top)
    started = time.process_time()
    order = reading_order(blocks)
    assert time.process_time() - started < 1
    assert sorted(order) == list(range(1000))
