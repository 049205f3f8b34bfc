"""A page image as a chat API takes it."""

import base64
import io

from PIL import Image

from registre_cli.ocr.models import PageImage

_JPEG_QUALITY = 90
# Providers count a picture by its area; this is the dearest of the usual rates.
_PIXELS_PER_TOKEN = 750


def data_url(image: PageImage, longest_side: int) -> str:
    """Return the page as a JPEG in a `data:` URL, drawn smaller where a side is too long."""
    page = Image.frombytes("L", (image.width, image.height), image.pixels)
    page.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    page.save(file, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def picture_tokens(image: PageImage, longest_side: int) -> int:
    """Return about how many tokens the picture costs."""
    scale = min(longest_side / max(image.width, image.height), 1.0)
    return round(image.width * image.height * scale * scale / _PIXELS_PER_TOKEN) + 1
