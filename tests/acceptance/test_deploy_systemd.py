"""A whole deploy with `--manager systemd`, on a host whose systemd is the stand-in of the tests.

The stand-in is no systemd: it reads our units and runs our pools, without a sandbox. What systemd
itself thinks of the unit is in test_systemd_analyze.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy_server import (
    CRASHES,
    PATIENTLY,
    PLANTED,
    PROGRAMS,
    Server,
    make_server,
    outcome,
    thin_wheel,
)
from pool_harness import wait_for
from systemd_host import SystemdHost

from registre_cli.deploy.managers.unit import MARK
from registre_cli.embedded.servers import PostgresServer, ValkeyServer

pytestmark = pytest.mark.timeout(300)

_LEGACY = "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture(scope="module")
def host(server: Server) -> SystemdHost:
    return SystemdHost(server.folder)


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[Server]:
    """A server of which the units of the machine are others than those of the machine."""
    with make_server(postgres_server, valkey_server) as server:
        host = SystemdHost(server.folder)
        host.make()
        host.write("registre-ocr", _LEGACY)
        host.order("enable", "registre-ocr.service")
        host.order("start", "registre-ocr.service")
        unshare, nsenter = shutil.which("unshare"), shutil.which("nsenter")
        assert unshare is not None and nsenter is not None
        root = os.geteuid() == 0
        options = ["--mount"] if root else ["--user", "--map-root-user", "--mount"]
        # A mount of our own, seen by nobody else: nothing reaches the units of the machine.
        mount = f'mount --bind "{host.units}" /etc/systemd/system && exec sleep 600'
        holder = subprocess.Popen([unshare, *options, "sh", "-c", mount])
        try:
            wait_for(
                lambda: " /etc/systemd/system " in Path(f"/proc/{holder.pid}/mounts").read_text(),
                10,
                "the folder is mounted",
            )
            enter = ["--mount"] if root else ["--user", "--preserve-credentials", "--mount"]
            server.within = (nsenter, f"--target={holder.pid}", f"--wd={server.folder}", *enter)
            server.programs = (host.programs, PROGRAMS)
            yield server
            host.close()
            server.clean_up()
        finally:
            holder.kill()
            holder.wait()


def arguments(server: Server, wheel: Path, *more: str) -> list[str]:
    return ["deploy", "--yes", "--json", "--manager", "systemd", "--wheel", str(wheel),
            "--env-file", str(server.settings), *PATIENTLY, *more]  # fmt: skip


def test_a_unit_takes_the_place_of_the_legacy_one_is_upgraded_and_comes_back(
    server: Server, host: SystemdHost, thin: Path, wheel: Path, tmp_path: Path
) -> None:
    document = server.add_document()
    ran = server.registre(*arguments(server, thin))
    assert ran.returncode == 0, ran.stderr
    first = str(outcome(ran)["release"])
    server.assert_one_pool(first)
    server.wait_read(document)
    unit = (host.units / "ocr-pool.service").read_text()
    assert unit.startswith(MARK)
    assert f"Description=registre: the OCR pool, release {first}" in unit
    assert PLANTED not in unit + ran.stdout + ran.stderr
    (pool,) = server.pool_processes()
    assert PLANTED not in str(pool.environ())
    wanted = host.units / "multi-user.target.wants"
    assert [path.name for path in wanted.iterdir()] == ["ocr-pool.service"]
    # Somebody's own file is left where it was.
    assert (host.units / "registre-ocr.service").read_text() == _LEGACY

    bad = thin_wheel(wheel, tmp_path, CRASHES)
    ran = server.registre(*arguments(server, bad, "--health-timeout", "4"))
    assert ran.returncode == 1
    assert "the crash of this test" in str(outcome(ran)["log"])
    server.assert_one_pool(first)
    assert (host.units / "ocr-pool.service").read_text() == unit

    # From now on systemd is what a deploy finds.
    ran = server.registre(*(word for word in arguments(server, thin) if word not in {
        "--manager", "systemd"}))  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    second = str(outcome(ran)["release"])
    server.assert_one_pool(second)
    ran = server.registre("deploy", "status")
    assert ran.returncode == 0, ran.stdout
    assert "systemd     ocr-pool running" in ran.stdout
    server.kill_at("start", *arguments(server, thin))
    ran = server.registre("deploy", "rollback", "--yes")
    assert ran.returncode == 0, ran.stderr
    server.assert_one_pool(second)
    server.assert_nothing_left_behind()
