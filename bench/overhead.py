"""What the pool itself takes: processor, memory, time to start."""

import fcntl
import os
import pty
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import psutil
import psycopg

from bench.contenders import ours
from bench.pairs import LEAST_PAIRS, alternate, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres, valkey
from registre_cli.demo.batch import generate

REGISTRE = Path(sys.executable).with_name("registre")
SIZE = 4
WATCH_SECONDS = 5.0
HELP_PAIRS = 15
STARTS = 3
# More than any pool reads while it is watched.
BACKLOG = 5_000
_START_SECONDS = 60.0
_LOOK_SECONDS = 0.002


def run() -> Section:
    """Measure a pool on a terminal and one that writes log lines, in turns, and the start."""
    with (
        postgres() as server,
        valkey() as redis,
        database(server) as dsn,
        tempfile.TemporaryDirectory() as folder,
    ):
        ours.install(dsn)
        environment = {
            **os.environ,
            "DEV_DATABASE_URL": dsn,
            "DEV_STORAGE_URL": Path(folder).as_uri(),
            "OCR_DEV": "true",
            "REDIS_URL": redis.url(),
            "LOG_FORMAT": "json",
            "TERM": "xterm-256color",
        }
        _queue(dsn, Path(folder))
        memory: list[float] = []
        shares = alternate(
            {
                "reading, live view": partial(_cpu_percent, environment, memory, terminal=True),
                "reading, log lines": partial(_cpu_percent, environment, memory, terminal=False),
            }
        )
        starts = [_seconds_to_first_claim(environment, dsn) for _ in range(STARTS)]
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("TRUNCATE extraction_queue")
        shares |= alternate(
            {"idle, live view": partial(_cpu_percent, environment, [], terminal=True)}
        )
    helps = alternate(
        {
            "registre --help": partial(_seconds, [str(REGISTRE), "--help"]),
            "import typer, rich": partial(_seconds, [sys.executable, "-c", "import typer, rich"]),
        },
        pairs=HELP_PAIRS,
    )
    return _section(shares, memory, starts, helps)


def _queue(dsn: str, folder: Path) -> None:
    """Queue the demo's documents, over and over."""
    documents = generate()
    for number, document in enumerate(documents):
        (folder / f"{number}.pdf").write_bytes(document.pdf)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO extraction_queue (document_source, document_number, supabase_path,"
            " status_id) SELECT CASE WHEN n %% 2 = 0 THEN 'index' ELSE 'acte' END, n::text,"
            " n %% %(documents)s || '.pdf', 3 FROM generate_series(1, %(backlog)s) AS n",
            {"documents": len(documents), "backlog": BACKLOG},
        )


def _cpu_percent(environment: dict[str, str], memory: list[float], *, terminal: bool) -> float:
    """Return the supervisor's share of one core; note the memory of each worker, in MB."""
    with _pool(environment, terminal=terminal) as pool:
        _wait_for_claims(environment["DEV_DATABASE_URL"])
        time.sleep(WATCH_SECONDS / 4)
        before, started = _cpu_seconds(pool), time.monotonic()
        time.sleep(WATCH_SECONDS)
        percent = (_cpu_seconds(pool) - before) / (time.monotonic() - started) * 100
        memory += [worker.memory_full_info().uss / 1e6 for worker in _workers(pool)]
    return percent


@contextmanager
def _pool(environment: dict[str, str], *, terminal: bool) -> Iterator[psutil.Process]:
    """Run `registre pool run` on a terminal of our own, or with its log lines thrown away."""
    command = [str(REGISTRE), "pool", "run", "--size", str(SIZE)]
    with tempfile.TemporaryDirectory() as folder:
        if terminal:
            ours_end, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            threading.Thread(target=_swallow, args=(ours_end,), daemon=True).start()
        else:
            theirs = os.open(os.devnull, os.O_RDWR)
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def _swallow(screen: int) -> None:
    """Read what is drawn, so that the drawing never waits."""
    while True:
        try:
            if not os.read(screen, 1 << 16):
                return
        except OSError:
            # The pool and with it the terminal is gone.
            return


def _workers(pool: psutil.Process) -> list[psutil.Process]:
    """Return the children of the fork server, which is the pool's own child."""
    workers = []
    for child in pool.children():
        # A program that is asked for its version is gone again at once.
        with suppress(psutil.NoSuchProcess):
            workers += child.children()
    return workers


def _wait_for_claims(dsn: str) -> None:
    """Wait until every worker has loaded its engine and has asked for a document."""
    asked = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'registre worker' AND datname = current_database()"
    )
    deadline = time.monotonic() + _START_SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(asked).fetchone() != (SIZE,):
            if time.monotonic() > deadline:
                sys.exit("the pool did not start its workers")
            time.sleep(0.05)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _seconds_to_first_claim(environment: dict[str, str], dsn: str) -> float:
    """Start a pool on a queue that waits, and look until a document is claimed."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        count = "SELECT EXISTS (SELECT FROM extraction_queue WHERE status_id = 6)"
        started = time.monotonic()
        with _pool(environment, terminal=False):
            while connection.execute(count).fetchone() != (True,):
                if time.monotonic() - started > _START_SECONDS:
                    sys.exit("the pool claimed nothing")
                time.sleep(_LOOK_SECONDS)
            return time.monotonic() - started


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - started


def _section(
    shares: dict[str, list[float]],
    memory: list[float],
    starts: list[float],
    helps: dict[str, list[float]],
) -> Section:
    help_ratio = ratios(*helps.values())
    return Section(
        title="What the pool itself takes",
        method=(
            f"`registre pool run --size {SIZE}` reads the demo's documents with Tesseract, on a"
            " terminal of 120x40 (live view) and without one (log lines), in turns; then it idles."
            f" The supervisor's share of one core is watched for {WATCH_SECONDS:.0f} s,"
            f" {LEAST_PAIRS} times each. Memory is what each worker has for itself alone (USS)."
        ),
        tables=(
            Table(
                ("supervisor", "% of one core"),
                tuple((name, str(spread(percents))) for name, percents in shares.items()),
            ),
            Table(
                ("", "median (least to greatest)"),
                (
                    ("memory of a worker, MB", str(spread(memory))),
                    ("start to first claim, s", str(spread(starts))),
                    *(
                        (f"`{name}`, ms", str(spread([seconds * 1000 for seconds in took])))
                        for name, took in helps.items()
                    ),
                ),
            ),
        ),
        verdicts=(
            *(
                Verdict(
                    f"supervisor, {name}", "< 2 %", str(spread(percents)),
                    statistics.median(percents) < 2,
                )
                for name, percents in shares.items()
            ),
            Verdict(
                "`registre --help` ÷ `python -c 'import typer, rich'`", "≤ 1.5", str(help_ratio),
                help_ratio.median <= 1.5,
            ),
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main(run)
