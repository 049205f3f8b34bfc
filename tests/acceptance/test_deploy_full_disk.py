"""A disk without room, at the worst moments: a real one of half a gigabyte."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy_server import Server, make_server
from pool_harness import wait_for

from registre_cli.embedded.servers import PostgresServer, ValkeyServer

pytestmark = pytest.mark.timeout(300)

_MEGABYTE = 1_000_000
_DISK_MEGABYTES = 640


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[Server]:
    """A server whose REGISTRE_HOME is a small disk, which nobody else on the machine sees."""
    with make_server(postgres_server, valkey_server) as server:
        server.home.mkdir()
        mount = f'mount -t tmpfs -o size={_DISK_MEGABYTES}m tmpfs "{server.home}" && exec sleep 600'
        unshare, nsenter = shutil.which("unshare"), shutil.which("nsenter")
        assert unshare is not None and nsenter is not None
        root = os.geteuid() == 0
        options = ["--mount"] if root else ["--user", "--map-root-user", "--mount"]
        holder = subprocess.Popen([unshare, *options, "sh", "-c", mount])
        try:
            wait_for(
                lambda: f" {server.home} " in Path(f"/proc/{holder.pid}/mounts").read_text(),
                10,
                "the disk is mounted",
            )
            enter = ["--mount"] if root else ["--user", "--preserve-credentials", "--mount"]
            server.within = (nsenter, f"--target={holder.pid}", f"--wd={server.folder}", *enter)
            server.root = f"/proc/{holder.pid}/root"
            yield server
            server.clean_up()
        finally:
            holder.kill()
            holder.wait()


@pytest.fixture(scope="module")
def release(server: Server, thin: Path) -> str:
    """The healthy release that runs before the disk is full."""
    ran = server.deploy(thin)
    assert ran.returncode == 0, ran.stderr
    current = server.current()
    assert current is not None
    return current


@pytest.fixture
def filler(server: Server) -> Iterator[Path]:
    path = Path(f"{server.root}{server.home}/somebody-elses.log")
    yield path
    path.unlink(missing_ok=True)


def fill(filler: Path, leaving_bytes: int) -> None:
    room = shutil.disk_usage(filler.parent).free - leaving_bytes
    with filler.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, room)


def test_a_disk_that_fills_up_while_a_release_is_installed_costs_nothing_of_what_runs(
    server: Server, release: str, wheel: Path, filler: Path
) -> None:
    # The whole wheel, which needs far more than is left.
    running = server.begin(*server.deploy_arguments(wheel))
    server.wait_journal(running, "install")
    fill(filler, leaving_bytes=60 * _MEGABYTE)
    assert running.end() == 1
    said = "".join(running.lines)
    assert "Error: the release cannot be installed: " in said
    assert "No space left on device" in said
    assert "rolled back" in said
    server.assert_as_before(release)


def test_a_disk_that_is_full_when_the_old_pool_has_stopped_brings_it_back(
    server: Server, release: str, thin: Path, filler: Path
) -> None:
    running = server.begin(*server.deploy_arguments(thin))
    server.wait_journal(running, "stop")
    fill(filler, leaving_bytes=0)
    assert running.end() == 1
    said = "".join(running.lines)
    assert "cannot be written: No space left on device" in said
    assert "rolled back" in said
    server.assert_as_before(release)


def test_too_little_room_is_told_before_anything_begins(
    server: Server, release: str, thin: Path, filler: Path
) -> None:
    fill(filler, leaving_bytes=100 * _MEGABYTE)
    ran = server.deploy(thin)
    assert ran.returncode == 1
    assert "0.1 GB are free under" in ran.stderr and "a release needs 0.5 GB" in ran.stderr
    server.assert_as_before(release)
