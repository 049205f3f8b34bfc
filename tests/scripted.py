"""A reader that does what its document says, and a program that runs a pool with it.

The queue, the storage, the processes, the signals and the servers are real; only the reading
is scripted, so that a test can say at which page a worker dies. A document is a text file:

    page 0.1          a page that takes 0.1 s
    work 0.1          a page that computes for 0.1 s
    hold 100 2        a page that takes 100 MB and keeps them for 2 s
    die SIGSEGV       the process ends by this signal, on the page that has begun
    hang              the page never ends
    grip              the page never ends and holds the interpreter all the while
    swallow           the page takes all the memory that it gets
    fill              the page writes to a disk that is full
    text aaaa         the page holds this text
    raise             the reading fails in a way that nobody expected
    exhaust           the page opens files until no handle is left
"""

import json
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from registre_cli.core.documents import Source
from registre_cli.core.log import configure_logging
from registre_cli.core.settings import Settings, load_settings
from registre_cli.limiter import Limiter
from registre_cli.ocr.models import DocumentReading, PageRecord, PageSource
from registre_cli.pool.options import PoolOptions
from registre_cli.pool.porter import RoomRules
from registre_cli.pool.run import environments_to_serve, run_pool


class ScriptedReader:
    """Reads a script instead of a PDF; its text names the process that read it."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    def read(
        self, pdf: bytes, source: Source, *, on_page: Callable[[int, int], None]
    ) -> DocumentReading:
        steps = pdf.decode().split("\n")
        records = []
        for number, step in enumerate(steps, start=1):
            on_page(number, len(steps))
            with self._limiter.admit("tesseract", 0):
                self._do(step)
            text = f"read by {os.getpid()} page {number}"
            if step.startswith("text "):
                text = step.removeprefix("text ")
            records.append(
                PageRecord(number, text, 90.0, 0.0, PageSource.READ, "scripted", 1, 1, 300)
            )
        return DocumentReading(tuple(records))

    def _do(self, step: str) -> None:
        what, _, argument = step.partition(" ")
        if what == "page":
            time.sleep(float(argument))
        elif what == "work":
            end = time.process_time() + float(argument)
            while time.process_time() < end:
                pass
        elif what == "hold":
            megabytes, seconds = argument.split()
            held = bytearray(b"x") * (int(megabytes) * 1_000_000)
            time.sleep(float(seconds))
            del held
        elif what == "die":
            os.kill(os.getpid(), signal.Signals[argument])
            time.sleep(60)
        elif what == "hang":
            time.sleep(3600)
        elif what == "grip":
            # One call that lets no other thread of this process run for minutes.
            re.match(r"(a+)+$", "a" * 40 + "b")
        elif what == "raise":
            raise ZeroDivisionError("nobody \x1b[31mexpected this")
        elif what == "swallow":
            kept = []
            while True:
                kept.append(bytearray(20_000_000))
                time.sleep(0.01)
        elif what == "fill":
            Path("/dev/full").write_bytes(b"no room for this")
        elif what == "exhaust":
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            kept = [Path("/dev/null").open() for _ in range(1000)]  # noqa: SIM115


def open_scripted_reader(settings: Settings, limiter: Limiter) -> ScriptedReader:
    """Return the reader; found by name in the worker."""
    return ScriptedReader(limiter)


def main(arguments: str) -> int:
    """Run a pool; the arguments are JSON: dsn, redis, settings, options."""
    given = json.loads(arguments)
    configure_logging("info", "json")
    settings = load_settings(
        dev_database_url=SecretStr(given["dsn"]),
        ocr_dev=True,
        dev_storage_url=SecretStr(given["storage"]),
        redis_url=SecretStr(given["redis"]) if given["redis"] else None,
        **given["settings"],
    )
    room = given["options"].pop("room", {})
    options = PoolOptions(
        environments=environments_to_serve(settings, ()),
        open_reader=open_scripted_reader,
        retry_delay_base_seconds=0.1,
        room=RoomRules(**{**room, "host_root": Path(room.get("host_root", "/"))}),
        **given["options"],
    )
    summary = run_pool(settings, options)
    return 1 if summary.documents_failed else 0


if __name__ == "__main__":
    # Found as `scripted` by the workers, under which name the reader is pickled.
    import scripted

    sys.exit(scripted.main(sys.argv[1]))
