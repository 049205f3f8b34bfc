"""A server as a deploy finds it: an account with its own PM2, a fleet, a queue and the program."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import redis
from pool_harness import wait_for

from registre_cli.ocr.drawing import Words, vector_pdf

PROGRAMS = Path(sys.executable).parent
PM2 = PROGRAMS.parent / "pm2" / "node_modules" / ".bin"
PLANTED = "pl4nted-s3cret"
NEIGHBOURS = ("registre-workers", "registre-monitor", "registre-api")
LEGACY = ("registre-ocr", "registre-worker")

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
    def environment(self) -> dict[str, str]:
        """What the person at the keyboard has, a secret among it."""
        return {
            "PATH": f"{PROGRAMS}:{PM2}:{os.environ['PATH']}",
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
        apps = [{"name": name, "script": f"{name}.js"} for name in NEIGHBOURS]
        self.ecosystem.write_text(f"module.exports = {{ apps: {json.dumps(apps)} }};\n")

    def write_settings(self, **more: str) -> None:
        values = {
            "OCR_DEV": "true",
            "DEV_DATABASE_URL": self.dsn,
            "DEV_STORAGE_URL": (self.folder / "storage").as_uri(),
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
            [PM2 / "pm2", *arguments],
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
        output = self.pm2("jlist", "--silent")
        return {entry["name"]: entry["pm2_env"]["status"] for entry in json.loads(output)}

    def registre(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAMS / "registre", *arguments],
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
                str(self.settings), "--ecosystem", str(self.ecosystem))  # fmt: skip

    def begin(self, *arguments: str) -> Running:
        """Start the program and read along."""
        process = subprocess.Popen(
            [PROGRAMS / "registre", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running = Running(process)

        def read() -> None:
            assert process.stderr is not None
            running.lines.extend(process.stderr)

        def follow() -> None:
            assert process.stderr is not None
            for line in process.stderr:
                running.lines.append(line)

        threading.Thread(target=follow, daemon=True).start()
        return running

    def current(self) -> str | None:
        link = self.home / "deploy" / "current"
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
        (self.folder / "storage" / name).write_bytes(vector_pdf(lines))
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
        document = self.add_document()
        wait_for(lambda: self.status_of(document) == 5, 20, "a document is read")
        assert len(self.pool_processes()) == 1

    def clean_up(self) -> None:
        """Leave nothing running."""
        subprocess.run(
            [PM2 / "pm2", "kill"],
            env=self.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        for process in psutil.process_iter(["environ"]):
            environ = process.info["environ"] or {}
            if environ.get("PM2_HOME") == str(self.pm2_home) or environ.get("REGISTRE_HOME") == str(
                self.home
            ):
                process.send_signal(signal.SIGKILL)


def changed_wheel(wheel: Path, folder: Path, changes: dict[str, Callable[[str], str]]) -> Path:
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


def seconds_since(start: float) -> float:
    return round(time.monotonic() - start, 1)


Arguments = Sequence[str]
