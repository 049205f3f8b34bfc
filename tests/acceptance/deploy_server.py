"""A server as a deploy finds it: an account with its own PM2, a fleet, a queue and the program."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
from pool_harness import wait_for
from psycopg import sql

from registre_cli.embedded.servers import PostgresServer, ValkeyServer
from registre_cli.ocr.drawing import Words, vector_pdf

PROGRAMS = Path(sys.executable).parent
PM2 = PROGRAMS.parent / "pm2" / "node_modules" / ".bin"
# A machine that is busy makes nobody's pool unhealthy here.
PATIENTLY = ("--health-timeout", "60")
PLANTED = "pl4nted-s3cret"
NEIGHBOURS = ("registre-workers", "registre-monitor", "registre-api")
LEGACY = ("registre-ocr", "registre-worker")

# What an extractor of another team filled before there was a pool: none of our columns.
_THEIR_TABLE = """
CREATE TABLE extraction_queue (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    document_source text NOT NULL,
    document_number text NOT NULL,
    status_id integer DEFAULT 1,
    supabase_path text,
    file_content text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
)
"""
_NODE = "setInterval(() => {}, 1000);\n"
_PYTHON = "import time\nwhile True:\n    time.sleep(1)\n"


@dataclass
class Running:
    """A deploy under way, with what it said so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def wait_step(self, name: str, seconds: float = 60) -> None:
        """Wait until the step begins."""
        wait_for(
            lambda: (
                any(f"  {name} " in line and line.rstrip().endswith("…") for line in self.lines)
                or self.process.poll() is not None
            ),
            seconds,
            f"step {name} in {self.lines}",
        )
        assert self.process.poll() is None, self.lines

    def end(self, seconds: float = 90) -> int:
        return self.process.wait(seconds)


@dataclass
class Server:
    """One account on one machine; everything of it is under `folder`."""

    folder: Path
    dsn: str
    redis_url: str
    added: int = 0
    ecosystem_text: str = ""
    ecosystem_written_ns: int = 0
    # What every command is run through, and where its files are seen from outside.
    within: tuple[str, ...] = ()
    root: str = ""
    # Where the documents are, if not below its own folder.
    documents: Path | None = None
    # What is found first, on the server as at the keyboard.
    programs: tuple[Path, ...] = (PROGRAMS,)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def pm2_home(self) -> Path:
        return self.folder / "pm2"

    @property
    def ecosystem(self) -> Path:
        return self.folder / "fleet" / "ecosystem.config.js"

    @property
    def settings(self) -> Path:
        return self.folder / "prod.env"

    @property
    def storage(self) -> Path:
        return self.documents or self.folder / "storage"

    @property
    def environment(self) -> dict[str, str]:
        """What the person at the keyboard has, a secret among it."""
        return {
            "PATH": ":".join(map(str, (*self.programs, PM2, os.environ["PATH"]))),
            "HOME": str(self.folder),
            "PM2_HOME": str(self.pm2_home),
            "REGISTRE_HOME": str(self.home),
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
            "LANG": "C.UTF-8",
            "SHELL_SECRET": PLANTED,
            **{k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "UV_"))},
            **{k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")},
        }

    def make(self) -> None:
        """Write the settings and the fleet, and start what ran before there was a pool."""
        (self.folder / "storage").mkdir(parents=True)
        self.write_settings()
        fleet = self.folder / "fleet"
        fleet.mkdir()
        for name in NEIGHBOURS:
            (fleet / f"{name}.js").write_text(_NODE)
        for name in LEGACY:
            (fleet / f"{name}.py").write_text(_PYTHON)
        self.write_ecosystem()

    def write_ecosystem(self, **environment: str) -> None:
        """Write the file that the fleet's owner keeps, with a comment that only a person writes."""
        apps = [{"name": name, "script": f"{name}.js", "env": environment} for name in NEIGHBOURS]
        self.ecosystem_text = (
            f"// our fleet\nmodule.exports = {{\n  apps: {json.dumps(apps)},\n}};\n"
        )
        self.ecosystem.write_text(self.ecosystem_text)
        self.ecosystem_written_ns = self.ecosystem.stat().st_mtime_ns

    def write_settings(self, **more: str) -> None:
        values = {
            "OCR_DEV": "true",
            "DEV_DATABASE_URL": self.dsn,
            "DEV_STORAGE_URL": self.storage.as_uri(),
            "DEV_SUPABASE_SERVICE_KEY": PLANTED,
            "REDIS_URL": self.redis_url,
            "OCR_POLL_INTERVAL_MS": "500",
            "OCR_STOP_GRACE_SECONDS": "5",
            **more,
        }
        self.settings.write_text("".join(f"{k}={v}\n" for k, v in values.items()))
        self.settings.chmod(0o600)

    def pm2(self, *arguments: str) -> str:
        return subprocess.run(
            [*self.within, PM2 / "pm2", *arguments],
            env=self.environment,
            cwd=self.folder / "fleet",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    def start_legacy(self) -> None:
        for name in LEGACY:
            self.pm2("start", f"{name}.py", "--name", name, "--interpreter", sys.executable)

    def listed(self) -> dict[str, str]:
        """The processes that PM2 knows, and what it says of them."""
        return {entry["name"]: entry["pm2_env"]["status"] for entry in self._entries()}

    def pids(self) -> dict[str, int]:
        """The processes that PM2 knows, by name."""
        return {entry["name"]: entry["pid"] for entry in self._entries()}

    def _entries(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(self.pm2("jlist", "--silent"))
        assert len({entry["name"] for entry in entries}) == len(entries)
        return entries

    def pm2_is_told(self, *words: str) -> bool:
        """Whether PM2's program runs with these words at this moment."""
        for process in psutil.process_iter(["cmdline", "environ"]):
            environ = process.info["environ"] or {}
            line = tuple(process.info["cmdline"] or ())
            if environ.get("PM2_HOME") == str(self.pm2_home) and line[-len(words) :] == words:
                return "pm2" in line[-len(words) - 1]
        return False

    def fleet_processes(self) -> list[psutil.Process]:
        """The living processes of the neighbours and of the legacy programs."""
        return [p for name in (*NEIGHBOURS, *LEGACY) for p in self.processes_named(name)]

    def registre(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.within, PROGRAMS / "registre", *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def deploy(self, wheel: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return self.registre(*self.deploy_arguments(wheel), *more)

    def deploy_arguments(self, wheel: Path) -> tuple[str, ...]:
        return ("deploy", "--yes", "--json", "--wheel", str(wheel), "--env-file",
                str(self.settings), "--ecosystem", str(self.ecosystem), *PATIENTLY)  # fmt: skip

    def begin(self, *arguments: str) -> Running:
        """Start the program and read along."""
        process = subprocess.Popen(
            [*self.within, PROGRAMS / "registre", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running = Running(process)

        def follow() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                running.lines.append(line)

        threading.Thread(target=follow, daemon=True).start()
        return running

    @property
    def records(self) -> Path:
        """The folder of what deploys keep, as it is seen from here."""
        return Path(f"{self.root}{self.home}/deploy")

    def journal(self) -> dict[str, Any] | None:
        """The deploy that has begun and not ended."""
        try:
            found: dict[str, Any] = json.loads((self.records / "journal.json").read_text())
        except FileNotFoundError:
            return None
        return found

    def wait_journal(self, running: Running, step: str, seconds: float = 60) -> None:
        """Wait until the deploy has written down that this step begins."""

        def begun() -> bool:
            assert running.process.poll() is None, running.lines
            if step == "lock":
                return (self.records / "lock").exists()
            journal = self.journal()
            return journal is not None and step in journal["begun"]

        wait_for(begun, seconds, f"step {step} in {running.lines}")

    def kill_at(self, step: str, *arguments: str) -> None:
        """Start the program and kill it as this step begins; what it started goes on."""
        running = self.begin(*arguments)
        self.wait_journal(running, step)
        running.process.kill()
        assert running.end() == -signal.SIGKILL

    def current(self) -> str | None:
        link = self.records / "current"
        return link.readlink().name if link.is_symlink() else None

    def pools(self) -> list[dict[str, object]]:
        """The pools that tell Redis that they live."""
        client = redis.Redis.from_url(self.redis_url)
        keys = client.keys("registre:pool:*")
        found = [json.loads(text) for text in client.mget(keys) if text] if keys else []
        client.close()
        return found

    def pool_processes(self) -> list[psutil.Process]:
        """The supervisors of pools that run on this server, watched or not."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            line = process.info["cmdline"] or []
            if process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            if "pool" in line and "run" in line and str(self.home) in " ".join(line):
                found.append(process)
        return found

    def processes_named(self, name: str) -> list[psutil.Process]:
        """The living processes of the fleet whose script has this name."""
        script = str(self.folder / "fleet" / name) + "."
        found = []
        for process in psutil.process_iter(["cmdline", "environ", "status"]):
            if process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            environ = process.info["environ"] or {}
            if environ.get("pm_exec_path", "").startswith(script) and environ.get("name") == name:
                found.append(process)
        return found

    def add_document(self) -> str:
        """Queue a document that a pool reads at once: its page has a text layer."""
        self.added += 1
        name = f"{self.added}.pdf"
        lines = [
            Words(60, 100 + 30 * i, f"Registre foncier du Québec, lot {i} 234 567")
            for i in range(9)
        ]
        (self.storage / name).write_bytes(vector_pdf(lines))
        ((document_id,),) = self.ask(
            "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
            " status_id) VALUES ('index', %s, %s, 3) RETURNING id::text",
            name,
            name,
        )
        return str(document_id)

    def status_of(self, document_id: str) -> int:
        ((status,),) = self.ask(
            "SELECT status_id FROM extraction_queue WHERE id::text = %s", document_id
        )
        assert isinstance(status, int)
        return status

    def wait_read(self, *documents: str) -> None:
        """Wait until these documents are read."""
        for document in documents:
            wait_for(lambda wanted=document: self.status_of(wanted) == 5, 40, "it is read")  # type: ignore[misc]

    def ask(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def assert_one_pool(self, release: str | None) -> None:
        """Exactly one pool runs, of this release, and it reads a document."""
        assert self.current() == release
        wait_for(
            lambda: len(self.pool_processes()) == 1, 5, f"one pool, not {self.pool_processes()}"
        )
        assert f"/{release}/" in " ".join(self.pool_processes()[0].cmdline())
        self.wait_read(self.add_document())
        assert len(self.pool_processes()) == 1

    def assert_as_before(self, release: str) -> None:
        """This release's pool runs alone and reads, the neighbours run, and nothing else."""
        self.assert_one_pool(release)
        assert self.listed() == dict.fromkeys(("ocr-pool", *NEIGHBOURS), "online")
        assert [len(self.processes_named(name)) for name in NEIGHBOURS] == [1, 1, 1]
        self.assert_nothing_left_behind()
        assert [path.name for path in (self.records / "releases").iterdir()] == [release]

    def assert_nothing_left_behind(self) -> None:
        """No deploy is open, no lock held, and no half-written file lies around."""
        left = {path.name for path in self.records.iterdir()}
        assert left <= {"current", "history.jsonl", "releases"}, left

    def clean_up(self) -> None:
        """Leave nothing running, whatever the test left."""
        marks = {("PM2_HOME", str(self.pm2_home)), ("REGISTRE_HOME", str(self.home))}
        found = True
        while found:
            # The daemon goes first, so that nothing is started again; once more for what was.
            found = False
            for process in psutil.process_iter(["environ", "status"]):
                environ = process.info["environ"] or {}
                living = process.info["status"] != psutil.STATUS_ZOMBIE
                if living and marks & environ.items():
                    found = True
                    with suppress(psutil.NoSuchProcess):
                        process.kill()


@contextmanager
def open_server(postgres: PostgresServer, valkey: ValkeyServer) -> Iterator[Server]:
    """Yield a server on which the legacy programs run beside a queue without our columns."""
    with make_server(postgres, valkey) as server:
        server.start_legacy()
        yield server


@contextmanager
def make_server(postgres: PostgresServer, valkey: ValkeyServer) -> Iterator[Server]:
    """Yield a server on which nothing runs yet."""
    # A short path: PM2's sockets are in it.
    folder = Path(tempfile.mkdtemp(prefix="registre-srv-"))
    folder.chmod(0o755)
    name = f"server_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    server = Server(folder, postgres.dsn(name), valkey.url())
    server.ask(_THEIR_TABLE)
    try:
        server.make()
        yield server
    finally:
        server.clean_up()
        shutil.rmtree(folder, ignore_errors=True)


Change = Callable[[str], str]
# A pool that ends in native code as soon as it begins; everything else of the release works.
CRASHES: dict[str, Change] = {
    "registre_cli/pool/run.py": lambda text: (
        f"{text}\n\ndef run_pool(*_: object, **__: object) -> None:\n"
        "    import os, sys\n"
        "    print('the crash of this test', file=sys.stderr, flush=True)\n"
        "    os.abort()\n"
    )
}


def thin_wheel(wheel: Path, folder: Path, changes: Mapping[str, Change] | None = None) -> Path:
    """Return our wheel with the dependencies of this environment, so that it installs at once."""
    (metadata,) = (name for name in _names_in(wheel) if name.endswith(".dist-info/METADATA"))
    lean: dict[str, Change] = {
        metadata: lambda text: re.sub(r"^Requires-Dist:.*\n", "", text, flags=re.MULTILINE),
        "borrowed.pth": lambda _: sysconfig.get_paths()["purelib"] + "\n",
    }
    return changed_wheel(wheel, folder, {**lean, **(changes or {})})


def _names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def changed_wheel(wheel: Path, folder: Path, changes: Mapping[str, Change]) -> Path:
    """Return a wheel in which some files are others; a file that is not there begins empty."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = folder / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name in changes:
                content = changes[name](content.decode()).encode()
            new.writestr(name, content)
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name](""))
    return changed


def outcome(ran: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """What `deploy --json` said of its one target."""
    assert ran.stdout, ran.stderr
    (target,) = json.loads(ran.stdout)["targets"]
    assert isinstance(target, dict)
    return target


def assert_failed(
    ran: subprocess.CompletedProcess[str], step: str, error: str, ending: str = "rolled back"
) -> dict[str, object]:
    """The deploy failed at this step; the first error comes before all that followed."""
    assert ran.returncode == 1, ran.stderr
    told = outcome(ran)
    assert (told["ending"], told["failed_step"]) == (ending, step), ran.stderr
    assert error in str(told["error"]), told["error"]
    shown = ran.stderr.split("Error: ")
    assert len(shown) == 2 and error in shown[1], ran.stderr
    assert told["rollback_error"] is None
    return told
