"""Processes that outlived their manager: found by the environment that it gave them (Linux)."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib.resources import files

from registre_cli.deploy.site import Site

# What a pool of ours carries in its environment, beside the home of its target.
HOME_VARIABLE = "REGISTRE_HOME"
RELEASE_VARIABLE = "REGISTRE_RELEASE"
# One polite signal, then as long as a page of OCR may take, then the end.
_END = """
kill -TERM "$2" 2>/dev/null
left=$1
while kill -0 "$2" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$2/status"; do
    [ "$left" -le 0 ] && { kill -KILL "$2" 2>/dev/null; break; }
    sleep 0.2
    left=$((left - 1))
done
"""
_LOOKS_A_SECOND = 5


@dataclass(frozen=True)
class Orphan:
    """A process that works on without anybody watching it."""

    pid: int
    name: str


def find_orphans(site: Site, *patterns: str) -> tuple[Orphan, ...]:
    """Return the processes whose environment has a line for each pattern, managed or not.

    A pattern is a basic regular expression for the whole line. Descendants of a process are one
    with it: only the first of a line is named.
    """
    script = files("registre_cli.deploy").joinpath("surroundings.sh").read_text("utf-8")
    whole = [f"^{pattern}$" for pattern in patterns]
    ran = site.must(["sh", "-c", script, "sh", *whole], "the processes cannot be listed")
    found: dict[int, tuple[int, str]] = {}
    for line in ran.text.splitlines():
        pid, parent, name = line.split(" ", 2)
        found[int(pid)] = (int(parent), name)
    return tuple(Orphan(pid, name) for pid, (parent, name) in found.items() if parent not in found)


def orphaned_pools(site: Site, managed: Callable[[], Collection[int]]) -> tuple[Orphan, ...]:
    """Return the pools of this target's releases that no manager knows.

    `managed` are the processes that one knows. It is asked after the processes were looked at:
    what was started again meanwhile is no orphan.
    """
    home = f"{HOME_VARIABLE}={literal(str(site.home))}"
    found = find_orphans(site, home, f"{RELEASE_VARIABLE}=..*")
    if not found:
        return ()
    known = managed()
    return tuple(orphan for orphan in found if orphan.pid not in known)


def literal(text: str) -> str:
    """Return a basic regular expression that matches this text and nothing else."""
    return re.sub(r"([.*\[\]^$\\])", r"\\\1", text)


def end_orphans(site: Site, orphans: Sequence[Orphan], stop_seconds: float) -> None:
    """Stop each politely, and by force after `stop_seconds`."""
    looks = str(int(stop_seconds * _LOOKS_A_SECOND))
    for orphan in orphans:
        site.must(
            ["sh", "-c", _END, "sh", looks, str(orphan.pid)],
            f"process {orphan.pid} cannot be ended",
            timeout_seconds=stop_seconds * 2 + 30,
        )
