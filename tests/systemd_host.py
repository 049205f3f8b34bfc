"""A host whose systemd is the stand-in of `systemd_stand_in`: real units, real processes."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from registre_cli.deploy.site import Site
from registre_cli.deploy.transport.local import LocalTransport

_STAND_IN = Path(__file__).with_name("systemd_stand_in")


@dataclass(frozen=True)
class SystemdHost:
    """One host under `folder`; `close` ends what its units still run."""

    folder: Path

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def units(self) -> Path:
        return self.programs / "units"

    @property
    def path(self) -> str:
        return f"{self.programs}:{os.environ['PATH']}"

    @property
    def site(self) -> Site:
        home = self.folder / "home"
        environment = {"PATH": self.path, "HOME": str(home)}
        return Site(LocalTransport(), PurePosixPath(home), environment)

    def make(self) -> None:
        shutil.copytree(_STAND_IN, self.programs)
        (self.folder / "home" / "deploy" / "releases").mkdir(parents=True)
        self.units.mkdir()
        # Started many times a test: without what makes a Python slow to start.
        systemctl = self.programs / "systemctl"
        code = systemctl.read_text().partition("\n")[2]
        systemctl.write_text(f"#!{Path(sys.executable).resolve()} -IS\n{code}")
        if os.geteuid() == 0:
            # root needs no sudo, and must not get it.
            (self.programs / "sudo").unlink()

    def write(self, name: str, text: str) -> Path:
        """Write a unit by hand, as its owner did."""
        path = self.units / f"{name}.service"
        path.write_text(text)
        return path

    def order(self, *words: str) -> None:
        """Give an order by hand."""
        subprocess.run([self.programs / "systemctl", *words], check=True, timeout=30)

    def written(self, name: str) -> str:
        """Return everything that a unit wrote."""
        path = self.programs / "journal" / f"{name}.service"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        for process in psutil.process_iter(["cmdline"]):
            if any(str(self.folder) in word for word in process.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
