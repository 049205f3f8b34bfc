"""The text of one page as it grows over the parts of an answer, until its end is there."""

import re
import secrets

from registre_cli.core.documents import PAGE_MARKER

# So many repeated lines are looked for where one part follows another.
_LONGEST_OVERLAP_LINES = 40
# A register does repeat short lines (a ditto mark): one of them alone is no overlap.
_SHORTEST_LONE_REPEAT = 12

_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"```[a-z]*")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PAGE_LINE = re.compile(re.escape(PAGE_MARKER).replace(r"\{number\}", r"\d+"))


class Transcript:
    """What a model has written of one page.

    The line that ends it is drawn anew for each page, so that no page can hold it.
    """

    def __init__(self) -> None:
        self.end = f"<<<FIN {secrets.token_hex(4)}>>>"
        self.complete = False
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """The lines so far."""
        return "\n".join(self._lines).strip("\n")

    def add(self, part: str, *, cut: bool) -> bool:
        """Take a part of the answer; return whether it brought anything new.

        A part that was cut off loses its last line, which the next part begins with.
        """
        text = _plain(part)
        if text.rstrip().endswith(self.end):
            text = text.rstrip().removesuffix(self.end)
            self.complete = True
        elif cut:
            text = text.rpartition("\n")[0]
        lines = _kept(text.rstrip().split("\n")) if text.strip() else []
        fresh = lines[self._overlap(lines) :]
        self._lines += fresh
        return self.complete or any(line.strip() for line in fresh)

    def _overlap(self, lines: list[str]) -> int:
        """Return how many of the first lines are there already."""
        longest = min(len(lines), len(self._lines), _LONGEST_OVERLAP_LINES)
        for size in range(longest, 0, -1):
            if self._lines[-size:] == lines[:size]:
                return size if size > 1 or len(lines[0]) >= _SHORTEST_LONE_REPEAT else 0
        return 0


def _plain(part: str) -> str:
    """Return valid text without control characters and without a model's thoughts."""
    valid = part.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")
    return _CONTROLS.sub("", _THOUGHTS.sub("", valid))


def _kept(lines: list[str]) -> list[str]:
    """Leave out what no page holds: code fences, and lines that would begin another page."""
    return [
        line.rstrip()
        for line in lines
        if not _FENCE.fullmatch(line.strip()) and not _PAGE_LINE.fullmatch(line.strip())
    ]
