"""Reading one page: prepare it, read it, and look again only where the reading says so."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from registre_cli.core.documents import Source
from registre_cli.ocr.engine import Engine, PageTimeoutError
from registre_cli.ocr.looks import judge
from registre_cli.ocr.looks.views import View, Views
from registre_cli.ocr.models import Layout, PageImage, PageReading
from registre_cli.ocr.table import find_rulings, table_text

# Another look begins only while so little of the page's time was spent in computing: a slow page is
# slow each time. Time that a busy machine gave to others does not count, so that the same page
# gets the same looks; only the time-out itself goes by the clock on the wall.
_MORE_LOOKS_SHARE: Final = 0.3
# A turned page must read this much better: two kinds of nonsense differ by chance.
_CLEARLY_BETTER: Final = 1.5
# Words that were read standing lie on lines and in cells only on the turned page.
_NEARLY_AS_GOOD: Final = 0.8


@dataclass(frozen=True)
class Look:
    """A view of the page and the layout that is expected there; `name` is stored."""

    name: str
    view_of: Callable[[Views], View]
    layout: Layout = Layout.AUTO


FIRST_LOOK: Final = Look("prepared", attrgetter("prepared"))
# In the order in which they help most often; each costs as much as the first.
SECOND_LOOKS: Final = (
    Look("smooth", attrgetter("smooth")),
    Look("coarse", attrgetter("coarse")),
    Look("block", attrgetter("prepared"), Layout.BLOCK),
)


@dataclass(frozen=True)
class _Seen:
    """What one look saw."""

    reading: PageReading
    view: View
    views: Views
    look: Look

    @property
    def worth(self) -> float:
        return judge.worth(self.reading)

    @property
    def is_good(self) -> bool:
        return judge.is_good(self.reading, self.view.pixels, self.view.dpi)


class LookingEngine:
    """Takes looks at pages with one engine; made once, used for a worker's whole life."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        """The engine's name."""
        return self._engine.name

    @property
    def version(self) -> str:
        """The engine's version, for people."""
        return self._engine.version

    def read(self, image: PageImage, source: Source, timeout_seconds: float) -> PageReading:
        """Read one page, with its words' boxes on `image`; rows and cells where it is an index.

        Raises EngineError, or PageTimeoutError where not even the first look came to its end.
        """
        clock = _Clock(timeout_seconds)
        best = self._look(FIRST_LOOK, Views(image), clock)
        if not best.is_good:
            best = self._turned(best, image, clock)
            best = self._looked_again(best, image, clock)
        return _finished(best, source)

    def close(self) -> None:
        """Free what the engine holds."""
        self._engine.close()

    def _look(self, look: Look, views: Views, clock: "_Clock") -> _Seen:
        view = look.view_of(views)
        reading = self._engine.read(view.image, look.layout, clock.left_seconds)
        return _Seen(reading, view, views, look)

    def _turned(self, upright: _Seen, image: PageImage, clock: "_Clock") -> _Seen:
        """Try the page turned where it seems to stand on its head or side; return the best."""
        if upright.views.rotation:
            return upright
        standing = judge.words_stand(upright.reading)
        if not standing and not judge.is_nonsense(upright.reading):
            return upright
        best = upright
        needed = (_NEARLY_AS_GOOD if standing else _CLEARLY_BETTER) * best.worth
        for rotation in _turns(standing, upright.views):
            if not clock.allows_another or (best is not upright and best.is_good):
                break
            seen = self._again(upright.look, Views(image, rotation), clock)
            if seen is not None and seen.worth > needed and not judge.words_stand(seen.reading):
                best, needed = seen, max(needed, seen.worth)
        return best

    def _looked_again(self, best: _Seen, image: PageImage, clock: "_Clock") -> _Seen:
        for look in SECOND_LOOKS:
            if best.is_good or not clock.allows_another:
                break
            seen = self._again(look, best.views, clock)
            if seen is not None and seen.worth > best.worth:
                # The looks before may have seen nothing at all, whichever way up.
                best = self._turned(seen, image, clock)
        return best

    def _again(self, look: Look, views: Views, clock: "_Clock") -> _Seen | None:
        # What is there already is worth more than a page that ran out of time.
        try:
            return self._look(look, views, clock)
        except PageTimeoutError:
            return None


def _turns(standing: bool, views: Views) -> tuple[int, ...]:
    """Return the turns that may make the page upright, the likelier first.

    Few words may lie or stand by chance, so that a page on its head is thought of there, too.
    """
    if standing:
        return (90, 270)
    return (90, 270, 180) if views.lies_on_its_side else (180,)


class _Clock:
    """The time that one page has for all its looks."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started = time.monotonic()
        self._computed_before = _computed_seconds()

    @property
    def left_seconds(self) -> float:
        return max(self._seconds - (time.monotonic() - self._started), 0.01)

    @property
    def allows_another(self) -> bool:
        computed = _computed_seconds() - self._computed_before
        return computed < _MORE_LOOKS_SHARE * self._seconds


def _computed_seconds() -> float:
    """Return the processor time of this process and of the programs that it ran."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _finished(best: _Seen, source: Source) -> PageReading:
    reading = best.reading
    text = reading.text
    if source is Source.INDEX:
        view = best.view
        rulings = find_rulings(view.pixels, view.dpi)
        text = table_text(reading.words, rulings, view.pixels.shape[1]) or text
    geometry = best.view.geometry
    words = reading.words
    if not geometry.is_identity:
        words = tuple(replace(word, box=geometry.box_on_page(word.box)) for word in words)
    return replace(
        reading, text=text, words=words, look=best.look.name, rotation=best.views.rotation
    )
