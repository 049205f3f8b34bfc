"""The wheel that is deployed: a file, or one built of the project's folder."""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from registre_cli.core.errors import ProblemFoundError, WrongUsageError

_NAME = re.compile(r"registre_cli-(?P<version>[0-9A-Za-z.!+]+)-[^-]+-[^-]+-[^-]+\.whl")
_PROJECT = Path(__file__).parents[2]
_BUILD_SECONDS = 600


@dataclass(frozen=True)
class Wheel:
    """A wheel of ours, ready to be sent."""

    name: str
    version: str
    content: bytes


def take_wheel(path: Path | None) -> Wheel:
    """Return the wheel at `path`, a file or a project's folder; without one, of this checkout.

    Raises WrongUsageError where there is none, ProblemFoundError where it cannot be built.
    """
    if path is None:
        if not (_PROJECT / "pyproject.toml").is_file():
            raise WrongUsageError(
                "this registre is installed, so there is nothing to build a wheel of",
                fix="give --wheel registre_cli-VERSION-py3-none-any.whl, or a project's folder",
            )
        path = _PROJECT
    if path.is_dir():
        return _build(path)
    found = _NAME.fullmatch(path.name)
    if found is None or not path.is_file():
        raise WrongUsageError(
            f"--wheel {path}: no wheel of registre-cli", fix="python -m build --wheel makes one"
        )
    return Wheel(path.name, found["version"], path.read_bytes())


def _build(project: Path) -> Wheel:
    with tempfile.TemporaryDirectory(prefix="registre-wheel-") as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--wheel-dir", folder, str(project)]
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False
        )
        built = list(Path(folder).glob("registre_cli-*.whl"))
        if ran.returncode or not built:
            raise ProblemFoundError(
                f"no wheel can be built of {project}: {ran.stderr.strip()[-300:]}",
                fix="python -m build --wheel, then --wheel dist/FILE",
            )
        return take_wheel(built[0])
