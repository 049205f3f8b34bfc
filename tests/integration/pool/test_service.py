"""A pool under a service manager: a real datagram socket hears it start, live and end."""

import itertools
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pool_harness import Pools, Queue, wait_for

_WATCHDOG_SECONDS = 2.0


class Listener:
    """The service manager's end: every datagram with the time at which it came."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self.heard: list[tuple[float, str]] = []

    def states(self) -> list[str]:
        try:
            while True:
                state = self._socket.recv(4096).decode()
                self.heard.append((time.monotonic(), state))
        except BlockingIOError:
            return [state for _, state in self.heard]


@pytest.fixture
def service_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", str(int(_WATCHDOG_SECONDS * 1_000_000)))
        yield Listener(listening)


def test_a_pool_says_ready_when_its_crew_is_full_and_stopping_when_it_ends(
    queue: Queue, start_pool: Pools, service_manager: Listener
) -> None:
    queue.add("page 0.1")
    pool = start_pool()
    wait_for(lambda: "READY=1" in service_manager.states(), 20, "the pool never said ready")
    assert len(pool.events("Worker started")) == 2
    wait_for(lambda: queue.count(5) == 1, 10, "the document was not read")
    wait_for(
        lambda: (
            "STATUS=2 of 2 workers (1 index, 1 acte); 0 reading, 1 read" in service_manager.states()
        ),
        10,
        f"no status in {service_manager.states()}",
    )
    pool.send(signal.SIGTERM)
    assert pool.wait(20) == 0
    states = service_manager.states()
    assert states.count("READY=1") == 1
    assert states.count("STOPPING=1") == 1
    assert states.index("READY=1") < states.index("STOPPING=1")


def test_the_watchdog_is_fed_within_half_its_time_while_the_loop_turns_and_not_after(
    start_pool: Pools, service_manager: Listener
) -> None:
    pool = start_pool()
    wait_for(lambda: "READY=1" in service_manager.states(), 20, "the pool never said ready")
    wait_for(
        lambda: service_manager.states().count("WATCHDOG=1") >= 6, 20, "the watchdog was not fed"
    )
    fed = [at for at, state in service_manager.heard if state == "WATCHDOG=1"]
    longest = max(later - earlier for earlier, later in itertools.pairwise(fed))
    assert longest <= _WATCHDOG_SECONDS / 2
    psutil.Process(pool.process.pid).suspend()
    try:
        before = service_manager.states().count("WATCHDOG=1")
        time.sleep(_WATCHDOG_SECONDS)
        assert service_manager.states().count("WATCHDOG=1") <= before
    finally:
        psutil.Process(pool.process.pid).resume()


def test_no_process_of_the_pool_can_speak_in_its_name(
    start_pool: Pools, service_manager: Listener
) -> None:
    pool = start_pool()
    wait_for(lambda: "READY=1" in service_manager.states(), 20, "the pool never said ready")
    children = psutil.Process(pool.process.pid).children(recursive=True)
    assert len(children) >= 3
    for child in children:
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & child.environ().keys()


def test_a_pool_whose_workers_cannot_start_never_says_ready(
    start_pool: Pools, service_manager: Listener
) -> None:
    pool = start_pool(ocr_boost_rules="/nowhere")
    pool.wait_event("Worker cannot read", seconds=20, number=2)
    assert "READY=1" not in service_manager.states()
