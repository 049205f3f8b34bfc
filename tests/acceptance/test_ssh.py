"""The way to another host, by a real sshd: what arrives, what is refused, what is cut."""

import os
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil
import pytest
from pool_harness import wait_for
from ssh_server import SshHost, make_client, make_key

from registre_cli.core.errors import ExitCode, ProblemFoundError, WrongUsageError
from registre_cli.deploy.transport.ssh import (
    HostKeyError,
    HostTimeoutError,
    HostUnreachableError,
    KeyRefusedError,
    LinkCutError,
    SshTransport,
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys") / "ours")


@pytest.fixture(scope="module")
def host(key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    host = SshHost("server-1", tmp_path_factory.mktemp("server-1"))
    host.start(key)
    yield host
    host.stop()


@pytest.fixture(scope="module")
def client(host: SshHost, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_client(tmp_path_factory.mktemp("client"), key, [host])


@pytest.fixture(autouse=True)
def _use(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(client, monkeypatch)


def use(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{client}:{os.environ['PATH']}")


@pytest.fixture
def there() -> Iterator[SshTransport]:
    transport = SshTransport("server-1")
    yield transport
    transport.close()


def test_words_arrive_as_they_were_given(there: SshTransport, host: SshHost) -> None:
    words = ["a b", "$HOME", "it's", '"', "`id`", "*", "", "é\\n", "; exit 7", "--"]
    ran = there.run(["printf", "[%s]", *words])
    assert ran.text == "".join(f"[{word}]" for word in words)
    assert there.run(["sh", "-c", "echo $HOME"]).text == str(host.home)


def test_a_program_ends_with_its_own_code_and_words(there: SshTransport) -> None:
    ran = there.run(["sh", "-c", "echo out; echo wrong >&2; exit 255"])
    assert (ran.exit_code, ran.stdout, ran.stderr) == (255, b"out\n", b"wrong\n")
    assert there.run(["no-such-program"]).exit_code == 127


def test_every_command_shares_one_connection(there: SshTransport, host: SshHost) -> None:
    before = host.logins()
    for _ in range(5):
        there.run(["true"])
    assert host.logins() == before + 1
    assert len(host.sessions()) == 1
    there.close()
    wait_for(lambda: not host.sessions(), 5, "the connection stayed")


def test_the_folder_of_the_connection_is_closed_to_others_and_goes_away() -> None:
    transport = SshTransport("server-1")
    transport.run(["true"])
    folder = transport._folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    transport.close()
    assert not folder.exists()


def test_a_file_arrives_whole_with_its_mode_and_is_on_no_command_line(
    there: SshTransport, host: SshHost
) -> None:
    path = PurePosixPath(host.home / "it's the pool's.env")
    secret = b"DEV_DATABASE_URL=postgresql://u:pl4nted@db/q\n" + bytes(range(256)) * 4096
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for process in psutil.process_iter(["cmdline"]):
                seen.add(" ".join(process.info["cmdline"] or ()))

    watching = threading.Thread(target=watch)
    watching.start()
    there.put(secret, path, mode=0o600)
    ended.set()
    watching.join()
    assert not [line for line in seen if "pl4nted" in line]
    assert Path(path).read_bytes() == secret == there.get(path)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert not list(host.home.glob(f"{path.name}.*"))


def test_a_missing_file_is_nothing_and_a_missing_folder_is_a_problem(
    there: SshTransport, host: SshHost
) -> None:
    assert there.get(PurePosixPath(host.home / "nothing")) is None
    with pytest.raises(ProblemFoundError, match="cannot be written"):
        there.put(b"x", PurePosixPath(host.home / "no" / "folder"))
    with pytest.raises(ProblemFoundError, match="cannot be read"):
        there.get(PurePosixPath(host.home))


def test_a_host_where_nobody_listens_is_unreachable(
    key: Path, host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = SshHost("gone", host.folder)
    use(make_client(tmp_path, key, [gone]), monkeypatch)
    transport = SshTransport("gone")
    with pytest.raises(HostUnreachableError, match="Connection refused") as caught:
        transport.run(["true"])
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert caught.value.fix == "try `ssh gone true`; see the name, the port and the firewall"
    transport.close()


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    transport = SshTransport("u@no-such-host.invalid")
    with pytest.raises(HostUnreachableError, match="Could not resolve hostname"):
        transport.run(["true"])
    transport.close()


def test_a_refused_key_is_named(
    host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = make_key(tmp_path / "stranger")
    use(make_client(tmp_path, stranger, [host]), monkeypatch)
    transport = SshTransport("server-1")
    with pytest.raises(KeyRefusedError, match="Permission denied") as caught:
        transport.run(["true"])
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    transport.close()


def test_an_unknown_host_key_is_never_accepted_silently(
    key: Path, host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(tmp_path, key, [host])
    (client / "known_hosts").write_text("")
    use(client, monkeypatch)
    transport = SshTransport("server-1")
    with pytest.raises(HostKeyError):
        transport.run(["true"])
    transport.close()


def test_a_link_cut_in_the_middle_is_named_and_the_next_command_connects_anew(
    there: SshTransport, host: SshHost
) -> None:
    there.run(["true"])
    mark = host.home / "running"
    cutter = threading.Thread(
        target=lambda: (wait_for(mark.exists, 10, "no command ran"), host.cut())
    )
    cutter.start()
    with pytest.raises(LinkCutError, match="cut while sh ran") as caught:
        there.run(["sh", "-c", f"touch {mark}; sleep 30"])
    cutter.join()
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert there.run(["echo", "again"]).text == "again"


def test_a_link_that_answers_nothing_any_more_is_cut(there: SshTransport, host: SshHost) -> None:
    there.run(["true"])
    mark = host.home / "frozen"
    frozen: list[psutil.Process] = []

    def freeze() -> None:
        wait_for(mark.exists, 10, "no command ran")
        for session in host.sessions():
            frozen.extend(p for p in (session, *session.children()) if "sshd" in p.name())
        for process in frozen:
            process.suspend()

    freezer = threading.Thread(target=freeze)
    freezer.start()
    started = time.monotonic()
    with pytest.raises(LinkCutError):
        there.run(["sh", "-c", f"touch {mark}; sleep 60"])
    assert time.monotonic() - started < 25
    freezer.join()
    for process in frozen:
        process.kill()
    assert there.run(["echo", "again"]).text == "again"


def test_a_file_whose_link_is_cut_is_not_there(there: SshTransport, host: SshHost) -> None:
    path = host.home / "half"
    there.run(["true"])

    def cut() -> None:
        wait_for(lambda: list(host.home.glob("half.*")), 10, "nothing was written")
        host.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    with pytest.raises(LinkCutError):
        there.put(os.urandom(200_000_000), PurePosixPath(path))
    cutter.join()
    assert not path.exists()
    wait_for(lambda: not list(host.home.glob("half.*")), 10, "a part was left behind")


def test_a_command_that_does_not_end_is_not_waited_for(there: SshTransport) -> None:
    with pytest.raises(HostTimeoutError, match="did not end within"):
        there.run(["sleep", "5"], timeout_seconds=0.5)
    assert there.run(["echo", "on"]).text == "on"


@pytest.mark.parametrize("target", ["-oProxyCommand=id", "a b", "u@h;id", "", "u@-x", "h\n"])
def test_what_ssh_could_take_for_an_option_is_no_host(target: str) -> None:
    with pytest.raises(WrongUsageError, match="is not a host"):
        SshTransport(target)


def test_nothing_is_left_running(there: SshTransport, host: SshHost) -> None:
    there.run(["true"])
    folder = str(there._folder)
    there.close()
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert folder not in listed.stdout
