"""Reading real PDFs with the real engines."""

import ctypes
import io
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from accuracy import character_error_rate, word_recall
from PIL import Image

from registre_cli.core.documents import Source
from registre_cli.core.errors import (
    ConfigurationError,
    DocumentError,
    PermanentDocumentError,
    TransientDocumentError,
)
from registre_cli.core.settings import Settings, load_settings
from registre_cli.demo.batch import generate
from registre_cli.demo.facts import IndexFacts
from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words, draw, vector_pdf
from registre_cli.ocr.engine import Engine
from registre_cli.ocr.engines import chosen_engines, open_engine, open_order
from registre_cli.ocr.models import Layout, PageImage, PageSource
from registre_cli.ocr.pipeline import Reader
from registre_cli.ocr.tesseract import InProcessTesseract

LINE = "Vente par Étienne Bélanger à Hydro-Québec, lot 1 234 567, 50 000 $"
MARKS = [Words(60, 100 + 24 * row, f"{LINE} no {row}", 12) for row in range(1, 9)]
TRUTH = "\n".join(mark.text for mark in MARKS)
SCAN = scanned_pdf([MARKS], random.Random(1))


@pytest.fixture(scope="module", params=["tesseract", "tesseract-cli"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = open_engine(request.param, "fra")
    assert engine.name == request.param
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reader() -> Reader:
    return reader_with()


def reader_with(**settings: object) -> Reader:
    given = load_settings(**settings)
    return Reader(given, open_order(given))


def blank_pdf(pages: int, width: float = 612, height: float = 792) -> bytes:
    document = pdfium.PdfDocument.new()
    for _ in range(pages):
        document.new_page(width, height)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_both_engines_read_a_scan_with_words_boxes_and_confidence(engine: Engine) -> None:
    page = pdfium.PdfDocument(SCAN)[0].render(scale=300 / 72, grayscale=True)
    image = PageImage(page.to_numpy().tobytes(), page.width, page.height, 300)
    reading = engine.read(image, Layout.AUTO, 60)
    assert character_error_rate(reading.text, TRUTH) < 0.02
    assert reading.confidence is not None and reading.confidence > 85
    assert " ".join(word.text for word in reading.words) == " ".join(reading.text.split())
    for word in reading.words:
        assert 0 <= word.box.left < image.width and 0 <= word.box.top < image.height
        assert word.box.width > 0 and word.box.height > 0


def test_both_engines_obey_the_time_out(engine: Engine) -> None:
    document = generate(0, 1, seed=4)[0]
    page = pdfium.PdfDocument(document.pdf)[0].render(scale=300 / 72, grayscale=True)
    image = PageImage(page.to_numpy().tobytes(), page.width, page.height, 300)
    started = time.monotonic()
    with pytest.raises(TransientDocumentError, match=r"within 0\.05 s"):
        engine.read(image, Layout.AUTO, 0.05)
    assert time.monotonic() - started < 10
    assert engine.read(image, Layout.AUTO, 60).text, "the engine still works afterwards"


def test_leptonica_writes_nothing_into_the_display(capfd: pytest.CaptureFixture[str]) -> None:
    InProcessTesseract("fra").close()
    loaded = Path("/proc/self/maps").read_text().splitlines()
    library = ctypes.CDLL(next(line.split()[-1] for line in loaded if "liblept" in line))
    library.boxCreate.restype = ctypes.c_void_p
    box = ctypes.c_void_p(library.boxCreate(1000, 1000, 5, 5))
    library.boxClipToRectangle(box, 100, 100)
    assert capfd.readouterr().err == ""


def test_a_scanned_document_is_read_page_by_page_with_markers() -> None:
    document = next(d for d in generate(0, 4, seed=8) if d.pages > 1)
    seen: list[tuple[int, int]] = []
    reading = reader_with().read(
        document.pdf, document.source, on_page=lambda n, of: seen.append((n, of))
    )
    assert seen == [(n, document.pages) for n in range(1, document.pages + 1)]
    assert reading.text.startswith("--- Page 1 ---\n")
    assert f"\n\n--- Page {document.pages} ---\n" in reading.text
    assert reading.confidence is not None and reading.confidence > 85
    assert all(page.source is PageSource.READ for page in reading.pages)


def test_a_good_text_layer_is_taken_instead_of_reading(reader: Reader) -> None:
    reading = reader.read(vector_pdf(MARKS), Source.ACTE)
    assert reading.pages[0].source is PageSource.LAYER
    assert word_recall(reading.text, TRUTH) == 1


def test_the_text_layer_is_ignored_or_required_where_the_settings_say_so() -> None:
    ignored = reader_with(ocr_text_layer="ignore").read(vector_pdf(MARKS), Source.ACTE)
    assert ignored.pages[0].source is PageSource.READ
    assert word_recall(ignored.text, TRUTH) > 0.95
    only = reader_with(ocr_text_layer="only").read(SCAN, Source.ACTE)
    assert (only.pages[0].source, only.pages[0].text) == (PageSource.LAYER, "")


def test_a_garbage_layer_is_read_anew(reader: Reader) -> None:
    garbage = [
        Words(60, 100 + 24 * row, "xqz ¤§¤ ¬¬¦ brtk ¤¦§ ¬¬¬ ¦¦¦ zzz" * 2, 12) for row in range(9)
    ]
    reading = reader.read(vector_pdf(garbage), Source.ACTE)
    assert reading.pages[0].source is PageSource.READ


def test_a_blank_page_is_recognised_and_not_read(reader: Reader) -> None:
    reading = reader.read(blank_pdf(2), Source.ACTE)
    assert [page.source for page in reading.pages] == [PageSource.BLANK] * 2
    assert reading.confidence is None
    assert reading.text == "--- Page 1 ---\n\n--- Page 2 ---"


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_is_read_upright_and_its_rotation_is_stored(
    reader: Reader, degrees: int
) -> None:
    pages = pdfium.PdfDocument(SCAN)
    pages[0].set_rotation(degrees)
    file = io.BytesIO()
    pages.save(file)
    (page,) = reader.read(file.getvalue(), Source.ACTE).pages
    assert page.rotation == 360 - degrees
    assert character_error_rate(page.text, TRUTH) < 0.02


@pytest.mark.parametrize("damage", ["shadow", "border", "skew", "specks", "pale"])
def test_a_damaged_scan_is_prepared_so_that_it_reads_like_a_clean_one(
    reader: Reader, damage: str
) -> None:
    page = np.asarray(draw(MARKS, 200)).astype(np.float32)
    chance = np.random.default_rng(5)
    if damage == "shadow":
        page *= np.linspace(1, 0.3, page.shape[1])[np.newaxis, :]
    elif damage == "border":
        page[:, :90], page[-120:, :] = 0, 0
    elif damage == "skew":
        turned = Image.fromarray(page.astype(np.uint8)).rotate(2.6, fillcolor=255)
        page = np.asarray(turned).astype(np.float32)
    elif damage == "specks":
        page[chance.random(page.shape) < 0.02] = 0
    elif damage == "pale":
        page = 225 - (255 - page) * 0.15
    file = io.BytesIO()
    page = np.clip(page + chance.normal(0, 2, page.shape), 0, 255)
    Image.fromarray(page.astype(np.uint8)).save(file, "PDF", resolution=200)
    reading = reader.read(file.getvalue(), Source.ACTE)
    assert character_error_rate(reading.text, TRUTH) < 0.03, reading.text


def test_a_clean_page_is_looked_at_once_and_a_bad_one_again(reader: Reader) -> None:
    (clean,) = reader.read(SCAN, Source.ACTE).pages
    assert (clean.look, clean.rotation) == ("prepared", 0)
    noise = np.random.default_rng(9).normal(150, 60, (800, 600))
    file = io.BytesIO()
    speckled = np.clip(noise, 0, 255).astype(np.uint8)
    Image.fromarray(speckled).save(file, "PDF", resolution=100)
    (bad,) = reader.read(file.getvalue(), Source.ACTE).pages
    assert bad.source is PageSource.READ
    assert bad.confidence is None or bad.confidence < 75


def test_an_index_keeps_its_rows_and_cells(reader: Reader) -> None:
    document = generate(1, 0, seed=3)[0]
    lines = reader.read(document.pdf, Source.INDEX).text.splitlines()
    assert lines[0] == "--- Page 1 ---"
    header = "Date | Inscription | Nature de l'acte | Parties | Montant | Remarques"
    # What is left of a cell of three lines may stand in a row of its own.
    rows = [line for line in lines[lines.index(header) + 1 :] if not line.startswith("|")]
    facts = document.facts
    assert isinstance(facts, IndexFacts)
    entries = [entry for page in facts.pages for entry in page]
    assert len(rows) == len(entries)
    right = 0
    for line, entry in zip(rows, entries, strict=True):
        cells = [cell.strip() for cell in line.split("|")]
        assert len(cells) == 6
        right += cells[0] == entry.published.isoformat() and cells[2] == entry.nature
        assert (entry.amount is None) == (cells[4] == "")
    assert right >= 0.9 * len(entries)


def test_a_few_lines_on_their_head_are_read_upright(reader: Reader) -> None:
    pages = pdfium.PdfDocument(scanned_pdf([MARKS[:3]], random.Random(2)))
    pages[0].set_rotation(180)
    file = io.BytesIO()
    pages.save(file)
    (page,) = reader.read(file.getvalue(), Source.ACTE).pages
    assert page.rotation == 180
    assert word_recall(page.text, "\n".join(mark.text for mark in MARKS[:3])) > 0.95


def test_a_huge_page_is_drawn_smaller_and_a_thread_is_no_page(reader: Reader) -> None:
    huge = reader.read(blank_pdf(1, 14_400, 14_400), Source.ACTE).pages[0]
    assert 30e6 < huge.width * huge.height < 41e6
    assert huge.dpi < 40 and huge.reduced
    thread = reader.read(blank_pdf(1, 14_400, 0.5), Source.ACTE).pages[0]
    assert thread.source is PageSource.BLANK and not thread.reduced


@pytest.mark.parametrize(
    ("pdf", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "the file is not a PDF"),
        (b"%PDF-1.4\nrubbish", "damaged"),
        (SCAN[: len(SCAN) // 3], "damaged"),
    ],
)
def test_what_is_no_pdf_is_a_permanent_failure(reader: Reader, pdf: bytes, reason: str) -> None:
    with pytest.raises(PermanentDocumentError, match=reason):
        reader.read(pdf, Source.ACTE)


def test_limits_of_one_document_are_permanent_failures() -> None:
    with pytest.raises(PermanentDocumentError, match="OCR_MAX_PAGES=3"):
        reader_with(ocr_max_pages=3).read(blank_pdf(4), Source.ACTE)
    with pytest.raises(PermanentDocumentError, match="OCR_MAX_BYTES=100"):
        reader_with(ocr_max_bytes=100).read(SCAN, Source.ACTE)


def test_an_unknown_engine_or_language_is_wrong_configuration() -> None:
    with pytest.raises(ConfigurationError, match="'magic' is no engine of this host"):
        open_engine("magic", "fra")
    with pytest.raises(ConfigurationError, match="no data for the language 'xyz'"):
        open_engine("tesseract", "xyz")
    with pytest.raises(ConfigurationError, match="is not a language"):
        open_engine("tesseract", "../../etc/passwd")


def test_without_the_binding_the_program_reads_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A module that is None in this table is one that is not installed.
    (chosen,) = chosen_engines(load_settings())
    assert str(chosen).startswith("tesseract (in process, tesserocr ")
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    (fallback,) = chosen_engines(load_settings())
    assert fallback.is_fallback
    assert str(fallback) == "tesseract-cli (the binding tesserocr is not installed)"
    (page,) = reader_with().read(SCAN, Source.ACTE).pages
    assert page.engine == "tesseract-cli"
    assert character_error_rate(page.text, TRUTH) < 0.02


def test_real_scans_are_read_close_to_their_ground_truth(corpus, reader: Reader) -> None:  # type: ignore[no-untyped-def]
    # One page each of print and typescript, chosen for their clean state; the whole corpus is
    # measured by a program of its own.
    for name, best in (("mul-print-eurotext", 0.03), ("fr-typ-europeana1418-p9", 0.06)):
        pdf = (corpus / "scans" / f"{name}.pdf").read_bytes()
        truth = (corpus / "scans" / f"{name}.gt.txt").read_text()
        rate = character_error_rate(reader.read(pdf, Source.ACTE).text, truth)
        assert rate < best, f"{name}: {rate:.1%}"


def test_hostile_pdfs_end_in_text_or_in_a_reason(corpus) -> None:  # type: ignore[no-untyped-def]
    settings: Settings = load_settings(ocr_dpi=100, ocr_max_pages=5)
    reader = Reader(settings, open_order(settings))
    files = sorted((corpus / "badpdf").glob("*.pdf"))
    chosen = random.Random(5).sample([f for f in files if f.stat().st_size < 100_000], 40)
    for file in chosen:
        reason = None
        try:
            reading = reader.read(file.read_bytes(), Source.ACTE)
        except DocumentError as error:
            reason = error.message
        assert reading.pages if reason is None else "\n" not in reason, file.name


def test_a_picture_with_little_text_over_it_is_read(reader: Reader) -> None:
    # A scan that carries a stamp as text is still a scan.
    document = pdfium.PdfDocument(SCAN)
    stamped = pdfium.PdfDocument(vector_pdf([Words(60, 700, "Source : greffe", 10)]))
    page = stamped[0]
    picture = pdfium.PdfImage.new(stamped)
    bitmap = document[0].render(scale=2, grayscale=True)
    picture.set_bitmap(pdfium.PdfBitmap.from_pil(Image.fromarray(bitmap.to_numpy()[:, :])))
    picture.set_matrix(pdfium.PdfMatrix().scale(612, 792))
    page.insert_obj(picture)
    page.gen_content()
    file = io.BytesIO()
    stamped.save(file)
    reading = reader.read(file.getvalue(), Source.ACTE)
    assert reading.pages[0].source is PageSource.READ
    assert word_recall(reading.text, TRUTH) > 0.9
