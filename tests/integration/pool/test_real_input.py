"""Real scans and hostile PDFs through the program itself, on real servers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from accuracy import character_error_rate, word_recall

REGISTRE = Path(sys.executable).with_name("registre")

# Real scans with the highest character error rate that is allowed; measured values are about
# two thirds of it.
SCANS = {
    "fr-print-annuaire-notables-communaux-seine-1801-57": 0.07,
    "fr-print-annuaire-cambon-almgene-1841-141": 0.08,
    "fr-typ-europeana1418-p2": 0.09,
    "fr-typ-europeana1418-p53": 0.06,
    "fr-typ-europeana1418-p9": 0.05,
    "fr-typ-gallica1896-26": 0.11,
    # One of its lines is bent by the binding: a block of its own, among those of the others.
    "fr-typ-gallica525062185-3": 0.07,
    "fr-typ-journal1914-0002": 0.06,
    "fr-typ-journal1914-0004": 0.06,
    "mul-print-eurotext": 0.03,
}
# The truth of a table is in the order of its cells, which is not that of a page: the least share
# of its words that must have been read.
TABLES = {"fr-typ-catalogue1962-11082": 0.93}
# Hostile PDFs: how PDFium fared with them (from the manifest) and the reason that must be stored.
REASONS = {
    "open-error:password": "encrypted",
    "open-error:format": ("damaged", "not a PDF"),
    "open-error:code-success": "no pages",
    "page-load-error": "is damaged",
}
WANTED = {
    "open-error:password": 3,
    "open-error:format": 3,
    "open-error:code-success": 1,
    "page-load-error": 2,
    "ok": 4,
}


def hostile(corpus: Path) -> dict[str, str]:
    """Return file name → outcome for a fixed choice of small files."""
    left, chosen = dict(WANTED), {}
    for line in (corpus / "badpdf" / "manifest.tsv").read_text().splitlines()[1:]:
        name, _, size, tags, outcome, *_ = line.split("\t")
        interesting = outcome != "ok" or "recursive" in tags or "oss-fuzz" in tags
        if left.get(outcome, 0) and int(size) < 50_000 and interesting:
            left[outcome] -= 1
            chosen[name] = outcome
    return chosen


@pytest.fixture
def environment(migrated_database_url: str, redis_url: str, corpus: Path) -> dict[str, str]:
    return {
        **os.environ,
        "OCR_DEV": "true",
        "DEV_DATABASE_URL": migrated_database_url,
        "DEV_STORAGE_URL": corpus.resolve().as_uri(),
        "REDIS_URL": redis_url,
        "OCR_PAGE_TIMEOUT": "60",
    }


@pytest.mark.timeout(300)
def test_real_scans_are_read_and_hostile_pdfs_end_with_their_reason(
    environment: dict[str, str], migrated_database_url: str, corpus: Path, tmp_path: Path
) -> None:
    bad = hostile(corpus)
    assert len(bad) >= 10
    sources = {
        **{f"scans/{name}.pdf": "acte" for name in SCANS},
        **{f"scans/{name}.pdf": "index" for name in TABLES},
        **{f"badpdf/{name}": "acte" if place % 2 else "index" for place, name in enumerate(bad)},
    }
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        for path, source in sources.items():
            connection.execute(
                "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
                " status_id) VALUES (%s, %s, %s, 3)",
                [source, Path(path).name, path],
            )
        ran = subprocess.run(
            [REGISTRE, "pool", "run", "--burst", "--json"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        rows = connection.execute(
            "SELECT supabase_path, status_id, file_content, boosted_file_content, ocr_error,"
            " ocr_attempts, ocr_confidence FROM extraction_queue"
        ).fetchall()
    assert ran.returncode == 1, "documents failed in the burst"
    summary = json.loads(ran.stdout)
    failed = sum(outcome in REASONS for outcome in bad.values())
    assert summary["documents_done"] == len(sources) - failed
    assert summary["documents_failed"] == failed
    for path, status, raw, boosted, error, attempts, confidence in rows:
        folder, name = path.split("/")
        assert attempts == 1
        if folder == "badpdf" and bad[name] in REASONS:
            reasons = REASONS[bad[name]]
            said = [
                r for r in (reasons if isinstance(reasons, tuple) else (reasons,)) if r in error
            ]
            assert status == 4 and said, f"{name}: {error}"
            continue
        assert (status, error) == (5, None), f"{name}: {error}"
        assert raw and boosted
        if folder == "scans":
            truth = (corpus / "scans" / f"{Path(name).stem}.gt.txt").read_text()
            stem = Path(name).stem
            if stem in TABLES:
                assert word_recall(raw, truth) >= TABLES[stem], name
            else:
                rate = character_error_rate(raw, truth)
                assert rate <= SCANS[stem], f"{name}: {rate:.1%}"
            assert confidence > 70
