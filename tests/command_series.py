"""Many commands one after the other, each in a process of its own, the imports paid once.

As a program it reads [arguments, settings] pairs from its input and writes what each ended with;
`run_series` is how a test calls it.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LOADED = (
    "registre_cli.pool.check", "registre_cli.pool.overview", "registre_cli.preflight.suite",
    "registre_cli.queue.admin", "registre_cli.ui.check", "registre_cli.ui.preflight",
    "registre_cli.ui.queue", "registre_cli.ui.pool", "registre_cli.ui.deploy",
)  # fmt: skip
_LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """What one command said, and its exit code."""

    arguments: tuple[str, ...]
    stdout: str
    stderr: str
    code: int
    seconds: float

    @property
    def said(self) -> str:
        return self.stdout + self.stderr


def run_series(
    calls: Sequence[tuple[Sequence[str], Mapping[str, str]]], folder: Path
) -> list[Ended]:
    """Run each call in `folder`, with its settings beside those of this process."""
    ran = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([[list(arguments), dict(settings)] for arguments, settings in calls]),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=_LONGEST_SECONDS * max(len(calls), 1),
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    return [
        Ended(tuple(arguments), *ended) for (arguments, _), ended in zip(calls, found, strict=True)
    ]


def _run(arguments: list[str], settings: dict[str, str]) -> tuple[str, str, int, float]:
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.environ.update(settings)
            sys.argv = ["registre", *arguments]
            _main()
        _, status = os.waitpid(child, 0)
        texts = [_whole(out), _whole(err)]
    return (*texts, os.waitstatus_to_exitcode(status), time.monotonic() - started)  # type: ignore[return-value]


def _main() -> None:
    """Run the program as its script does, and end without what is not the child's to clean up."""
    from registre_cli.app import main

    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - as the interpreter would, were it not for the fork
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def _whole(file: object) -> str:
    file.seek(0)  # type: ignore[attr-defined]
    return file.read().decode("utf-8", "surrogateescape")  # type: ignore[attr-defined, no-any-return]


if __name__ == "__main__":
    for name in _LOADED:
        importlib.import_module(name)
    sys.stdout.write(json.dumps([_run(*call) for call in json.load(sys.stdin)]))
