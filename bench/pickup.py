"""From the insert of a document to its start on an idle worker."""

import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import psycopg

from bench.contenders import ours, pgqueuer, procrastinate, raw
from bench.contenders.signals import Audience
from bench.machine import versions
from bench.pairs import LEAST_PAIRS, Spread, alternate, percentile, ratios, spread
from bench.section import Section, Table, Verdict, main
from bench.servers import database, postgres
from registre_cli.embedded.servers import PostgresServer

# Documents of one measurement; there are three of each kind.
IDLE_DOCUMENTS = 170
BACK_TO_BACK_DOCUMENTS = 170
# A queue that loses wake-ups and polls every few seconds would take all day.
BACK_TO_BACK_SECONDS = 6.0
_LONGEST_SECONDS = 60.0
# The worker is surely idle again after so long, and not always at the same point of its loop.
_PAUSE_SECONDS = (0.01, 0.03)


class Producer(Protocol):
    """Whoever queues one document at a time."""

    def add(self) -> None:
        """Queue one."""

    def close(self) -> None:
        """End the connection."""


class Inserter:
    """Inserts rows into our table, as the extractor does."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)

    def add(self) -> None:
        """Insert one."""
        self._connection.execute(ours.FILL, {"number": 1, "path": "nothing"})

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@dataclass(frozen=True)
class Contender:
    """A queue, its one waiting worker and its producer."""

    name: str
    install: Callable[[str], None]
    serve: Callable[[str, str], None]
    producer: Callable[[str], Producer]


OURS, RAW = "registre, a whole pool", "raw LISTEN"
CONTENDERS = (
    Contender(OURS, ours.install, ours.serve, Inserter),
    Contender(RAW, ours.install, raw.serve, Inserter),
    Contender("procrastinate", procrastinate.install, procrastinate.serve, procrastinate.Producer),
    Contender("pgqueuer", pgqueuer.install, pgqueuer.serve, pgqueuer.Producer),
)


@dataclass(frozen=True)
class Delays:
    """The delays of one measurement, in seconds."""

    idle: list[float]
    back_to_back: list[float]


def run() -> Section:
    """Measure every queue in turns."""
    kept: dict[str, list[Delays]] = {contender.name: [] for contender in CONTENDERS}

    def measure(server: PostgresServer, contender: Contender) -> float:
        delays = delays_of(server, contender)
        kept[contender.name].append(delays)
        return percentile(delays.idle, 95)

    with postgres() as server:
        alternate({c.name: partial(measure, server, c) for c in CONTENDERS}, pairs=LEAST_PAIRS)
    return _section(kept)


def delays_of(server: PostgresServer, contender: Contender) -> Delays:
    """Insert documents one at a time and wait for the start of each."""
    with database(server) as dsn, _serving(contender, dsn) as began:
        producer = contender.producer(dsn)
        # The first one meets a worker that is still starting.
        _delay(producer, began)
        idle = []
        for _ in range(IDLE_DOCUMENTS):
            time.sleep(random.uniform(*_PAUSE_SECONDS))
            idle.append(_delay(producer, began))
        back_to_back: list[float] = []
        until = time.monotonic() + BACK_TO_BACK_SECONDS
        while len(back_to_back) < BACK_TO_BACK_DOCUMENTS and time.monotonic() < until:
            back_to_back.append(_delay(producer, began))
        producer.close()
    return Delays(idle, back_to_back)


@contextmanager
def _serving(contender: Contender, dsn: str) -> Iterator[Audience]:
    contender.install(dsn)
    with tempfile.TemporaryDirectory() as folder:
        began = Audience(Path(folder))
        worker = multiprocessing.get_context("spawn").Process(
            target=contender.serve, args=(dsn, began.address)
        )
        worker.start()
        try:
            yield began
        finally:
            worker.terminate()
            worker.join()


def _delay(producer: Producer, began: Audience) -> float:
    inserted = time.monotonic()
    producer.add()
    return began.next(_LONGEST_SECONDS) - inserted


def _section(kept: dict[str, list[Delays]]) -> Section:
    idle = {name: [delays.idle for delays in measured] for name, measured in kept.items()}
    back = {name: [delays.back_to_back for delays in measured] for name, measured in kept.items()}
    against_raw, back_against_raw = _p95_ratio(idle, RAW), _p95_ratio(back, RAW)
    slowest = max(max(delays) for delays in [*idle[OURS], *back[OURS]])
    number = sum(len(delays) for delays in [*idle[OURS], *back[OURS]])
    return Section(
        title="Pick-up of a new document",
        method=(
            f"One idle worker; {IDLE_DOCUMENTS} documents come one at a time while it waits, then"
            f" {BACK_TO_BACK_DOCUMENTS} back to back (or those of {BACK_TO_BACK_SECONDS:.0f} s),"
            " each inserted in the moment in which the one before it begins. All of it"
            f" {LEAST_PAIRS} times, in turns. Measured from just before the insert to the first"
            " line of the worker's own code. *raw LISTEN* is a loop that runs our claim when"
            " PostgreSQL notifies; it reads no file and serves nothing else."
        ),
        tables=(_table("idle worker, ms", idle), _table("back to back, ms", back)),
        verdicts=(
            Verdict("p95 of the pick-up ÷ raw LISTEN", "≤ 1.5", str(against_raw),
                    against_raw.median <= 1.5),
            Verdict("p95 of the pick-up back to back ÷ raw LISTEN", "≤ 1.5", str(back_against_raw),
                    back_against_raw.median <= 1.5),
            Verdict(f"slowest of {number:,} pick-ups", "≤ 1 s", f"{slowest * 1000:.0f} ms",
                    slowest <= 1.0),
        ),
        remarks=(
            "Idle, by time stamps in the code (medians of 161): 1.5 ms until the notification is"
            " heard and 0.65 ms for the claim, which the bare loop has, too; then 0.45 ms from the"
            " supervisor's ear over its loop to the worker, 0.31 ms for the file, 0.23 ms for the"
            " meter and the report.",
            "Back to back, the next document waits until the one before it is done. The bare loop"
            " only stores it; a pool corrects it, stores it, releases its lease, reports, looks at"
            " its memory, and fetches the next file: about a millisecond, of which `py-spy` finds"
            " no part to stand out.",
            "Where procrastinate takes 5 s back to back, it missed the notification and came by its"
            " poll, whose default that is.",
        ),
        peers=versions("procrastinate", "pgqueuer", "psycopg"),
    )  # fmt: skip


def _table(what: str, measured: dict[str, list[list[float]]]) -> Table:
    def milliseconds(name: str, percent: float) -> str:
        return str(spread([percentile(run, percent) * 1000 for run in measured[name]]))

    return Table(
        (what, "p50", "p95", "p99", "slowest", "registre's p95 ÷ its p95"),
        tuple(
            (
                name,
                *(milliseconds(name, percent) for percent in (50, 95, 99, 100)),
                "1" if name == OURS else str(_p95_ratio(measured, name)),
            )
            for name in measured
        ),
    )


def _p95_ratio(measured: dict[str, list[list[float]]], name: str) -> Spread:
    return ratios(
        [percentile(run, 95) for run in measured[OURS]],
        [percentile(run, 95) for run in measured[name]],
    )


if __name__ == "__main__":
    main(run)
