"""Notifications reach a real datagram socket, by path and by abstract name."""

import os
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from registre_cli.core.sd_notify import ServiceNotifier, take_notifier


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        yield listening


def test_every_state_arrives_as_a_datagram_of_its_own(
    listener: socket.socket, tmp_path: Path
) -> None:
    listener.bind(str(tmp_path / "notify"))
    notifier = ServiceNotifier(str(tmp_path / "notify"))
    notifier.ready()
    notifier.alive()
    notifier.status("2 of 2 workers")
    notifier.stopping()
    heard = [listener.recv(4096) for _ in range(4)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"STATUS=2 of 2 workers", b"STOPPING=1"]


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names exist on Linux only")
def test_an_abstract_name_is_reached(listener: socket.socket) -> None:
    name = f"registre-{uuid.uuid4().hex}"
    listener.bind(f"\0{name}")
    ServiceNotifier(f"@{name}").ready()
    assert listener.recv(4096) == b"READY=1"


def test_the_variables_are_taken_out_of_the_environment(tmp_path: Path) -> None:
    environ = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "PATH": "/usr/bin",
    }
    notifier = take_notifier(environ)
    assert (notifier.listened_to, notifier.watchdog_seconds) == (True, 30.0)
    assert environ == {"PATH": "/usr/bin"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "30000000"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "soon"},
    ],
)
def test_a_watchdog_that_is_not_ours_is_not_fed(environ: dict[str, str]) -> None:
    assert take_notifier(environ).watchdog_seconds is None


def test_a_service_manager_that_is_gone_is_said_once_and_does_no_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notifier = ServiceNotifier(str(tmp_path / "nobody"))
    notifier.ready()
    notifier.alive()
    said = capsys.readouterr()
    assert (said.out + said.err).count("Service manager does not hear us") == 1


def test_a_service_manager_that_does_not_read_holds_nobody_up(
    listener: socket.socket, tmp_path: Path
) -> None:
    listener.bind(str(tmp_path / "notify"))
    notifier = ServiceNotifier(str(tmp_path / "notify"))
    for _ in range(5000):
        notifier.alive()
