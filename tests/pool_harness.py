"""A queue with an audit log, and pools as processes of their own: for tests and for chaos."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

AUDIT = """
CREATE TABLE audit (
    at timestamptz DEFAULT clock_timestamp(), id text, was integer, became integer,
    attempt integer, worker text, texts integer
);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit (id, was, became, attempt, worker, texts) VALUES (NEW.id, OLD.status_id,
        NEW.status_id, NEW.ocr_attempts, NEW.ocr_worker_id, length(NEW.file_content));
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE OF status_id ON extraction_queue
    FOR EACH ROW WHEN (OLD.status_id IS DISTINCT FROM NEW.status_id) EXECUTE FUNCTION audit();
"""


def wait_for(
    condition: Callable[[], object], seconds: float, what: str | Callable[[], str]
) -> None:
    """Wait until the condition holds; fail after `seconds` with `what` is true then."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"after {seconds:g} s: {said}")
        time.sleep(0.02)


@dataclass
class Queue:
    """The queue under test, seen from outside the product."""

    dsn: str
    storage: Path
    added: int = 0

    def ask(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def add(
        self, script: str, *, number: int = 1, source: str = "index", **columns: object
    ) -> list[str]:
        """Queue `number` documents with this script; return their ids."""
        ids = []
        for _ in range(number):
            self.added += 1
            name = f"{self.added}.txt"
            (self.storage / name).write_text(script)
            values = {"document_source": source, "document_number": f"n{self.added}",
                      "supabase_path": name, "status_id": 3, **columns}  # fmt: skip
            marks = ", ".join(["%s"] * len(values))
            ((document_id,),) = self.ask(
                f"INSERT INTO extraction_queue ({', '.join(values)}) VALUES ({marks})"
                " RETURNING id::text",
                *values.values(),
            )
            ids.append(str(document_id))
        return ids

    def count(self, status: int) -> int:
        ((number,),) = self.ask(
            "SELECT count(*) FROM extraction_queue WHERE status_id = %s", status
        )
        assert isinstance(number, int)
        return number

    def one(self, document_id: str, columns: str) -> tuple[object, ...]:
        return self.ask(f"SELECT {columns} FROM extraction_queue WHERE id = %s", document_id)[0]

    def assert_each_result_was_stored_once(self) -> None:
        """From the audit log: nobody left 5, and each claim had one end."""
        twice = self.ask("SELECT id FROM audit WHERE became = 5 GROUP BY id HAVING count(*) > 1")
        assert twice == []
        assert self.ask("SELECT id FROM audit WHERE was = 5") == []
        claimed_twice = self.ask(
            "SELECT id, attempt, worker FROM audit WHERE became = 6"
            " GROUP BY id, attempt, worker HAVING count(*) > 1"
        )
        assert claimed_twice == []


@dataclass
class Pool:
    """A pool as a process of its own, with the log lines that it wrote."""

    process: subprocess.Popen[str]
    lines: list[dict[str, object]] = field(default_factory=list)

    def events(self, name: str) -> list[dict[str, object]]:
        return [line for line in self.lines if line.get("event") == name]

    def workers(self) -> list[psutil.Process]:
        """The worker processes that live now."""
        living = []
        for line in self.events("Worker started"):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(str(line["pid"])))
                if process.status() != psutil.STATUS_ZOMBIE:
                    living.append(process)
        return living

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"the pool did not end: {self.lines[-5:]}") from error

    def wait_event(self, name: str, seconds: float = 15, number: int = 1) -> None:
        wait_for(
            lambda: len(self.events(name)) >= number,
            seconds,
            f"{len(self.events(name))} of {number} {name!r} in {[x['event'] for x in self.lines]}",
        )


class Pools:
    """Starts pools on one queue and sees to it that nothing of them is left."""

    def __init__(self, queue: Queue, redis_url: str) -> None:
        self._queue = queue
        self._redis_url = redis_url
        self._pools: list[Pool] = []

    def __call__(
        self,
        *,
        dsn: str | None = None,
        storage: str | None = None,
        options: dict[str, object] | None = None,
        **settings: object,
    ) -> Pool:
        """Start a pool; keyword arguments are settings, `options` those of the pool."""
        given = {
            "dsn": dsn or self._queue.dsn,
            "redis": self._redis_url,
            "storage": storage or self._queue.storage.as_uri(),
            "settings": {"ocr_lease_seconds": 60, "ocr_poll_interval_ms": 1000, **settings},
            "options": {"size": 2, **(options or {})},
        }
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("scripted.py")), json.dumps(given)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._queue.storage,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        pool = Pool(process)
        threading.Thread(target=_read_lines, args=(process, pool), daemon=True).start()
        self._pools.append(pool)
        return pool

    def close(self) -> None:
        """End every pool and check that no worker outlives it."""
        for pool in self._pools:
            pool.process.kill()
            pool.process.wait()
        for pool in self._pools:
            wait_for(lambda pool=pool: not pool.workers(), 10, "workers were left running")  # type: ignore[misc]


def _read_lines(process: subprocess.Popen[str], pool: Pool) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        try:
            pool.lines.append(json.loads(line))
        except ValueError:
            pool.lines.append({"event": f"not JSON: {line.rstrip()}"})
