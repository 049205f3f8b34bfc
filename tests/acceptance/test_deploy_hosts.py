"""Several hosts behind real sshd servers: the canary first, the others only when it is healthy."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from deploy_server import CRASHES, PATIENTLY, PLANTED, PROGRAMS, Server, make_server, thin_wheel
from pool_harness import wait_for
from ssh_server import SshHost, make_client, make_key

from registre_cli.embedded.servers import PostgresServer, ValkeyServer

pytestmark = pytest.mark.timeout(300)

_NAMES = ("server-1", "server-2", "server-3")
# In front of the uv of a host: it fails where this host has a mark.
_FRAGILE_UV = """#!/bin/sh
[ -e "$HOME/no-network" ] && { echo "error: the network is down" >&2; exit 2; }
PATH=${PATH#*:} exec uv "$@"
"""


@dataclass(frozen=True)
class Fleet:
    """Three accounts with a home, a PM2 and an sshd each, one queue, and who deploys to them."""

    servers: tuple[Server, ...]
    hosts: tuple[SshHost, ...]
    operator: Server
    key: Path

    def arguments(self, wheel: Path, names: tuple[str, ...], *more: str) -> tuple[str, ...]:
        first = self.servers[0]
        return (
            "deploy", "--yes", "--wheel", str(wheel), "--env-file", str(first.settings),
            "--ecosystem", "fleet/ecosystem.config.js", *options(names), *PATIENTLY, *more,
        )  # fmt: skip


def options(names: tuple[str, ...]) -> list[str]:
    return [word for name in names for word in ("--host", name)]


@pytest.fixture(scope="module")
def fleet(
    postgres_server: PostgresServer,
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("keys")
    key = make_key(folder / "ours")
    with ExitStack() as stack:
        servers = tuple(
            stack.enter_context(make_server(postgres_server, valkey_server)) for _ in _NAMES
        )
        hosts = []
        for name, server in zip(_NAMES, servers, strict=True):
            # One queue for all of them; what is read here is on a disk that each host sees.
            server.dsn, server.documents = servers[0].dsn, servers[0].storage
            server.write_settings()
            uv = server.folder / "bin" / "uv"
            uv.parent.mkdir()
            uv.write_text(_FRAGILE_UV)
            uv.chmod(0o755)
            given = {k: v for k, v in server.environment.items() if k != "SHELL_SECRET"}
            given["PATH"] = f"{uv.parent}:{given['PATH']}"
            host = SshHost(name, server.folder / "ssh", environment=given)
            host.start(key)
            stack.callback(host.stop)
            hosts.append(host)
        operator = Server(folder, servers[0].dsn, servers[0].redis_url)
        operator.programs = (make_client(folder / "client", key, hosts), PROGRAMS)
        yield Fleet(servers, tuple(hosts), operator, key)


@pytest.fixture
def releases(fleet: Fleet, thin: Path) -> tuple[str, ...]:
    """The healthy release of each host, deployed once, two hosts at once after the canary."""
    if fleet.servers[0].current() is None:
        ran = fleet.operator.registre(*fleet.arguments(thin, _NAMES, "--parallel", "2"))
        (fleet.operator.folder / "first.txt").write_text(ran.stderr)
        (fleet.operator.folder / "table.txt").write_text(ran.stdout)
        assert ran.returncode == 0, ran.stderr
    found = tuple(server.current() for server in fleet.servers)
    assert None not in found
    return found  # type: ignore[return-value]


def nothing_came(server: Server) -> bool:
    return not server.home.exists() and not server.pool_processes()


def test_one_host_that_cannot_be_reached_keeps_all_from_being_touched(
    fleet: Fleet, thin: Path
) -> None:
    fleet.hosts[1].stop()
    ran = fleet.operator.registre(*fleet.arguments(thin, _NAMES, "--json"))
    fleet.hosts[1].start(fleet.key)
    assert ran.returncode == 4
    assert "1 of 3 hosts are not ready, nothing was changed: server-2 cannot be reached" in (
        ran.stderr
    )
    assert all(nothing_came(server) for server in fleet.servers)


def test_a_canary_that_does_not_become_healthy_keeps_the_others_from_being_begun(
    fleet: Fleet, wheel: Path, tmp_path: Path
) -> None:
    bad = thin_wheel(wheel, tmp_path, CRASHES)
    ran = fleet.operator.registre(
        *fleet.arguments(bad, _NAMES, "--health-timeout", "3", "--parallel", "3")
    )
    assert ran.returncode == 1, ran.stderr
    assert "the crash of this test" in ran.stderr
    rows = {
        words[0]: " ".join(words[1:]) for words in map(str.split, ran.stdout.splitlines()) if words
    }
    assert rows["server-1"].startswith("rolled back")
    for name in _NAMES[1:]:
        assert rows[name].startswith("not begun")
        assert f"{name}:  1/14" not in ran.stderr
    assert all(nothing_came(server) for server in fleet.servers[1:])
    assert not fleet.servers[0].pool_processes()
    assert fleet.servers[0].listed() == {}


def test_the_others_follow_the_canary_two_at_once(fleet: Fleet, releases: tuple[str, ...]) -> None:
    lines = (fleet.operator.folder / "first.txt").read_text().splitlines()
    begun = {name: lines.index(f"{name}:  1/14  lock          …") for name in _NAMES}
    ended = {
        name: next(n for n, line in enumerate(lines) if line.startswith(f"{name}: healthy"))
        for name in _NAMES
    }
    assert begun["server-1"] < ended["server-1"] < min(begun["server-2"], begun["server-3"])
    assert max(begun["server-2"], begun["server-3"]) < min(ended["server-2"], ended["server-3"])
    table = (fleet.operator.folder / "table.txt").read_text()
    for name, release, server in zip(_NAMES, releases, fleet.servers, strict=True):
        assert [name, "healthy"] in [line.split()[:2] for line in table.splitlines()]
        server.assert_as_before(release)
    assert len({pool["release"] for pool in fleet.servers[0].pools()}) == 3


def test_status_and_history_tell_of_every_host(fleet: Fleet, releases: tuple[str, ...]) -> None:
    ran = fleet.operator.registre("deploy", "status", "--json", *options(_NAMES))
    assert ran.returncode == 0, ran.stdout
    targets = json.loads(ran.stdout)["targets"]
    assert [(t["target"], t["release"]) for t in targets] == list(
        zip(_NAMES, releases, strict=True)
    )
    ran = fleet.operator.registre("deploy", "history", *options(_NAMES))
    assert "Deploys to server-3" in ran.stdout


def test_secrets_travel_over_the_link_and_stay_in_a_file_of_the_account(
    fleet: Fleet, releases: tuple[str, ...]
) -> None:
    for server in fleet.servers:
        (settings,) = server.records.glob("releases/*/registre.env")
        assert PLANTED in settings.read_text()
        assert settings.stat().st_mode & 0o777 == 0o600
        assert PLANTED not in (server.pm2_home / "dump.pm2").read_text()


def test_a_host_that_fails_after_the_canary_is_rolled_back_alone_and_the_way_out_is_told(
    fleet: Fleet, releases: tuple[str, ...], thin: Path
) -> None:
    names = _NAMES[:2]
    mark = fleet.servers[1].folder / "no-network"
    mark.touch()
    ran = fleet.operator.registre(*fleet.arguments(thin, names))
    mark.unlink()
    assert ran.returncode == 1, ran.stderr
    assert "Error: the release cannot be installed: error: the network is down" in ran.stderr
    assert "1 of 2 hosts run " in ran.stderr
    assert "registre deploy rollback --host server-1" in ran.stderr
    assert fleet.servers[0].current() != releases[0]
    fleet.servers[1].assert_as_before(releases[1])
    ran = fleet.operator.registre("deploy", "rollback", "--yes", "--host", "server-1")
    assert ran.returncode == 0, ran.stderr
    fleet.servers[0].assert_one_pool(releases[0])


def test_a_link_that_is_cut_in_the_middle_of_a_stop_is_rolled_back_over_a_new_one(
    fleet: Fleet, releases: tuple[str, ...], thin: Path
) -> None:
    host, server = fleet.hosts[2], fleet.servers[2]
    running = fleet.operator.begin(*fleet.arguments(thin, ("server-3",)))
    server.wait_journal(running, "stop")
    wait_for(lambda: server.pm2_is_told("stop", "ocr-pool"), 30, "the pool is told to stop")
    assert host.cut()
    assert running.end() == 1, running.lines
    said = "".join(running.lines)
    assert "Error: server-3: the connection was cut while " in said
    assert "rolled back" in said
    server.assert_as_before(releases[2])


def test_a_host_that_is_gone_in_the_middle_is_mended_when_it_is_back(
    fleet: Fleet, releases: tuple[str, ...], thin: Path
) -> None:
    host, server = fleet.hosts[2], fleet.servers[2]
    running = fleet.operator.begin(*fleet.arguments(thin, ("server-3",)))
    server.wait_journal(running, "start")
    host.stop()
    assert running.end() == 1, running.lines
    said = "".join(running.lines)
    first, second = said.split("The roll-back did not succeed:")
    assert "Error: server-3" in first
    assert "Error: server-3 cannot be reached" in second
    host.start(fleet.key)
    ran = fleet.operator.registre("deploy", "rollback", "--yes", "--host", "server-3")
    assert ran.returncode == 0, ran.stderr
    server.assert_as_before(releases[2])


def test_no_connection_is_left_open(fleet: Fleet, releases: tuple[str, ...]) -> None:
    wait_for(lambda: not any(host.sessions() for host in fleet.hosts), 10, "a connection is open")
    assert all(host.logins() for host in fleet.hosts)
