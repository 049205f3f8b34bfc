"""The views of one page that looks are taken at, each made when it is asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from registre_cli.ocr.grey import Grey
from registre_cli.ocr.looks import measure, steps
from registre_cli.ocr.looks.geometry import Geometry
from registre_cli.ocr.models import PageImage

_FINE_DPI: Final = 300
_COARSE_DPI: Final = 200


@dataclass(frozen=True)
class View:
    """A prepared page, and how its points lie on the page as it was drawn."""

    pixels: Grey
    dpi: int
    geometry: Geometry

    @property
    def image(self) -> PageImage:
        """The view as an engine takes it."""
        height, width = self.pixels.shape
        return PageImage(self.pixels.tobytes(), width, height, self.dpi)


class Views:
    """Every view of one page; `rotation` in degrees clockwise makes it upright."""

    def __init__(self, image: PageImage, rotation: int = 0) -> None:
        page = np.frombuffer(image.pixels, np.uint8).reshape(image.height, image.width)
        self._page: Grey = steps.turn(page, rotation) if rotation else page
        self._dpi = image.dpi
        self.rotation = rotation

    @cached_property
    def bilevel(self) -> bool:
        """Whether the page is black and white already."""
        return measure.is_bilevel(self._page)

    @cached_property
    def evened(self) -> Grey:
        """The page with its background divided out; a page in black and white has none."""
        return self._page if self.bilevel else steps.divide_background(self._page)

    @cached_property
    def skew_degrees(self) -> float:
        """By how much the lines run downhill."""
        return measure.skew_degrees(self.evened)

    @property
    def lies_on_its_side(self) -> bool:
        """Whether lines of print seem to run down the page."""
        return measure.lies_on_its_side(self.evened)

    @cached_property
    def prepared(self) -> View:
        """Even light, full contrast, no swarm of specks, straight lines: the first look."""
        page = self.evened if self.bilevel else steps.stretch_contrast(self.evened)
        if measure.is_speckled(page, self._dpi):
            page = steps.remove_specks(page, self._dpi)
        return self._view(steps.straighten(page, self.skew_degrees))

    @cached_property
    def smooth(self) -> View:
        """Fine and without salt and pepper: for speckled, noisy or broken print."""
        factor = _FINE_DPI / self._dpi
        page = self.evened if factor <= 1 else steps.resize(self.evened, factor)
        page = steps.straighten(steps.smooth(page), self.skew_degrees)
        return self._view(page)

    @cached_property
    def coarse(self) -> View:
        """Smaller: for blurred or much enlarged print."""
        factor = min(_COARSE_DPI / self._dpi, 1.0)
        pixels = self.prepared.pixels
        return self._view(steps.resize(pixels, factor) if factor < 1 else pixels)

    def _view(self, pixels: Grey) -> View:
        height, width = self._page.shape
        factor = pixels.shape[0] / height
        geometry = Geometry(
            width=width,
            height=height,
            factor=factor,
            rotation=self.rotation,
            skew_degrees=steps.turned_by(self.skew_degrees),
        )
        return View(pixels, max(round(self._dpi * factor), 1), geometry)
