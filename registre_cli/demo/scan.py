"""Making a drawn page look scanned: skew, uneven light, noise, blur and JPEG."""

import io
import random

import numpy as np
from PIL import Image, ImageFilter

from registre_cli.ocr.drawing import Mark, draw

SCAN_DPI = 200
STRENGTHS = range(5)
_PAPER = 245


def scanned_pdf(pages: list[list[Mark]], chance: random.Random, strength: int = 1) -> bytes:
    """Return an image-only PDF of the pages; `strength` 0 is clean, 4 is hard to read."""
    images = [scanned_page(marks, chance, strength) for marks in pages]
    file = io.BytesIO()
    images[0].save(
        file,
        format="PDF",
        save_all=True,
        append_images=images[1:],
        resolution=SCAN_DPI,
        quality=(95, 85, 70, 55, 40)[strength],
    )
    return file.getvalue()


def scanned_page(marks: list[Mark], chance: random.Random, strength: int) -> Image.Image:
    """Draw one page and damage it."""
    page = draw(marks, SCAN_DPI)
    if strength == 0:
        return page
    tilt = chance.uniform(-0.35, 0.35) * strength
    page = page.rotate(tilt, resample=Image.Resampling.BICUBIC, fillcolor=255)
    if strength > 1:
        page = page.filter(ImageFilter.GaussianBlur(0.35 * (strength - 1)))
    grey = np.asarray(page, dtype=np.float32) * (_PAPER / 255)
    noise = np.random.default_rng(chance.getrandbits(32))
    grey += noise.normal(0, 2 + 4 * strength, grey.shape)
    if strength > 1:
        light = np.linspace(1, 1 - 0.08 * strength, grey.shape[1], dtype=np.float32)
        grey *= light[np.newaxis, :]
        grey[noise.random(grey.shape) < 0.0004 * (strength - 1)] = 20
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8), mode="L")
