"""Several environments at once: their order, one that is broken, one that is disabled."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from conftest import Shell
from psycopg import sql

from registre_cli.embedded.servers import PostgresServer
from registre_cli.ocr.drawing import Words, vector_pdf

NAMES = ("prod", "staging", "dev")
# Nobody listens at this address.
AWAY = "postgresql://user:pl4nted@127.0.0.1:9/nothing"


@dataclass
class Environments:
    """Three queues of their own and a program that knows all of them."""

    shell: Shell
    dsns: dict[str, str]

    def add(self, name: str, documents: int) -> None:
        own = Shell(self.dsns[name], {}, self.shell.folder)
        for number in range(documents):
            own.insert(document_number=f"{name}-{number}", supabase_path="page.pdf")

    def count(self, name: str, status: int) -> int:
        with psycopg.connect(self.dsns[name]) as connection:
            query = "SELECT count(*) FROM extraction_queue WHERE status_id = %s"
            row = connection.execute(query, (status,)).fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def environments(
    shell: Shell, postgres_server: PostgresServer, migrated_template: str
) -> Iterator[Environments]:
    dsns = {}
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as admin:
        for name in NAMES:
            database = f"test_{name}_{uuid.uuid4().hex[:8]}"
            copy = "CREATE DATABASE {} TEMPLATE {}"
            admin.execute(
                sql.SQL(copy).format(sql.Identifier(database), sql.Identifier(migrated_template))
            )
            dsns[name] = postgres_server.dsn(database)
            shell.settings[f"{name.upper()}_DATABASE_URL"] = dsns[name]
            shell.settings[f"{name.upper()}_STORAGE_URL"] = shell.folder.as_uri()
            shell.settings[f"OCR_{name.upper()}"] = "true"
    shell.settings["LOG_FORMAT"] = "json"
    line = "Vente du lot 1 234 567 par Jean Tremblay à Hydro-Québec"
    (shell.folder / "page.pdf").write_bytes(vector_pdf([Words(60, 100, line)]))
    yield Environments(shell, dsns)
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as admin:
        for dsn in dsns.values():
            database = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            admin.execute(drop.format(sql.Identifier(str(database))))


def claimed(ran: subprocess.CompletedProcess[str]) -> list[str]:
    """The environments of the claims, in order."""
    lines = [json.loads(line) for line in ran.stderr.splitlines() if line.startswith("{")]
    return [line["environment"] for line in lines if line["event"] == "Claimed job"]


def test_production_is_read_first_then_staging_then_dev(environments: Environments) -> None:
    for name in reversed(NAMES):
        environments.add(name, 2)
    ran = environments.shell.run("pool", "run", "--burst", "--size", "1", "--min-index", "0")
    assert ran.returncode == 0, ran.stderr
    assert claimed(ran) == ["prod", "prod", "staging", "staging", "dev", "dev"]


def test_a_broken_environment_does_not_stop_the_others(environments: Environments) -> None:
    environments.add("prod", 2)
    environments.add("dev", 2)
    ran = environments.shell.run(
        "pool", "run", "--size", "2", "--max-documents", "4", STAGING_DATABASE_URL=AWAY
    )
    assert ran.returncode == 0, ran.stderr
    assert sorted(claimed(ran)) == ["dev", "dev", "prod", "prod"]
    assert (environments.count("prod", 5), environments.count("dev", 5)) == (2, 2)
    assert '"environment": "staging"' in ran.stderr and "pl4nted" not in ran.stderr


def test_a_broken_environment_is_told_beside_the_others(environments: Environments) -> None:
    environments.add("prod", 1)
    ran = environments.shell.run("queue", "check", "--json", STAGING_DATABASE_URL=AWAY)
    found = json.loads(ran.stdout)
    reachable = {shown["name"]: shown["reachable"] for shown in found["environments"]}
    assert reachable == {"prod": True, "staging": False, "dev": True}
    assert {p["environment"] for p in found["problems"] if p["code"] == "unreachable"} == {
        "staging"
    }
    assert "pl4nted" not in ran.stdout + ran.stderr


def test_a_disabled_environment_is_left_alone_and_shown_as_such(
    environments: Environments,
) -> None:
    for name in NAMES:
        environments.add(name, 1)
    shell = environments.shell
    ran = shell.run("pool", "run", "--burst", OCR_PROD="false")
    assert ran.returncode == 0, ran.stderr
    assert set(claimed(ran)) == {"staging", "dev"}
    assert environments.count("prod", 3) == 1
    checked = json.loads(shell.run("queue", "check", "--json", OCR_PROD="false").stdout)
    assert {e["name"]: e["enabled"] for e in checked["environments"]} == {
        "prod": False,
        "staging": True,
        "dev": True,
    }
    problem = next(p for p in checked["problems"] if p["code"] == "environment_disabled")
    assert problem["environment"] == "prod" and "OCR_PROD" in problem["fix"]
    verified = shell.run("verify-setup", OCR_PROD="false").stdout
    assert "OCR_PROD=false: no pool serves it" in verified


def test_a_disabled_environment_is_not_read_even_when_asked_for(
    environments: Environments,
) -> None:
    environments.add("prod", 1)
    ran = environments.shell.run("pool", "run", "--burst", "--env", "prod", OCR_PROD="false")
    assert ran.returncode == 3
    assert "prod is disabled" in ran.stderr and "OCR_PROD=true" in ran.stderr
    assert environments.count("prod", 3) == 1
