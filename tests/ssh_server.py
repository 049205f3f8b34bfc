"""A real sshd on 127.0.0.1 with its own keys, home and configuration: one host of a fleet."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# Where Debian puts it; a person's PATH often does not look there.
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
SSH = shutil.which("ssh")
_START_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(path: Path) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)],
        check=True,
    )
    return path


@dataclass
class SshHost:
    """One host; `name` is what the client knows it by, `home` the HOME of its sessions."""

    name: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    server: subprocess.Popen[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def host_key(self) -> Path:
        return self.folder / "host_key"

    def start(self, authorized: Path) -> None:
        """Start the server; `authorized` is the private key that it accepts."""
        assert SSHD is not None, "make acceptance installs openssh-server"
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.host_key.exists():
            make_key(self.host_key)
        # A server that runs as root wants a folder to lock its unprivileged half into.
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        variables = {"HOME": str(self.home), "PATH": os.environ["PATH"], **self.environment}
        settings = " ".join(f'"{name}={value}"' for name, value in variables.items())
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.host_key}\n"
            f"AuthorizedKeysFile {authorized.with_suffix('.pub')}\nStrictModes no\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nUsePAM no\nPidFile none\nPrintMotd no\n"
            f"SetEnv {settings}\n"
        )
        self.server = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=(self.folder / "sshd.log").open("ab"),
        )
        self._wait_until_it_listens()

    def sessions(self) -> list[psutil.Process]:
        """The processes of sshd that each hold one connection."""
        assert self.server is not None
        return psutil.Process(self.server.pid).children()

    def cut(self) -> int:
        """Cut every connection as a pulled cable would end; return how many there were."""
        sessions = self.sessions()
        for session in sessions:
            for process in (*session.children(), session):
                if "sshd" in process.name():
                    process.send_signal(signal.SIGKILL)
        return len(sessions)

    def logins(self) -> int:
        """How often somebody came in by a new connection."""
        return (self.folder / "sshd.log").read_text().count("Accepted publickey")

    def stop(self) -> None:
        if self.server is not None:
            self.cut()
            self.server.terminate()
            self.server.wait(10)
            self.server = None

    def _wait_until_it_listens(self) -> None:
        assert self.server is not None
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                said = (self.folder / "sshd.log").read_text()
                assert self.server.poll() is None and time.monotonic() < deadline, said
                time.sleep(0.05)


def make_client(folder: Path, key: Path, hosts: list[SshHost]) -> Path:
    """Make the `ssh` of a person who knows these hosts; return the folder to put on the PATH.

    OpenSSH looks for `~/.ssh/config` in the home of the account, whatever HOME says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = folder / "known_hosts"
    known.write_text(
        "".join(
            f"[127.0.0.1]:{host.port} {host.host_key.with_suffix('.pub').read_text()}"
            for host in hosts
        )
    )
    entries = [
        f"Host {host.name}\n  HostName 127.0.0.1\n  Port {host.port}\n  User {getpass.getuser()}\n"
        for host in hosts
    ]
    config = folder / "config"
    config.write_text(
        "".join(entries)
        + f"Host *\n  IdentityFile {key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n"
        "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking yes\n  HashKnownHosts no\n"
    )
    program = folder / "ssh"
    program.write_text(f'#!/bin/sh\nexec {SSH} -F {config} "$@"\n')
    program.chmod(0o755)
    return folder
