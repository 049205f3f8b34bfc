"""A temporary folder without room: the document's error says so, and it is tried again."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from registre_cli.demo.scan import scanned_pdf
from registre_cli.ocr.drawing import Words

REGISTRE = Path(sys.executable).with_name("registre")


def test_a_full_temporary_folder_is_a_named_transient_failure(
    migrated_database_url: str, redis_url: str, tmp_path: Path
) -> None:
    page = scanned_pdf([[Words(60, 100, "Lot 1 234 567", 14)]], random.Random(1))
    (tmp_path / "1.pdf").write_bytes(page)
    # The path of a fork server's socket below it must be short.
    small = Path(tempfile.mkdtemp(prefix="registre-small-"))
    unshare = shutil.which("unshare")
    assert unshare is not None
    # A mount of our own, seen by nobody else; the command line engine writes temporary files.
    options = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    script = f'mount -t tmpfs -o size=1m tmpfs "{small}" && exec "{REGISTRE}" pool run --burst'
    with psycopg.connect(migrated_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
            " status_id) VALUES ('acte', '1', '1.pdf', 3)"
        )
        subprocess.run(
            [unshare, *options, "sh", "-c", script],
            env={
                **os.environ,
                "OCR_DEV": "true",
                "DEV_DATABASE_URL": migrated_database_url,
                "DEV_STORAGE_URL": tmp_path.as_uri(),
                "REDIS_URL": redis_url,
                "OCR_ENGINE": "tesseract-cli",
                "TMPDIR": str(small),
            },
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )
        row = connection.execute(
            "SELECT status_id, ocr_attempts, ocr_error FROM extraction_queue"
        ).fetchone()
    small.rmdir()
    assert row == (3, 1, "this host failed: No space left on device")
