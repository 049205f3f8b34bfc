"""What reading yields: words on a page, pages of a document."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from registre_cli.core.documents import PAGE_MARKER


class PageSource(StrEnum):
    """Where the text of a page comes from."""

    LAYER = "layer"
    READ = "read"
    BLANK = "blank"


class Layout(StrEnum):
    """What an engine should expect of a page."""

    AUTO = "auto"
    BLOCK = "block"


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the page image, the origin at the top left."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Word:
    """One word as the engine saw it.

    `confidence` from 0 to 100; `line` and `paragraph` count from 0 over the whole page.
    """

    text: str
    box: Box
    confidence: float
    line: int
    paragraph: int = 0


@dataclass(frozen=True)
class PageImage:
    """One page in 8-bit grey: `pixels` holds `height` rows of `width` bytes, no padding.

    `reduced` where the page has too many pixels for the resolution that was wanted.
    """

    pixels: bytes
    width: int
    height: int
    dpi: int
    reduced: bool = False


@dataclass(frozen=True)
class PageContent:
    """What a page shows beside its text layer.

    `picture_share` is how much of it pictures cover, from 0 to 1: a scan may come in strips.
    `shapes` counts drawn lines and outlines; letters may be drawn as such. `hidden_text` where
    the layer is invisible: earlier OCR over a picture, otherwise nothing that anybody sees.
    """

    picture_share: float
    shapes: int
    hidden_text: bool


@dataclass(frozen=True)
class Spent:
    """What an engine charged: tokens of question and answer, and their price in US dollars."""

    tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.tokens + other.tokens, self.cost_usd + other.cost_usd)


NOTHING_SPENT = Spent()


@dataclass(frozen=True)
class PageReading:
    """What an engine read on one page image.

    `confidence` is `None` where no word was found, or where the engine does not know it.
    `look` names the preparation under which it read best; `rotation` in degrees clockwise made
    the page upright. Boxes lie on the image that was given.
    """

    text: str
    words: tuple[Word, ...]
    confidence: float | None
    spent: Spent = NOTHING_SPENT
    look: str | None = None
    rotation: int = 0


@dataclass(frozen=True)
class PageRecord:
    """One page of a finished reading, as it is stored (`ocr_pages`) and shown.

    `words` are there only where they were asked for, their boxes in pixels of `width` × `height`.
    `reduced` where the page was drawn smaller than wanted, because of OCR_MAX_PIXELS.
    `tokens` and `cost_usd` count every engine that was asked, not only the one that read.
    """

    number: int
    text: str
    confidence: float | None
    seconds: float
    source: PageSource
    engine: str | None
    width: int
    height: int
    dpi: int
    tokens: int = 0
    cost_usd: float = 0.0
    look: str | None = None
    rotation: int = 0
    reduced: bool = False
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class DocumentReading:
    """All pages of one document, in order."""

    pages: tuple[PageRecord, ...]

    @property
    def text(self) -> str:
        """The pages' texts, each after its page marker."""
        return marked((page.number, page.text) for page in self.pages)

    @property
    def pages_by_engine(self) -> dict[str, int]:
        """How many pages each engine read."""
        return dict(Counter(page.engine for page in self.pages if page.engine is not None))

    @property
    def spent(self) -> Spent:
        """What all pages cost."""
        return Spent(
            sum(page.tokens for page in self.pages), sum(page.cost_usd for page in self.pages)
        )

    @property
    def confidence(self) -> float | None:
        """The mean confidence of the pages, weighted by their characters; 0 to 100."""
        weights = [
            (page.confidence, max(len(page.text), 1))
            for page in self.pages
            if page.confidence is not None
        ]
        total = sum(weight for _, weight in weights)
        return sum(mark * weight for mark, weight in weights) / total if total else None


def marked(pages: Iterable[tuple[int, str]]) -> str:
    """Return the texts of numbered pages as one, each after its page marker."""
    return "\n\n".join(
        f"{PAGE_MARKER.format(number=number)}\n{text}".rstrip() for number, text in pages
    )
