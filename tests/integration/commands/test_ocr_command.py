"""`registre ocr` from outside: files in, files out."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import psutil
import pypdfium2 as pdfium
import pytest
from PIL import Image
from terminal import Terminal

from registre_cli.core.errors import ProblemFoundError
from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words
from registre_cli.ocr.files import write_whole

REGISTRE = Path(sys.executable).with_name("registre")
XHTML = {"x": "http://www.w3.org/1999/xhtml"}
PAGE = [Words(60, 100 + 24 * line, f"Vente du lot 1 234 567 par Bélanger no {line}", 13)
        for line in range(1, 8)]  # fmt: skip


def registre(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REGISTRE, "ocr", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def scan() -> bytes:
    return scanned_pdf([PAGE, PAGE, PAGE], random.Random(3), strength=0)


@pytest.fixture
def folder(tmp_path: Path, scan: bytes) -> Path:
    (tmp_path / "in" / "2019").mkdir(parents=True)
    (tmp_path / "in" / "a.pdf").write_bytes(scan)
    (tmp_path / "in" / "2019" / "a.pdf").write_bytes(scan)
    return tmp_path


def test_a_folder_is_read_into_the_same_folders_and_only_once(folder: Path) -> None:
    out = folder / "out"
    first = registre(folder / "in", "--output", out, "--pages", "2-")
    assert (first.returncode, first.stdout) == (0, ""), first.stderr
    text = (out / "2019" / "a.txt").read_text()
    assert text.startswith("--- Page 2 ---") and "--- Page 3 ---" in text
    (out / "a.txt").write_text("mine")
    again = registre(folder / "in", "--output", out)
    assert "2 files were read before" in again.stderr
    assert (out / "a.txt").read_text() == "mine"
    assert registre(folder / "in" / "a.pdf", "--output", out, "--force").returncode == 0
    assert (out / "a.txt").read_text().startswith("--- Page 1 ---")


def test_what_cannot_be_is_refused_before_anything_is_read(folder: Path) -> None:
    one, other = folder / "in" / "a.pdf", folder / "in" / "2019" / "a.pdf"
    for arguments, said in (
        ((one, other, "--output", folder / "out"), "would both be written as"),
        ((one, "--format", "pdf"), "a PDF is not printed"),
        ((one, "--format", "pdf", "--output", one.parent), "would overwrite"),
        ((one, "--pages", "3-1"), "is no list of pages"),
        ((one, "--pages", "x"), "is no list of pages"),
        ((one, "--pages", ""), "is no list of pages"),
        ((one, "--json", "--format", "tsv"), "are two forms"),
        ((one, "--output", "/proc"), "give a folder you may write to"),
        ((one, "--output", one), "it is a file"),
    ):
        ran = registre(*arguments)
        assert (ran.returncode, ran.stdout) == (2, ""), arguments
        assert said in ran.stderr
        assert "Traceback" not in ran.stderr
    ran = registre(one, "--pages", "7")
    assert ran.returncode == 1
    assert "it has 3 pages, none of those" in ran.stderr


def test_hocr_and_tsv_say_where_each_word_stands(folder: Path) -> None:
    one = folder / "in" / "a.pdf"
    ran = registre(one, "--format", "hocr", "--pages", "1")
    root = ET.fromstring(ran.stdout)
    words = root.findall(".//x:span[@class='ocrx_word']", XHTML)
    assert "Bélanger" in [word.text for word in words]
    page = root.find(".//x:div[@class='ocr_page']", XHTML)
    assert page is not None
    _, _, _, width, height = page.attrib["title"].partition(";")[0].split()
    for word in words:
        left, top, right, bottom = map(int, word.attrib["title"].partition(";")[0].split()[1:])
        assert 0 <= left < right <= int(width) and 0 <= top < bottom <= int(height)
    rows = registre(one, "--format", "tsv").stdout.splitlines()
    assert rows[0].startswith("page\tparagraph\tline\tleft")
    assert {row.split("\t")[0] for row in rows[1:]} == {"1", "2", "3"}


@pytest.mark.parametrize("rotation", [0, 90, 180])
def test_a_searchable_pdf_has_each_word_over_its_picture(
    tmp_path: Path, scan: bytes, rotation: int
) -> None:
    source = pdfium.PdfDocument(scan)
    source[0].set_rotation(rotation)
    file = io.BytesIO()
    source.save(file)
    (tmp_path / "a.pdf").write_bytes(file.getvalue())
    ran = registre(
        tmp_path / "a.pdf", "--format", "pdf", "--pages", "1", "--output", tmp_path / "o"
    )
    assert ran.returncode == 0, ran.stderr
    made = pdfium.PdfDocument((tmp_path / "o" / "a.pdf").read_bytes())
    assert len(made) == 3
    text = made[0].get_textpage()
    found = text.search("Bélanger").get_next()
    assert found is not None, text.get_text_bounded()
    boxes = [text.get_charbox(found[0] + place) for place in range(len("Bélanger"))]
    left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
    assert 10 < (right - left) * (top - bottom) < 2000
    # Invisible: the page looks as before, and under the word there is ink.
    before, after = (
        np.asarray(document[0].render(scale=1).to_pil().convert("L")) for document in (source, made)
    )
    assert np.array_equal(before, after)
    made[0].set_rotation(0)
    flat = made[0].render(scale=2).to_pil().convert("L")
    high = made[0].get_height()
    word = flat.crop(
        (int(2 * left), int(2 * (high - top)), int(2 * right), int(2 * (high - bottom)))
    )
    assert np.asarray(word).min() < 100


def test_uncertain_pages_are_listed_and_a_failure_does_not_stop_the_others(
    folder: Path,
) -> None:
    noise = np.random.default_rng(9).normal(150, 60, (800, 600))
    picture = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
    for row in range(5):
        picture.paste(30, (60 + 31 * row, 100 + 40 * row, 66 + 31 * row, 130 + 40 * row))
    picture.save(folder / "in" / "noise.pdf", "PDF", resolution=100)
    (folder / "in" / "broken.pdf").write_text("no PDF")
    ran = registre(folder / "in", "--json")
    assert ran.returncode == 1
    files = {Path(entry["file"]).name: entry for entry in json.loads(ran.stdout)["files"]}
    assert files["broken.pdf"]["error"] == "the file is not a PDF"
    assert "1 of 4 files could not be read" in ran.stderr
    noisy = files["noise.pdf"]["pages"][0]
    if noisy["confidence"] is not None and noisy["confidence"] < 75:
        assert "noise.pdf page 1: confidence" in ran.stderr
    assert "a.pdf page" not in ran.stderr


def test_a_page_too_large_is_drawn_smaller_and_that_is_said(tmp_path: Path) -> None:
    document = pdfium.PdfDocument.new()
    document.new_page(14_400, 14_400)
    document.save(tmp_path / "map.pdf")
    ran = registre(tmp_path / "map.pdf", "--json")
    (page,) = json.loads(ran.stdout)["files"][0]["pages"]
    assert page["reduced"] and page["dpi"] < 40
    assert "map.pdf page 1: too large for OCR_MAX_PIXELS, drawn at 32 dpi" in ran.stderr


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.mkdir()
    with pytest.raises(ProblemFoundError, match="cannot be written"):
        write_whole(target, b"text")
    assert list(tmp_path.iterdir()) == [target]


def test_what_was_read_before_is_named_in_the_json(folder: Path) -> None:
    out = folder / "out"
    one, other = folder / "in" / "2019" / "a.pdf", folder / "in" / "a.pdf"
    assert registre(one, "--pages", "1", "--format", "json", "--output", out).returncode == 0
    (out / "2019").mkdir()
    (out / "a.json").rename(out / "2019" / "a.json")
    again = registre(folder / "in", "--pages", "1", "--json", "--output", out)
    said = json.loads(again.stdout)
    assert [read["file"] for read in said["files"]] == [str(other)]
    assert said["skipped"] == [str(one)]
    assert "1 file was read before" in again.stderr


def test_a_full_disk_under_the_output_is_told_in_a_sentence(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [REGISTRE, "ocr", folder / "in" / "a.pdf", "--pages", "1"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: No space left on device") and "Traceback" not in ran.stderr


def test_a_reader_that_leaves_ends_the_reading_in_silence(folder: Path) -> None:
    for number in range(4):
        (folder / "in" / f"b{number}.pdf").write_bytes((folder / "in" / "a.pdf").read_bytes())
    with subprocess.Popen(
        [REGISTRE, "ocr", folder / "in", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith("=== ")
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == ("", 0)


def test_log_lines_stand_above_the_progress_and_name_their_file(folder: Path) -> None:
    with Terminal(
        [REGISTRE, "ocr", folder / "in", "--output", folder / "out"],
        columns=160,
        rows=50,
        environment={"OCR_MAX_PIXELS": "1000000"},
    ) as terminal:
        terminal.wait_text(r"0/2 files, [1-9] page.* \d:\d\d:\d\d", 60)
        terminal.wait_for(lambda: terminal.process.poll() == 0, "the end", 60)
        terminal.wait_for(lambda: terminal.count("reduced ") == 6, "the summary")
        assert terminal.count("Page drawn smaller") == 6 and terminal.count("page=3") == 2
        assert terminal.count("━") == 0
        assert terminal.is_as_it_was()


def test_ctrl_c_says_what_is_written_and_the_next_run_goes_on(folder: Path) -> None:
    command = [REGISTRE, "ocr", folder / "in", "--output", folder / "out", "--jobs", "1"]
    with Terminal(command) as terminal:
        terminal.wait_for((folder / "out" / "2019" / "a.txt").exists, "the first file", 60)
        terminal.press("\x03")
        terminal.wait_text("stopped: 1 of 2 files are written; run it again to go on")
        terminal.wait_for(lambda: terminal.process.poll() == 130, "the end")
        assert terminal.is_as_it_was()
    again = registre(folder / "in", "--output", folder / "out")
    assert again.returncode == 0 and "1 file was read before" in again.stderr
    assert sorted(path.name for path in (folder / "out").rglob("*.*")) == ["a.txt", "a.txt"]


def test_ctrl_c_ends_the_reading_without_a_trace(folder: Path) -> None:
    with subprocess.Popen(
        [REGISTRE, "ocr", folder / "in", "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        group = psutil.Process(process.pid)
        deadline = time.monotonic() + 60
        while len(group.children(recursive=True)) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        children = group.children(recursive=True)
        assert len(children) >= 3, "the fork server and what it starts"
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not psutil.wait_procs(children, timeout=10)[1]
