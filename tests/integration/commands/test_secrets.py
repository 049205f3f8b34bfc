"""Planted passwords and keys, looked for wherever we write: output, logs, ps, Redis, the queue."""

import contextlib
import json
import os
import random
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import bad_web_server
import psutil
import psycopg
import pytest
import redis
from command_series import run_series
from conftest import REGISTRE, Shell
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from vision_server import VisionServer, status

from registre_cli.demo.scan import scanned_pdf
from registre_cli.embedded.servers import PostgresServer, ValkeyServer
from registre_cli.ocr.drawing import Words

# In every secret, and in what a URL makes of it (%70l4nted).
TOKEN = "l4nted"
PASSWORD = "p@l4nted:/é s3cret"
ENCODED = "%70%40l4nted%3A%2F%C3%A9%20s3cret"
SCAN = scanned_pdf(
    [[Words(60, 100 + 24 * row, f"Vente du lot 1 234 567 no {row}", 14) for row in range(6)]],
    random.Random(1),
)
AWAY = "127.0.0.1:9"

COMMANDS = [
    ("queue", "check"), ("queue", "check", "--json"), ("queue", "check", "--format", "nagios"),
    ("queue", "list"), ("queue", "list", "--json", "--env", "dev"),
    ("queue", "add", "bucket/2.pdf", "--source", "acte", "--env", "dev"),
    ("queue", "retry", "--failed", "--env", "dev"),
    ("db", "status"), ("db", "migrate", "--json"),
    ("pool", "status"), ("pool", "status", "--json"), ("pool", "resume"),
    ("capacity", "--json"),
    ("verify-setup", "--verbose"), ("verify-setup", "--json"),
    ("verify-setup", "--format", "github"), ("verify-setup", "--format", "junit"),
    ("deploy", "status"), ("deploy", "history", "--json"),
    ("ocr", "scan.pdf"), ("ocr", "scan.pdf", "--json"),
    ("pool", "run", "--burst", "--json"),
]  # fmt: skip
# What meets every part, where each part is broken in turn.
FEW = [
    ("queue", "check"), ("queue", "list", "--env", "dev"),
    ("verify-setup", "--verbose", "--only", "host", "--only", "dev", "--only", "staging",
     "--only", "prod", "--only", "redis", "--only", "reading/gemini"),
    ("pool", "status"), ("pool", "run", "--burst", "--max-documents", "1"),
]  # fmt: skip


@pytest.fixture
def vision() -> Iterator[VisionServer]:
    server = VisionServer()
    yield server
    server.close()


@pytest.fixture
def keeper(postgres_server: PostgresServer, migrated_database_url: str) -> Iterator[str]:
    """A role that PostgreSQL asks for its password; yields what stands after `user:password@`."""
    parts = conninfo_to_dict(migrated_database_url)
    rules = Path(str(parts["host"])) / "postgres" / "pg_hba.conf"
    before = rules.read_text()
    with psycopg.connect(migrated_database_url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS keeper")
        create = sql.SQL("CREATE ROLE keeper LOGIN SUPERUSER PASSWORD {}")
        admin.execute(create.format(sql.Literal(PASSWORD)))
        rules.write_text("local all keeper scram-sha-256\n" + before)
        admin.execute("SELECT pg_reload_conf()")
        yield f"/{parts['dbname']}?host={parts['host']}"
        rules.write_text(before)
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP ROLE keeper")


@pytest.fixture
def locked_redis(valkey_server: ValkeyServer, redis_url: str) -> Iterator[str]:
    """A Redis that asks for its password; yields its address without one."""
    client = redis.Redis.from_url(redis_url)
    client.config_set("requirepass", PASSWORD)
    yield redis_url.partition("?")[0]
    client.execute_command("AUTH", PASSWORD)
    client.config_set("requirepass", "")
    client.close()


@pytest.fixture
def planted(
    shell: Shell, keeper: str, locked_redis: str, vision: VisionServer, serve,  # type: ignore[no-untyped-def]
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:  # fmt: skip
    """A setup where every part asks for a secret and is given the right one."""
    monkeypatch.setattr(bad_web_server, "PDF", SCAN)
    storage, _ = serve()
    (shell.folder / "scan.pdf").write_bytes(SCAN)
    shell.settings.clear()
    shell.settings.update({
        "LOG_LEVEL": "debug", "REGISTRE_HOME": str(shell.folder / "home"), "COLUMNS": "200",
        "OCR_DEV": "true", "OCR_STAGING": "true",
        "DEV_DATABASE_URL": f"postgresql://keeper:{ENCODED}@{keeper}",
        "STAGING_DATABASE_URL": f"postgresql://keeper@{keeper}&password={ENCODED}",
        "REDIS_URL": f"{locked_redis}?password={ENCODED}",
        "DEV_SUPABASE_URL": storage, "DEV_SUPABASE_SERVICE_KEY": "ey-pl4nted-k3y",
        "STAGING_STORAGE_URL": "s3://deeds", "AWS_ENDPOINT_URL": storage, "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "AKpl4nted", "AWS_SECRET_ACCESS_KEY": "aws-pl4nted",
        "AWS_REGION": "us-east-1",
        "OCR_ENGINE": "gemini,tesseract", "OCR_GEMINI_BASE_URL": vision.url, "OCR_DPI": "100",
        "OCR_GEMINI_MODEL": "m", "OCR_GEMINI_API_KEY": "sk-pl4nted",
        "OCR_TEXT_LAYER": "ignore", "OCR_PAGE_TIMEOUT": "5",
    })  # fmt: skip
    shell.insert(supabase_path="bucket/1.pdf")
    return shell


def kept_in_redis(address: str) -> str:
    """Every key of Redis with its value, and what it knows of its clients."""
    client = redis.Redis.from_url(address, password=PASSWORD, decode_responses=True)
    read = {"string": client.get, "hash": client.hgetall, "set": client.smembers,
            "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            "list": lambda key: client.lrange(key, 0, -1)}  # fmt: skip
    with client:
        kept = {key: read[client.type(key)](key) for key in client.scan_iter()}
        return f"{kept} {client.client_list()}"


def kept_in_the_queue(shell: Shell) -> str:
    return str(shell.ask("SELECT row_to_json(q)::text FROM extraction_queue AS q"))


def shown_by_ps(program: subprocess.Popen[str]) -> set[str]:
    """Every command line of a program and of what it starts, until it ends."""
    shown: set[str] = set()
    whole = psutil.Process(program.pid)
    while program.poll() is None:
        with contextlib.suppress(psutil.Error):
            for process in [whole, *whole.children(recursive=True)]:
                shown.add(f"{process.name()} {' '.join(process.cmdline())}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(0.05)
    return shown


def test_where_all_is_well_no_secret_is_shown_or_kept(planted: Shell, locked_redis: str) -> None:
    program = subprocess.Popen(
        [REGISTRE, "pool", "run", "--max-documents", "1"], cwd=planted.folder,
        env={**os.environ, **planted.settings}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    shown = shown_by_ps(program)
    assert program.stdout is not None
    log = program.stdout.read()
    program.stdout.close()
    assert program.returncode == 0, log
    assert planted.ask("SELECT status_id FROM extraction_queue") == [(5,)], log
    assert '"engine": "gemini"' in kept_in_the_queue(planted) + log
    assert len(shown) > 2 and not any(TOKEN in line for line in shown)
    ended = run_series([(call, planted.settings) for call in COMMANDS], planted.folder)
    for one in ended:
        assert TOKEN not in one.said, one.arguments
        # A host without PM2 has nothing to tell of a deploy.
        assert one.code in ({0, 1, 4} if "deploy" in one.arguments else {0, 1}), one
        assert "Traceback" not in one.stderr, one
    checked = next(one for one in ended if one.arguments == ("verify-setup", "--json"))
    assert '"fail"' not in checked.stdout, checked.stdout
    for text in (log, kept_in_redis(locked_redis), kept_in_the_queue(planted)):
        assert text and TOKEN not in text
    assert_no_file_holds_it(planted.folder)


def assert_no_file_holds_it(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


WRONG: dict[str, Mapping[str, str]] = {
    "password": {
        "DEV_DATABASE_URL": "postgresql://keeper:wrong-pl4nted@{keeper}",
        "STAGING_DATABASE_URL": "postgresql://keeper@{keeper}&password=wrong-pl4nted",
        "REDIS_URL": "{redis}?password=wrong-pl4nted",
    },
    "address": {
        "DEV_DATABASE_URL": f"postgresql://u:{ENCODED}@{AWAY}/x",
        "STAGING_DATABASE_URL": f"postgresql://{AWAY}/x?user=u&password={ENCODED}",
        "REDIS_URL": f"redis://u:{ENCODED}@{AWAY}/0",
    },
    "way of writing": {
        "DEV_DATABASE_URL": "postgresql://u:a@pl4nted@127.0.0.1:9/x",
        "STAGING_DATABASE_URL": "postgresql://u:a/pl4nted@127.0.0.1/x",
        "PROD_DATABASE_URL": "postgresql://u:%zzpl4nted@127.0.0.1:9/x",
        "OCR_PROD": "true",
        "REDIS_URL": "redis://h:pl4nted/0",
    },
    "way of asking": {
        "DEV_DATABASE_URL": "postgresql://127.0.0.1:9/x?pasword=pl4nted",
        "STAGING_DATABASE_URL": "host=127.0.0.1 port=9 password=pl4nted rest pl4nted",
        "REDIS_URL": "redis://h/0?pasword=pl4nted",
    },
    "storage": {
        "DEV_SUPABASE_URL": f"http://u:pl4nted@{AWAY}",
        "STAGING_STORAGE_URL": "https://u:pl4nted@127.0.0.1:9/x?token=pl4nted",
    },
    "letters of a key": {"DEV_SUPABASE_SERVICE_KEY": "clé-pl4nted\nX: y"},
    "letters of another key": {"OCR_GEMINI_API_KEY": "clé-pl4nted"},
    "bytes": {
        "DEV_DATABASE_URL": "postgresql://u:pl4nted\udcff@127.0.0.1:9/x",
        "REDIS_URL": "redis://:pl4nted\udcff@127.0.0.1:9/0",
    },
    "kind of storage": {
        "DEV_STORAGE_URL": "odd://u:pl4nted@h",
        "DEV_SUPABASE_URL": "",
        "STAGING_STORAGE_URL": "file://pl4nted@h/x",
    },
    "place of a key": {
        "STAGING_STORAGE_URL": "s3://pl4nted:pl4nted@127.0.0.1:9/x",
        "OCR_SPELT_WRONG": "pl4nted",
        "DEV_DATABASE_URL": "nonsense pl4nted",
    },
}


POOL_ENDS = {"password", "way of writing", "storage", "letters of a key", "bytes"}


def test_where_something_is_wrong_no_secret_is_shown_or_kept(
    planted: Shell, keeper: str, locked_redis: str
) -> None:
    series = []
    for wrong, values in WRONG.items():
        given = {
            name: value.format(keeper=keeper, redis=locked_redis) for name, value in values.items()
        }
        # A pool waits for a server that is away, and starts with a storage that is.
        calls = [call for call in FEW if "run" not in call or wrong in POOL_ENDS]
        series += [(call, {**planted.settings, **given}) for call in calls]
    for one, (_, settings) in zip(run_series(series, planted.folder), series, strict=True):
        assert TOKEN not in one.said, (one, settings)
        assert one.code in {0, 1, 3, 4} and "Traceback" not in one.said, (one, settings)
    assert TOKEN not in kept_in_the_queue(planted) + kept_in_redis(locked_redis)


def test_a_refused_password_is_told_with_the_variable_that_holds_it(
    planted: Shell, keeper: str, locked_redis: str
) -> None:
    wrong = {name: value.format(keeper=keeper, redis=locked_redis)
             for name, value in WRONG["password"].items()}  # fmt: skip
    calls = [("queue", "check", "--json"), ("queue", "list", "--env", "dev")]
    checked, listed = run_series(
        [(call, {**planted.settings, **wrong}) for call in calls], planted.folder
    )
    problems = {(p["code"], p["environment"]): p for p in json.loads(checked.stdout)["problems"]}
    assert set(problems) == {
        ("redis_unreachable", None), ("unreachable", "dev"), ("unreachable", "staging"),
    }  # fmt: skip
    refused = problems["unreachable", "dev"]
    assert refused["message"].startswith("the database of dev: PostgreSQL refuses us: ")
    assert refused["message"].endswith('password authentication failed for user "keeper"')
    assert refused["fix"] == "correct user, password and database in the DEV_DATABASE_URL"
    assert problems["redis_unreachable", None]["message"].startswith("Redis refuses us")
    assert (checked.code, listed.code) == (1, 3)


def test_a_key_that_is_refused_is_not_repeated(planted: Shell, vision: VisionServer) -> None:
    vision.always = status(401, "Incorrect API key provided: sk-pl4nted")
    planted.ask("UPDATE extraction_queue SET supabase_path = 'bucket/status-401'")
    for one in run_series([(call, planted.settings) for call in FEW], planted.folder):
        assert TOKEN not in one.said, one
        assert "Traceback" not in one.said, one
    assert TOKEN not in kept_in_the_queue(planted)


def test_the_embedded_servers_know_no_setting_of_ours(shell: Shell) -> None:
    settings = {"REGISTRE_HOME": str(shell.folder / "home"), "DEV_SUPABASE_SERVICE_KEY": "pl4nted"}
    program = subprocess.Popen(
        [REGISTRE, "pool", "run"], cwd=shell.folder, env={**os.environ, **settings}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert program.stderr is not None
        assert "Pool started" in program.stderr.readline()
        (keeper,) = [
            process
            for process in psutil.process_iter(["cmdline"])
            if (process.info["cmdline"] or [""])[-1] == settings["REGISTRE_HOME"]
        ]
        servers = keeper.children(recursive=True)
        told = {server.name(): str(server.environ()) for server in servers}
        assert {"postgres", "valkey-server"} <= told.keys()
        assert not [name for name, environment in told.items() if TOKEN in environment]
    finally:
        program.terminate()
        program.communicate(timeout=40)
