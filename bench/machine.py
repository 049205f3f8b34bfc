"""The machine and the versions that a figure belongs to; no name of a host, no path."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from registre_cli.embedded.account import server_account
from registre_cli.embedded.binaries import postgres_programs


def describe_machine() -> dict[str, str]:
    """Return what the figures depend on, as lines of a table."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "registre": version("registre-cli"),
        "PostgreSQL": _said_by(str(postgres_programs(server_account()) / "postgres"), "--version"),
        "Tesseract": _said_by("tesseract", "--version"),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of peers, for a section."""
    return {package: version(package) for package in packages}


def load() -> str:
    """Return how busy the machine was during the last minute, in processes that want to run."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _said_by(*command: str) -> str:
    """Return the version that a program names in its first line."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    first = (ran.stdout or ran.stderr).strip().splitlines()[0]
    return first.split()[-1] if "PostgreSQL" in first else first.removeprefix("tesseract ")
