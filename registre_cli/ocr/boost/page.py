"""One page: its lines, and which of them a pattern concerns."""

from collections.abc import Container, Iterable, Iterator, Sequence

from registre_cli.ocr.boost.record import Place
from registre_cli.ocr.boost.rule import Rule

# A line of more is no line of a document: it is left as it was read.
LONGEST_LINE_CHARACTERS = 5_000
# A page on which one rule finds more is none: a full one has some 3,000 characters.
MOST_MATCHES_ON_A_PAGE = 2_000
# Where fewer lines than one in so many characters have what a rule needs, looking into each of them
# is quicker than a search over the page.
_CHARACTERS_A_LINE = 80


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

        They are those that have what the rule needs; where these are many, one search over the
        whole page spares a search of each. It goes on as lines are asked for; the ones that were
        yielded may be written meanwhile.
        """
        text, indexes = self._searched()
        few = self._few_with(rule.needs)
        if few is not None:
            yield from few
            return
        touched = indexes if rule.is_foreign else _touched(rule, text, indexes)
        for index in touched:
            if rule.may_match(self.lines[index].lower()):
                yield index

    def _few_with(self, needs: Sequence[str]) -> Sequence[int] | None:
        """Return the lines with one of `needs`; `None` where they are many or nothing is needed."""
        if not needs:
            return None
        _, indexes = self._searched()
        text, found = self._lowered, set()
        for need in needs:
            which = begins = 0
            while (at := text.find(need, begins)) >= 0:
                which += text.count("\n", begins, at)
                found.add(which)
                if len(found) * _CHARACTERS_A_LINE > len(text):
                    return None
                begins = text.find("\n", at) + 1
                if not begins:
                    break
                which += 1
        return [indexes[which] for which in sorted(found)]

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


def _touched(rule: Rule, text: str, indexes: Sequence[int]) -> Iterator[int]:
    """Yield those of `indexes` whose line of `text` a match touches, searching on as asked."""
    search, which, begins = rule.pattern.search, 0, 0
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
