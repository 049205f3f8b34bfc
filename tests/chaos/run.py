"""Runs the faults one after another and prints a line for each.

    python tests/chaos/run.py [--seed N] [--only NAME]...

A fault is green when every document is done or failed (none lost, none stuck), when the audit
log has one result for each, and when nothing had to be done by hand.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg
from faults import FAULTS, Fault, Injected, Stage
from pool_harness import AUDIT, Pools, Queue
from pydantic import SecretStr

from registre_cli.embedded.servers import PostgresServer, ValkeyServer
from registre_cli.queue.migrate import migrate

_FOLDER = Path(os.environ.get("REGISTRE_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
CORPUS = _FOLDER if (_FOLDER / "badpdf").is_dir() else None
HEAD = (
    f"{'fault':<27}{'documents':>10}{'faults':>8}{'lost':>6}{'twice':>7}{'stuck':>7}"
    f"{'recovery':>10}  note"
)


def main() -> int:
    """Run the chosen faults; 0 when all are green."""
    arguments = argparse.ArgumentParser(description="Inject faults into real pools.")
    arguments.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments.add_argument("--only", action="append", choices=[f.__name__ for f in FAULTS])
    given = arguments.parse_args()
    say(f"seed {given.seed}")
    say(HEAD)
    folder = Path(tempfile.mkdtemp(prefix="registre-chaos-"))
    folder.chmod(0o755)
    postgres = PostgresServer(folder / "pg", durable=False)
    valkey = ValkeyServer(folder / "valkey")
    started = time.monotonic()
    green = True
    try:
        postgres.start()
        valkey.start()
        for fault in FAULTS:
            if not given.only or fault.__name__ in given.only:
                chance = random.Random(given.seed)
                green &= run_fault(fault, folder, postgres, valkey, chance)
    finally:
        postgres.stop()
        valkey.stop()
        shutil.rmtree(folder, ignore_errors=True)
    say(f"{'green' if green else 'RED'} in {time.monotonic() - started:.0f} s")
    return 0 if green else 1


def run_fault(
    fault: Fault,
    folder: Path,
    postgres: PostgresServer,
    valkey: ValkeyServer,
    chance: random.Random,
) -> bool:
    """Run one fault on a queue of its own and print its line."""
    name = fault.__name__
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    migrate(SecretStr(postgres.dsn(name)))
    storage = folder / name
    storage.mkdir()
    queue = Queue(postgres.dsn(name), storage)
    queue.ask(AUDIT)
    pools = Pools(queue, valkey.url())
    wrong = ""
    injected = Injected(0, 0, 0.0)
    try:
        injected = fault(Stage(queue, pools, postgres, valkey, chance, CORPUS))
        queue.assert_each_result_was_stored_once()
    except AssertionError as error:
        wrong = f"WRONG: {error}"
    finally:
        for server in (postgres, valkey):
            server.start()
        pools.close()
    ((total,),) = queue.ask("SELECT count(*) FROM extraction_queue")
    lost = int(str(total)) - sum(queue.count(status) for status in (3, 4, 5, 6))
    stuck = queue.count(6) + queue.count(3)
    twice = len(queue.ask("SELECT id FROM audit WHERE became = 5 GROUP BY id HAVING count(*) > 1"))
    say(
        f"{name:<27}{injected.documents:>10}{injected.faults:>8}{lost:>6}{twice:>7}{stuck:>7}"
        f"{injected.recovery_seconds:>8.1f} s  {wrong or injected.note}"
    )
    return not wrong and lost == twice == stuck == 0


def say(line: str) -> None:
    """Print a line at once: somebody watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
