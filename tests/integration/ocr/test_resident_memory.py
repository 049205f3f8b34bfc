"""What reading holds of memory; a program of the bench reads 500 documents."""

import subprocess
import sys

# A process of its own: what other tests left behind is not ours.
READING = """
import psutil
from registre_cli.core.settings import load_settings
from registre_cli.demo.batch import generate
from registre_cli.ocr.engines import open_order
from registre_cli.ocr.pipeline import Reader

settings = load_settings(ocr_text_layer="ignore")
reader = Reader(settings, open_order(settings))
documents = generate(1, 1, seed=17)
for _ in range(6):
    for document in documents:
        reader.read(document.pdf, document.source)
    print(psutil.Process().memory_info().rss)
"""


def test_a_worker_on_ordinary_pages_stays_small_and_does_not_grow() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", READING], capture_output=True, text=True, timeout=170, check=True
    )
    sizes = [int(line) for line in ran.stdout.split()]
    assert len(sizes) == 6
    assert max(sizes) < 250e6
    assert max(sizes[3:]) - max(sizes[:3]) < 10e6, sizes
