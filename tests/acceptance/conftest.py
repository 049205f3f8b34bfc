"""What the acceptance tests share: an installed wheel, and the servers of the other tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an empty environment into which only our wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    folder.chmod(0o755)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    programs = folder / "venv" / "bin"
    subprocess.run(
        [programs / "pip", "install", "--quiet", f"{wheel}[embedded]"],
        check=True,
        capture_output=True,
    )
    return programs
