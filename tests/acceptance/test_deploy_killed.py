"""`kill -9` of a deploy at each of its steps: whoever comes next understands what it finds."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy_server import Server, make_server

from registre_cli.deploy.plan import StepName
from registre_cli.embedded.servers import PostgresServer, ValkeyServer

pytestmark = pytest.mark.timeout(300)

_OF_A_DEPLOY = tuple(step.value for step in StepName if step is not StepName.RECOVER)
# Up to the gate a deploy is undone; its pool was healthy at these, so it is finished.
_FINISHED = ("save", "audit")
_UNDONE = tuple(step for step in _OF_A_DEPLOY if step not in {"lock", *_FINISHED})


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, valkey_server: ValkeyServer) -> Iterator[Server]:
    with make_server(postgres_server, valkey_server) as server:
        yield server


@pytest.fixture
def release(server: Server, thin: Path) -> str:
    """The healthy release that runs before; deployed once."""
    if server.current() is None:
        ran = server.deploy(thin)
        assert ran.returncode == 0, ran.stderr
    current = server.current()
    assert current is not None
    return current


def last_ending(server: Server) -> str:
    record = json.loads((server.records / "history.jsonl").read_text().splitlines()[-1])
    return str(record["ending"])


def test_no_step_is_forgotten_here() -> None:
    assert (*_UNDONE, *_FINISHED) == _OF_A_DEPLOY[1:]


@pytest.mark.parametrize("step", _UNDONE)
def test_a_deploy_that_was_killed_is_undone_by_a_roll_back(
    server: Server, release: str, thin: Path, step: str
) -> None:
    server.kill_at(step, *server.deploy_arguments(thin))
    ran = server.registre("deploy", "rollback", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert "found an interrupted deploy" in ran.stderr
    assert f"at step {step}" in ran.stderr
    assert last_ending(server) == "rolled back"
    server.assert_as_before(release)


@pytest.mark.parametrize("step", ["lock", "start"])
def test_the_next_deploy_undoes_one_that_was_killed_and_goes_on(
    server: Server, release: str, thin: Path, step: str
) -> None:
    server.kill_at(step, *server.deploy_arguments(thin))
    # The journal follows the lock so soon that the kill may come after it.
    had_begun = server.journal() is not None
    assert had_begun or step == "lock"
    ran = server.deploy(thin)
    assert ran.returncode == 0, ran.stderr
    assert "took over a broken lock" in ran.stderr
    assert ("found an interrupted deploy" in ran.stderr) == had_begun
    new = server.current()
    assert new not in {None, release}
    assert last_ending(server) == "healthy"
    server.assert_one_pool(new)
    server.assert_nothing_left_behind()


@pytest.mark.parametrize("step", _FINISHED)
def test_a_deploy_that_was_killed_after_its_pool_was_healthy_is_finished(
    server: Server, release: str, thin: Path, step: str
) -> None:
    server.kill_at(step, *server.deploy_arguments(thin))
    new = server.current()
    assert new != release
    told = server.registre("deploy", "status")
    assert told.returncode == 1
    assert "LOOK HERE" in told.stdout
    assert f"at step {step}" in told.stdout
    server.assert_one_pool(new)
    ran = server.registre("deploy", "rollback", "--yes")
    assert ran.returncode == 0, ran.stderr
    assert f"finished: its pool {new} was healthy" in ran.stderr
    server.assert_one_pool(release)
    server.assert_nothing_left_behind()
