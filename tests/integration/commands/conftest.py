"""The program from outside, on a queue of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

REGISTRE = Path(sys.executable).with_name("registre")
PLANTED = "pl4nted-s3cret"


@dataclass
class Shell:
    """Runs the program with the settings of one environment."""

    dsn: str
    settings: dict[str, str]
    folder: Path

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REGISTRE, *arguments],
            env={**os.environ, **self.settings, **settings},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def json(self, *arguments: str, **settings: str):  # type: ignore[no-untyped-def]
        ran = self.run(*arguments, "--json", **settings)
        assert ran.stdout, ran.stderr
        return json.loads(ran.stdout)

    def ask(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def insert(self, **columns: object) -> str:
        values = {"document_source": "index", "document_number": "1 234 567", "status_id": 3,
                  "supabase_path": "index/1.pdf", **columns}  # fmt: skip
        ((document_id,),) = self.ask(
            f"INSERT INTO extraction_queue ({', '.join(values)})"
            f" VALUES ({', '.join(['%s'] * len(values))}) RETURNING id::text",
            *values.values(),
        )
        return str(document_id)


@pytest.fixture
def shell(migrated_database_url: str, redis_url: str, tmp_path: Path) -> Shell:
    return Shell(
        migrated_database_url,
        {
            "OCR_DEV": "true",
            "DEV_DATABASE_URL": migrated_database_url,
            "DEV_STORAGE_URL": tmp_path.as_uri(),
            "DEV_SUPABASE_SERVICE_KEY": PLANTED,
            "REDIS_URL": redis_url,
        },
        tmp_path,
    )


@pytest.fixture
def empty_shell(database_url: str, shell: Shell) -> Shell:
    """A shell on a database without our schema."""
    return Shell(database_url, {**shell.settings, "DEV_DATABASE_URL": database_url}, shell.folder)


Problems = Callable[[], set[str]]
