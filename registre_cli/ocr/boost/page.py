"""One page: its lines, and which of them a pattern concerns."""

from bisect import bisect_right
from collections.abc import Container, Iterator
from itertools import accumulate

from registre_cli.ocr.boost.record import Place
from registre_cli.ocr.boost.rule import Rule

# A line of more is no line of a document: it is left as it was read.
LONGEST_LINE_CHARACTERS = 5_000
# A page on which one rule finds more is none: a full one has some 3,000 characters.
MOST_MATCHES_ON_A_PAGE = 2_000


class BoostedPage:
    """The lines of a page while the rules correct them; their number and order never change."""

    def __init__(self, number: int, lines: list[str]) -> None:
        self.number = number
        self.lines = lines
        self._looked_at: Container[int] = range(len(lines))
        self._text: str | None = None
        self._lowered = ""
        self._starts: list[int] = []

    def place(self, index: int) -> Place:
        """Return where the line stands that is at `index` here."""
        return Place(self.number, index + 1)

    def write(self, index: int, line: str) -> None:
        """Put `line` in the place of the one at `index`."""
        self.lines[index] = line
        self._text = None

    def look_only_at(self, indexes: Container[int]) -> None:
        """Leave every other line alone from here on."""
        self._looked_at = indexes
        self._text = None

    def concerned(self, rule: Rule) -> Iterator[int]:
        """Yield the lines in which `rule` may match, in their order.

        One search over the whole page spares one search for every rule and line.
        """
        text = self._searched()
        if not rule.may_match(self._lowered):
            return
        if rule.is_foreign:
            yield from (
                index
                for index, line in enumerate(self.lines)
                if index in self._looked_at and is_readable(line)
            )
            return
        starts = self._starts
        latest = -1
        for match in rule.pattern.finditer(text):
            first = bisect_right(starts, match.start()) - 1
            last = bisect_right(starts, match.end(), lo=first) - 1
            yield from range(max(first, latest + 1), last + 1)
            latest = max(latest, last)

    def _searched(self) -> str:
        if self._text is None:
            lines = [
                line if index in self._looked_at and is_readable(line) else ""
                for index, line in enumerate(self.lines)
            ]
            self._text = "\n".join(lines)
            self._lowered = self._text.lower()
            lengths = (len(line) + 1 for line in lines)
            self._starts = list(accumulate(lengths, initial=0))[:-1]
        return self._text


def is_readable(line: str) -> bool:
    """Whether it can be a line of a document."""
    return 0 < len(line) <= LONGEST_LINE_CHARACTERS
