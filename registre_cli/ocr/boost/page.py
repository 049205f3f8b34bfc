"""One page: its lines, and which of them a pattern concerns."""

from collections.abc import Container, Iterable, Iterator, Sequence

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
        self._looked_at: Sequence[int] = range(len(lines))
        self._places: dict[int, Place] = {}
        self._text: str | None = None
        self._lowered = ""

    def place(self, index: int) -> Place:
        """Return where the line stands that is at `index` here."""
        place = self._places.get(index)
        if place is None:
            place = self._places[index] = Place(self.number, index + 1)
        return place

    def write(self, index: int, line: str) -> None:
        """Put `line` in the place of the one at `index`."""
        self.lines[index] = line
        self._text = None

    def look_only_at(self, indexes: Container[int]) -> None:
        """Leave every other line alone from here on."""
        self._looked_at = [index for index in self._looked_at if index in indexes]
        self._text = None

    def lowered(self) -> str:
        """Return the lines that are looked at in small letters."""
        self._searched()
        return self._lowered

    def concerned(self, rule: Rule) -> Iterator[int]:
        """Yield the lines in which `rule` may match, in their order.

        One search over the whole page spares one search for every rule and line. It goes on as
        lines are asked for; the ones that were yielded may be written meanwhile.
        """
        text, indexes = self._searched()
        if rule.is_foreign:
            yield from indexes
            return
        search, begins, which = rule.pattern.search, 0, 0
        while match := search(text, begins):
            start, end = match.span()
            which += text.count("\n", begins, start)
            begins = text.find("\n", end) + 1
            if not begins:
                yield from indexes[which:]
                return
            behind = which + text.count("\n", start, begins)
            yield from indexes[which:behind]
            which = behind

    def _searched(self) -> tuple[str, Sequence[int]]:
        """Return the written lines that are looked at as one text, and which they are."""
        if self._text is None:
            self._looked_at = readable(self.lines, self._looked_at)
            self._text = "\n".join([self.lines[index] for index in self._looked_at])
            self._lowered = self._text.lower()
        return self._text, self._looked_at


def readable(lines: Sequence[str], indexes: Iterable[int]) -> list[int]:
    """Return those of `indexes` whose line can be one of a document."""
    return [index for index in indexes if 0 < len(lines[index]) <= LONGEST_LINE_CHARACTERS]
