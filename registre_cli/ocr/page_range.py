"""Which pages of a document are wanted: `1-3,7`."""

import re
from dataclasses import dataclass

from registre_cli.core.errors import PermanentDocumentError, WrongUsageError

_PART = re.compile(r"(\d{1,6})(?:-(\d{1,6})?)?")
_NO_END = 10**6


@dataclass(frozen=True)
class PageRange:
    """Pages from 1, as pairs of first and last."""

    parts: tuple[tuple[int, int], ...]

    def of(self, pages: int) -> list[int]:
        """Return the wanted pages of a document of so many, in its order.

        Raises PermanentDocumentError where it has none of them.
        """
        wanted = self._within(pages)
        if not wanted:
            raise PermanentDocumentError(f"it has {pages} pages, none of those that are asked for")
        return wanted

    def share_before(self, number: int, pages: int) -> float:
        """Return which share of the wanted pages of a document comes before page `number`."""
        wanted = self._within(pages)
        return sum(1 for page in wanted if page < number) / max(len(wanted), 1)

    def _within(self, pages: int) -> list[int]:
        return [
            number
            for number in range(1, pages + 1)
            if any(first <= number <= last for first, last in self.parts)
        ]


EVERY_PAGE = PageRange(((1, _NO_END),))


def page_range(written: str) -> PageRange:
    """Read `1-3,7` or `5-`. Raises WrongUsageError."""
    parts = []
    for part in written.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _unreadable(written)
        first = int(match[1])
        last = int(match[2]) if match[2] else (_NO_END if "-" in part else first)
        if not 1 <= first <= last:
            raise _unreadable(written)
        parts.append((first, last))
    return PageRange(tuple(parts))


def _unreadable(written: str) -> WrongUsageError:
    return WrongUsageError(f"--pages {written!r} is no list of pages", fix="write it like 1-3,7")
