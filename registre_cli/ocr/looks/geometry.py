"""Where a point of a prepared view lies on the page as it was drawn."""

import math
from dataclasses import dataclass

from registre_cli.ocr.models import Box


@dataclass(frozen=True)
class Geometry:
    """How a view was made: turned upright by `rotation`, straightened by its skew, scaled.

    `width` and `height` are those of the upright page before scaling, in pixels.
    """

    width: int
    height: int
    factor: float = 1.0
    rotation: int = 0
    skew_degrees: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether boxes stay where they are."""
        return self.factor == 1.0 and self.rotation == 0 and self.skew_degrees == 0.0

    def box_on_page(self, box: Box) -> Box:
        """Return the box on the page as it was drawn, before any preparation."""
        width, height = box.width / self.factor, box.height / self.factor
        x, y = self._before_straightening(
            (box.left + box.width / 2) / self.factor, (box.top + box.height / 2) / self.factor
        )
        match self.rotation:
            case 90:
                x, y, width, height = y, self.width - x, height, width
            case 180:
                x, y = self.width - x, self.height - y
            case 270:
                x, y, width, height = self.height - y, x, height, width
            case _:
                pass
        return Box(
            max(round(x - width / 2), 0),
            max(round(y - height / 2), 0),
            max(round(width), 1),
            max(round(height), 1),
        )

    def _before_straightening(self, x: float, y: float) -> tuple[float, float]:
        angle = math.radians(self.skew_degrees)
        dx, dy = x - self.width / 2, y - self.height / 2
        return (
            self.width / 2 + dx * math.cos(angle) + dy * math.sin(angle),
            self.height / 2 - dx * math.sin(angle) + dy * math.cos(angle),
        )
