"""The pictures in the documentation show the program as it is."""

import re
import runpy
from html import unescape
from pathlib import Path

CAPTURES = Path(__file__).parents[3] / "docs" / "captures"


def words(svg: str) -> list[str]:
    """What the picture says; how a version of the drawing library places it is left out."""
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    return unescape(" ".join(texts)).replace("\xa0", " ").split()


def test_the_picture_of_the_live_view_is_current_and_loads_nothing_from_elsewhere() -> None:
    kept = (CAPTURES / "live-view.svg").read_text()
    drawn = runpy.run_path(str(CAPTURES / "draw.py"))["picture"]()
    assert words(kept) == words(drawn), "make captures"
    assert len(words(kept)) > 60
    assert "@import" not in kept and "url(http" not in kept
    assert set(re.findall(r"https?://[^\"' )]*", kept)) == {"http://www.w3.org/2000/svg"}


def test_the_captures_are_of_the_size_that_they_name() -> None:
    for columns, rows in ((80, 24), (160, 50)):
        lines = (CAPTURES / f"pool-{columns}x{rows}.txt").read_text().splitlines()
        assert len(lines) <= rows and max(map(len, lines)) <= columns
        assert sum("q stop" in line for line in lines) == 1
        assert any(line.startswith("Pool reader-1-") for line in lines)
