"""Measuring and preparing pages, and judging what was read on them."""

import random
import time

import numpy as np
import pytest

from registre_cli.core.documents import Source
from registre_cli.demo.scan import scanned_page
from registre_cli.ocr.blank import is_blank
from registre_cli.ocr.drawing import Mark, Words, draw
from registre_cli.ocr.grey import Grey
from registre_cli.ocr.looks import LookingEngine, judge, measure, steps
from registre_cli.ocr.looks.geometry import Geometry
from registre_cli.ocr.looks.views import Views
from registre_cli.ocr.models import Box, Layout, PageImage, PageReading, Word

DPI = 200
SENTENCE = "Vente par Étienne Bélanger du lot 1 234 567 du cadastre devant le notaire Roy"
WORDS = SENTENCE.split()
CHANCE = random.Random(2)
LINES: list[Mark] = [
    Words(60, 80 + 22 * line, " ".join(CHANCE.sample(WORDS, 9)), 12) for line in range(28)
]
CLEAN: Grey = np.asarray(draw(LINES, DPI))


def shaded(page: Grey) -> Grey:
    light = np.linspace(1.0, 0.45, page.shape[1], dtype=np.float32)
    return (page * light[np.newaxis, :]).astype(np.uint8)


def image_of(page: Grey) -> PageImage:
    return PageImage(page.tobytes(), page.shape[1], page.shape[0], DPI)


def reading_of(*words: tuple[str, float]) -> PageReading:
    boxed = tuple(
        Word(text, Box(10, 10 + 30 * place, 100, 20), confidence, place)
        for place, (text, confidence) in enumerate(words)
    )
    return PageReading("", boxed, sum(c for _, c in words) / max(len(words), 1))


@pytest.mark.parametrize("degrees", [-3.0, -1.2, 0.0, 0.6, 2.6])
def test_skew_is_measured_and_taken_back(degrees: float) -> None:
    skew = steps.straighten(CLEAN, -degrees) if degrees else CLEAN
    assert measure.skew_degrees(skew) == pytest.approx(degrees, abs=0.25)
    assert abs(measure.skew_degrees(Views(image_of(skew)).prepared.pixels)) <= 0.3


def test_uneven_light_and_a_black_border_are_divided_out() -> None:
    page = shaded(CLEAN)
    page[:, :60] = 5
    evened = steps.divide_background(page)
    paper = evened[::7, 100:-100]
    assert np.percentile(paper, 50) >= 250
    assert np.percentile(evened[CLEAN < 60][::11], 50) < 140
    assert evened[:, 5:50].mean() > 240


def test_a_bitmap_is_told_from_a_scan_in_grey() -> None:
    assert measure.is_bilevel(CLEAN)
    assert measure.is_bilevel(np.where(CLEAN < 128, 0, 255).astype(np.uint8))
    assert not measure.is_bilevel(shaded(CLEAN))
    assert not measure.is_bilevel(np.asarray(scanned_page(LINES, random.Random(1), 1)))


def test_specks_go_and_letters_stay() -> None:
    chance = np.random.default_rng(3)
    page = CLEAN.copy()
    page[chance.random(page.shape) < 0.002] = 0
    assert measure.is_speckled(page, DPI) and not measure.is_speckled(CLEAN, DPI)
    cleaned = steps.remove_specks(page, DPI)
    was, is_now, true = (np.count_nonzero(one < 128) for one in (page, cleaned, CLEAN))
    assert is_now - true < 0.1 * (was - true)
    assert is_now > 0.97 * true


def test_a_page_on_its_side_shows() -> None:
    assert not measure.lies_on_its_side(CLEAN)
    assert not measure.lies_on_its_side(steps.turn(CLEAN, 180))
    assert measure.lies_on_its_side(steps.turn(CLEAN, 90))


def test_paper_is_blank_and_the_faintest_line_is_not() -> None:
    noise = np.random.default_rng(1)
    paper = shaded(np.clip(noise.normal(235, 6, CLEAN.shape), 0, 255).astype(np.uint8))
    assert is_blank(paper, DPI)
    assert is_blank(np.full(CLEAN.shape, 255, np.uint8), DPI)
    specked = paper.copy()
    specked[noise.random(paper.shape) < 0.0005] = 30
    assert is_blank(specked, DPI)
    faint = np.asarray(draw([Words(100, 300, "Reçu le 3 mai", 12)], DPI)).astype(np.int16)
    assert not is_blank(np.clip(paper - (255 - faint) * 0.3, 0, 255).astype(np.uint8), DPI)
    assert not is_blank(CLEAN, DPI)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("skew", [0.0, 2.0])
def test_boxes_of_a_view_lie_on_the_page_as_it_was_drawn(rotation: int, skew: float) -> None:
    drawn = np.full((900, 600), 255, np.uint8)
    drawn[200:230, 120:220] = 0
    page = steps.turn(drawn, 360 - rotation) if rotation else drawn
    upright = steps.turn(page, rotation) if rotation else page
    view = steps.resize(steps.straighten(upright, skew), 1.5)
    ink = np.argwhere(view < 128)
    (top, left), (bottom, right) = ink.min(axis=0), ink.max(axis=0)
    height, width = upright.shape
    geometry = Geometry(width, height, 1.5, rotation, skew)
    box = geometry.box_on_page(Box(left, top, right - left + 1, bottom - top + 1))
    true = np.argwhere(page < 128)
    (top, left), (bottom, right) = true.min(axis=0), true.max(axis=0)
    assert box.left + box.width / 2 == pytest.approx((left + right + 1) / 2, abs=3)
    assert box.top + box.height / 2 == pytest.approx((top + bottom + 1) / 2, abs=3)


def test_nonsense_is_worth_less_than_a_few_sure_words() -> None:
    nonsense = reading_of(*[("xkqzt", 42.0)] * 30)
    assert judge.is_nonsense(nonsense)
    assert judge.worth(nonsense) < judge.worth(reading_of(("Vente", 95.0)))


def test_print_that_no_word_covers_makes_a_sure_reading_bad() -> None:
    first_line = Word("Vente", Box(150, 200, 1200, 45), 94.0, 0)
    reading = PageReading("Vente", (first_line,), 94.0)
    assert judge.uncovered_share(reading.words, CLEAN, DPI) > 0.8
    assert not judge.is_good(reading, CLEAN, DPI)
    whole = PageReading("", (Word("all", Box(0, 0, 1700, 2200), 94.0, 0),), 94.0)
    assert judge.is_good(whole, CLEAN, DPI)


class OnItsHead:
    """An engine that reads nonsense until the page is turned, on a machine that lets it wait."""

    name, version = "stub", "1"

    def __init__(self, waits_seconds: float, computes_seconds: float) -> None:
        self._waits_seconds = waits_seconds
        self._computes_seconds = computes_seconds
        self._looks = 0

    def read(self, image: PageImage, layout: Layout, timeout_seconds: float) -> PageReading:
        self._looks += 1
        time.sleep(self._waits_seconds)
        until = time.process_time() + self._computes_seconds
        while time.process_time() < until:
            pass
        if self._looks == 1:
            return reading_of(*[("xkqzt", 42.0)] * 30)
        return PageReading("", (Word("Vente", Box(0, 0, 2300, 2200), 94.0, 0),), 94.0)

    def close(self) -> None: ...


def test_a_busy_machine_turns_the_same_pages_as_an_idle_one() -> None:
    busy = LookingEngine(OnItsHead(waits_seconds=3.0, computes_seconds=0.0))
    assert busy.read(image_of(CLEAN), Source.ACTE, timeout_seconds=5.0).rotation == 180


def test_a_page_that_took_most_of_its_time_to_compute_is_looked_at_once() -> None:
    slow = LookingEngine(OnItsHead(waits_seconds=0.0, computes_seconds=1.6))
    assert slow.read(image_of(CLEAN), Source.ACTE, timeout_seconds=5.0).rotation == 0
