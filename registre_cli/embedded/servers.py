"""One private server each: a child process with its own folder and address.

Both end with the process that started them, however that process ends (Linux: the kernel
signals them when their parent dies).
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

from registre_cli.core.errors import UnreachableError
from registre_cli.embedded.account import Account, server_account
from registre_cli.embedded.binaries import postgres_programs, valkey_program

START_SECONDS = 30.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1

if sys.platform == "linux":
    _prctl: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl


class Server(ABC):
    """A server process at an address that stays the same over restarts."""

    name: str
    stop_signal: signal.Signals

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log_file = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        if self._process is None:
            raise UnreachableError(f"{self.name} is not started")
        return self._process.pid

    def start(self) -> None:
        """Start the server and return when it answers; raise UnreachableError otherwise."""
        if self.running:
            return
        self._prepare()
        deadline = time.monotonic() + START_SECONDS
        while True:
            self._spawn()
            if self._answers_before(deadline):
                return
            # A predecessor that is still ending holds the folder: try again until the deadline.
            if time.monotonic() >= deadline:
                self.kill()
                raise UnreachableError(
                    f"the embedded {self.name} does not start: {self._last_log_line()}",
                    fix=f"read {self.log_file}",
                )
            time.sleep(0.2)

    def stop(self) -> None:
        """End the server in an orderly way; kill it where it does not obey."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop and start again at the same address."""
        self.stop()
        self.start()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the folders and files that the server needs."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """Return the command line of the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server takes connections."""

    @property
    def _account(self) -> Account:
        return Account()

    def _spawn(self) -> None:
        account = self._account
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # Its own session: the terminal's Ctrl-C is for the program, not for its database.
                start_new_session=True,
                user=account.uid,
                group=account.gid,
                extra_groups=[] if account.uid is not None else None,
                preexec_fn=_die_with_parent(self.stop_signal),
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )

    def _answers_before(self, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if not self.running:
                return False
            if self._answers():
                return True
            time.sleep(_POLL_SECONDS)
        return False

    def _last_log_line(self) -> str:
        lines = self.log_file.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


class PostgresServer(Server):
    """A private PostgreSQL on a Unix socket, and on a loopback port only where one is given.

    `durable=False` leaves out what protects data from a power cut: for tests.
    """

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # fast shutdown: clients are cut off, nothing is lost

    def __init__(
        self,
        folder: Path,
        socket_folder: Path | None = None,
        *,
        port: int | None = None,
        durable: bool = True,
        settings: Sequence[str] = (),
    ) -> None:
        super().__init__(folder)
        self.socket_folder = socket_folder or folder
        self.port = port
        self._data = folder / "postgres"
        self._durable = durable
        self._settings = tuple(settings)
        self._owner = server_account()
        self._programs = postgres_programs(self._owner)

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of one database on the Unix socket."""
        return (
            f"postgresql:///{quote(database)}?host={quote(str(self.socket_folder))}&user=postgres"
        )

    def tcp_dsn(self, database: str = "postgres") -> str:
        """Return the address of one database on the loopback port."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{quote(database)}"

    @property
    def programs(self) -> Path:
        """The folder of `psql` and its siblings."""
        return self._programs

    @property
    def _account(self) -> Account:
        return self._owner

    def _prepare(self) -> None:
        for folder in (self.folder, self.socket_folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
            self._owner.own(folder)
        self.log_file.touch(mode=0o600)
        self._owner.own(self.log_file)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        # A first run that was cut off leaves a folder without PG_VERSION, which initdb refuses.
        shutil.rmtree(self._data, ignore_errors=True)
        ran = subprocess.run(
            [
                self._programs / "initdb",
                "--pgdata",
                self._data,
                "--username",
                "postgres",
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
                "--no-instructions",
                *(() if self._durable else ("--no-sync",)),
            ],
            user=self._owner.uid,
            group=self._owner.gid,
            extra_groups=[] if self._owner.uid is not None else None,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise UnreachableError(
                f"the embedded PostgreSQL cannot be set up in {self._data}: "
                f"{(ran.stderr.strip().splitlines() or ['initdb said nothing'])[-1]}",
                fix="check the free space and the rights of that folder, or set DEV_DATABASE_URL",
            )

    def _command(self) -> Sequence[str | Path]:
        settings = [
            f"unix_socket_directories={self.socket_folder}",
            "unix_socket_permissions=0700",
            f"listen_addresses={'127.0.0.1' if self.port else ''}",
            *([f"port={self.port}"] if self.port else []),
            "max_connections=300",
            "shared_buffers=64MB",
            "timezone=UTC",
            "log_timezone=UTC",
            *(
                []
                if self._durable
                else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
            ),
            *self._settings,
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        return [self._programs / "postgres", "-D", self._data, *options]

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.dsn() + (f"&port={self.port}" if self.port else "")).close()
        except psycopg.OperationalError:
            return False
        return True


class ValkeyServer(Server):
    """A private Valkey on a Unix socket, and on a loopback port only where one is given."""

    name = "Valkey"
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        folder: Path,
        socket_folder: Path | None = None,
        *,
        port: int = 0,
        durable: bool = True,
        databases: int = 16,
    ) -> None:
        super().__init__(folder)
        self.socket = (socket_folder or folder) / "valkey.sock"
        self.port = port
        self._durable = durable
        self._databases = databases
        self._program = valkey_program()

    def url(self, database: int = 0) -> str:
        """Return the address of one logical database on the Unix socket."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def tcp_url(self, database: int = 0) -> str:
        """Return the address of one logical database on the loopback port."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _command(self) -> Sequence[str | Path]:
        return [
            self._program,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--protected-mode",
            "yes",
            "--unixsocket",
            self.socket,
            "--unixsocketperm",
            "700",
            "--dir",
            self.folder,
            "--databases",
            str(self._databases),
            "--maxmemory-policy",
            "noeviction",
            # What is here (liveness, budgets of the last minute) builds itself up again.
            "--save",
            "",
            "--appendonly",
            "no",
            "--daemonize",
            "no",
        ]

    def _answers(self) -> bool:
        import redis

        client = redis.Redis.from_url(self.url())
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def _die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None

    def ask_kernel() -> None:
        _prctl(_PR_SET_PDEATHSIG, int(stop_signal))

    return ask_kernel
