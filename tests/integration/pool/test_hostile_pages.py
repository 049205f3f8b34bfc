"""Pages that hang PDFium or swallow memory, through the program itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import hostile_pdfs
import psycopg
import pytest

REGISTRE = Path(sys.executable).with_name("registre")
MEMORY_LIMIT_MB = 400


@pytest.mark.timeout(240)
def test_hostile_pages_end_with_their_cause_and_their_neighbours_are_read(
    migrated_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    made = {
        "form": hostile_pdfs.self_drawing_form(),
        "operators": hostile_pdfs.many_operators(),
        "huge": hostile_pdfs.huge_page(),
        "loop": hostile_pdfs.looping_page_tree(),
        **{f"neighbour-{n}": hostile_pdfs.harmless() for n in range(6)},
    }
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        for name, pdf in made.items():
            (tmp_path / f"{name}.pdf").write_bytes(pdf)
            connection.execute(
                "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
                " status_id, ocr_max_attempts) VALUES ('acte', %s, %s, 3, 1)",
                [name, f"{name}.pdf"],
            )
        ran = subprocess.run(
            [REGISTRE, "pool", "run", "--burst"],
            env={
                **os.environ,
                "OCR_DEV": "true",
                "DEV_DATABASE_URL": migrated_database_url,
                "DEV_STORAGE_URL": tmp_path.as_uri(),
                "REDIS_URL": redis_url,
                "OCR_PAGE_TIMEOUT": "6",
                "OCR_WORKER_MAX_RSS_MB": str(MEMORY_LIMIT_MB),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        rows = connection.execute(
            "SELECT document_number, status_id, ocr_error FROM extraction_queue"
        ).fetchall()
    ends = {name: (status, error) for name, status, error in rows}
    assert {status for status, _ in ends.values()} <= {4, 5}, ends
    for name in made:
        if name.startswith("neighbour"):
            assert ends[name] == (5, None)
    by_our_hand = (
        f"the memory limit of {MEMORY_LIMIT_MB} MB was passed on page 1",
        "a page took longer than 6 s on page 1",
    )
    assert ends["form"][0] == 4 and ends["form"][1] in by_our_hand
    for name in ("operators", "huge", "loop"):
        status, error = ends[name]
        assert status == 5 or error in by_our_hand or "damaged" in error, (name, error)
    measured = [json.loads(line) for line in ran.stderr.splitlines()]
    assert any(line["event"] == "Worker lost" for line in measured)
