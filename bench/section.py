"""What a program of the bench returns: one section of docs/benchmarks.md.

A program has `def run() -> Section` and ends with `main(run)`:

    $ python -m bench.pickup             # prints the section
    $ python -m bench.pickup --json FILE # for the runner
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Table:
    """Rows under a header; every cell is text as it will be printed."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Return the table in Markdown."""
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Verdict:
    """One target: what is measured, what was to reach, what was measured, whether it holds."""

    what: str
    target: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Section:
    """One program's result. `method` says what ran; `remarks` what to know, one line each."""

    title: str
    method: str
    tables: tuple[Table, ...]
    verdicts: tuple[Verdict, ...] = ()
    remarks: tuple[str, ...] = ()
    # Names and versions of what ran beside us.
    peers: dict[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the section in Markdown."""
        parts = [f"## {self.title}", self.method, *(table.markdown() for table in self.tables)]
        if self.verdicts:
            parts.append(verdicts_table(self.verdicts).markdown())
        if self.remarks:
            parts.append("\n".join(f"- {remark}" for remark in self.remarks))
        return "\n\n".join(parts) + "\n"


SECTION = TypeAdapter(Section)


def verdicts_table(verdicts: tuple[Verdict, ...]) -> Table:
    """Return the targets as a table."""
    return Table(
        ("what", "to reach", "measured: median (least to greatest)", "met"),
        tuple((v.what, v.target, v.measured, "yes" if v.met else "**no**") for v in verdicts),
    )


def main(run: Callable[[], Section]) -> None:
    """Run one program by itself."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result for the runner")
    arguments = parser.parse_args()
    section = run()
    print(section.markdown())
    if arguments.json:
        arguments.json.write_bytes(SECTION.dump_json(section, indent=1))
