"""Run the programs of the bench and write docs/benchmarks.md.

$ python -m bench.run                # all beside peers, in under 20 minutes on 2 cores
$ python -m bench.run pickup boost   # these; the others keep their last figures
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import describe_machine, load
from bench.readings import FOLDER_VARIABLE
from bench.section import SECTION, Section, Table, verdicts_table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "build" / "bench"
PROGRAM_SECONDS = 600

PROGRAMS = (
    "queue_throughput",
    "pickup",
    "claim_growth",
    "makespan",
    "overhead",
    "limiter",
    "boost",
    "ocr_throughput",
    "ocr_accuracy",
    "ocr_tables",
)
# Beside nobody, and four minutes long: measured where it is named.
WHEN_NAMED = ("ocr_memory",)

INTRODUCTION = """\
# Side by side

The programs of `bench/` run registre and what a user would pick instead on the same work, in the
same run, on the same machine, in turns. A ratio is the median of at least three pairs, with the
least and the greatest; absolute times say little about another machine.

```console
$ make bench                             # all beside peers, in under 20 minutes on 2 cores
$ make bench PROGRAMS="pickup overhead"  # these; the others keep their last figures
$ make bench PROGRAMS=ocr_memory         # beside nobody: four minutes more
```

The peers come from PyPI into a virtual environment of the bench's own, `.venv/bench`.
"""


def main() -> int:
    """Run what is asked for; exit code 1 where a program failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "programs", nargs="*", choices=[*PROGRAMS, *WHEN_NAMED, []], metavar="PROGRAM"
    )
    asked = parser.parse_args().programs or PROGRAMS
    RESULTS.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="registre-bench-") as readings:
        os.environ[FOLDER_VARIABLE] = readings
        failed = [name for name in asked if not _run(name)]
    PAGE.write_text(_page())
    print(f"\nwrote {PAGE.relative_to(ROOT)} after {(time.monotonic() - started) / 60:.1f} minutes")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str) -> bool:
    """Run one program; what a failed one measured last time stays."""
    print(f"\n# {name}  (load {load()})", flush=True)
    started = time.monotonic()
    command = [sys.executable, "-m", f"bench.{name}", "--json", str(_result(name))]
    try:
        ran = subprocess.run(command, cwd=ROOT, timeout=PROGRAM_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        print(f"{name}: not finished after {PROGRAM_SECONDS} s", file=sys.stderr)
        return False
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return ran.returncode == 0


def _result(name: str) -> Path:
    return RESULTS / f"{name}.json"


def _page() -> str:
    """Return the page, from the last result of every program that has one."""
    sections = {
        name: SECTION.validate_json(_result(name).read_bytes())
        for name in (*PROGRAMS, *WHEN_NAMED)
        if _result(name).exists()
    }
    peers = {peer: v for section in sections.values() for peer, v in section.peers.items()}
    facts = {**describe_machine(), **dict(sorted(peers.items()))}
    verdicts = tuple(v for section in sections.values() for v in section.verdicts)
    return "\n".join(
        [
            INTRODUCTION,
            "## The machine and the versions\n",
            Table(("", ""), tuple(facts.items())).markdown(),
            "\n## The targets\n",
            verdicts_table(verdicts).markdown(),
            "",
            *(_dated(name, section) for name, section in sections.items()),
        ]
    )


def _dated(name: str, section: Section) -> str:
    taken = datetime.fromtimestamp(_result(name).stat().st_mtime, UTC)
    return f"{section.markdown()}\nTaken {taken:%Y-%m-%d} by `bench/{name}.py`.\n"


if __name__ == "__main__":
    sys.exit(main())
