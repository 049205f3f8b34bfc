"""What a deploy keeps on a target: the lock, the journal, the user's own file; on a real disk."""

import json
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import psutil
import pytest

from registre_cli.core.errors import ConfigurationError, ProblemFoundError
from registre_cli.deploy.history import Ending, Record, append_record, last_healthy, read_history
from registre_cli.deploy.journal import Journal, Kind, read_journal, write_journal
from registre_cli.deploy.lock import Lock, LockHeldError, LockLostError, read_lock, remove_lock
from registre_cli.deploy.orphans import end_orphans, find_orphans
from registre_cli.deploy.plan import StepName
from registre_cli.deploy.site import Site, open_site
from registre_cli.deploy.target_settings import changed_names, target_settings
from registre_cli.deploy.transport.local import LocalTransport

SETTINGS = b"OCR_DEV=true\nDEV_DATABASE_URL=postgresql://u:pl4nted@h/x\nREDIS_URL=redis://h\n"


@pytest.fixture
def here(tmp_path: Path) -> Site:
    return open_site(LocalTransport(), PurePosixPath(tmp_path))


def test_of_many_who_want_the_lock_at_once_one_gets_it(here: Site) -> None:
    got, refused = [], []

    def want(number: int) -> None:
        lock = Lock(here, f"deploy {number}")
        try:
            lock.take()
            got.append(lock)
        except LockHeldError as error:
            refused.append(error)

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)
    assert all("expires" in error.message for error in refused)
    got[0].release()
    assert read_lock(here) is None


def test_the_lock_of_a_process_that_is_gone_is_taken_over_and_told(here: Site) -> None:
    Lock(here, "the first").take()
    record = json.loads((Path(here.lock)).read_text())
    process = psutil.Process()
    Path(here.lock).write_text(json.dumps({**record, "process_started": process.create_time() - 9}))
    lock = Lock(here, "the second")
    lock.take()
    assert lock.taken_over is not None
    assert "the first" in lock.taken_over.describe()


def test_the_lock_of_another_machine_is_broken_only_when_it_expired(here: Site) -> None:
    Lock(here, "the first").take()
    record = json.loads(Path(here.lock).read_text())
    Path(here.lock).write_text(json.dumps({**record, "machine": "elsewhere", "pid": 1}))
    with pytest.raises(LockHeldError, match="the first"):
        Lock(here, "the second").take()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    Path(here.lock).write_text(json.dumps({**record, "machine": "elsewhere", "expires_at": past}))
    Lock(here, "the second").take()


@pytest.mark.parametrize("next_one", [lambda site: Lock(site, "the second").take(), remove_lock])
def test_what_a_deploy_killed_at_its_lock_left_goes_with_the_lock(
    here: Site, next_one: Callable[[Site], object]
) -> None:
    Lock(here, "the first").take()
    record = json.loads(Path(here.lock).read_text())
    Path(here.lock).write_text(json.dumps({**record, "process_started": 0}))
    # Killed after the link was made, and before the file was removed that it was made of.
    left = Path(here.folder) / f".lock-new-{record['token']}"
    left.hardlink_to(here.lock)
    next_one(here)
    assert {path.name for path in Path(here.folder).iterdir()} <= {"lock", "releases"}


def test_who_lost_the_lock_is_told_and_does_not_remove_anothers(here: Site) -> None:
    first, second = Lock(here, "the first"), Lock(here, "the second")
    first.take()
    remove_lock(here)
    second.take()
    with pytest.raises(LockLostError, match="the second"):
        first.renew()
    first.release()
    held = read_lock(here)
    assert held is not None and held.reason == "the second"


def test_a_lock_that_says_nothing_is_broken(here: Site) -> None:
    Lock(here, "the first").take()
    Path(here.lock).write_text("")
    Lock(here, "the second").take()


def test_a_journal_is_read_as_it_was_written(here: Site) -> None:
    Path(here.folder).mkdir(parents=True)
    journal = Journal(
        kind=Kind.DEPLOY,
        release="b",
        previous="a",
        manager="pm2",
        operator="me@here",
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    write_journal(here, journal.after(StepName.INSTALL))
    found = read_journal(here)
    assert found is not None
    assert found.begun == (StepName.INSTALL,)
    assert "at step install" in found.describe()
    Path(here.journal).write_text('{"kind": "dep')
    with pytest.raises(ProblemFoundError, match="cannot be understood"):
        read_journal(here)


def test_a_torn_line_of_the_history_hides_no_other(here: Site) -> None:
    Path(here.folder).mkdir(parents=True)
    for release in ("a", "b"):
        append_record(
            here,
            Record(
                at=datetime(2026, 1, 2, tzinfo=UTC),
                kind=Kind.DEPLOY,
                release=release,
                previous=None,
                manager="pm2",
                operator="me@here",
                ending=Ending.HEALTHY,
                seconds=1,
            ),
        )
        with Path(here.history).open("a") as file:
            file.write('{"at": "20\n')
    records = read_history(here)
    assert [record.release for record in records] == ["a", "b"]
    assert last_healthy(records, besides="b") == "a"


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    local = LocalTransport()
    path = PurePosixPath(tmp_path / "registre.env")
    local.put(b"a secret", path, mode=0o600)
    assert local.get(path) == b"a secret"
    assert Path(path).stat().st_mode & 0o777 == 0o600
    with pytest.raises(ProblemFoundError, match="cannot be written"):
        local.put(b"x", PurePosixPath(tmp_path / "no" / "folder"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["registre.env"]


def test_the_link_is_switched_and_taken_away(here: Site) -> None:
    Path(here.releases).mkdir(parents=True)
    for release in ("a", "b"):
        Path(here.releases, release).mkdir()
        here.switch(release)
        assert here.current_release() == release
        assert Path(here.current).is_dir()
    here.switch(None)
    assert here.current_release() is None


def test_programs_get_a_clean_environment(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROD_DATABASE_URL", "postgresql://u:pl4nted@h/x")
    assert "pl4nted" not in here.ask(["env"]).text
    assert "HOME=" in here.ask(["env"]).text


def test_a_settings_file_alone_says_what_the_target_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCR_WORKER_POOL_SIZE", "7")
    assert target_settings(SETTINGS + b"OCR_ENGINE=tesseract,gemini\n").ocr_worker_pool_size == 2
    with pytest.raises(ConfigurationError, match="OCR_DPI") as wrong:
        target_settings(SETTINGS + b"OCR_DPI=pl4nted\n")
    assert "pl4nted" not in wrong.value.message
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        target_settings(b"OCR_DEV=true\nDEV_DATABASE_URL=postgresql://h/x\n")
    with pytest.raises(ConfigurationError, match="no environment"):
        target_settings(SETTINGS.replace(b"OCR_DEV=true", b""))
    assert changed_names(SETTINGS, SETTINGS + b"OCR_DPI=250\n") == ("OCR_DPI",)


def test_a_process_that_nobody_watches_is_found_with_its_children_and_ended(here: Site) -> None:
    import subprocess

    mark = f"REGISTRE_TEST_MARK={os.getpid()}"
    parent = subprocess.Popen(
        ["env", mark, "name=somebody", "sh", "-c", "sleep 100 & wait"], start_new_session=True
    )
    try:
        while len(psutil.Process(parent.pid).children()) == 0:
            assert parent.poll() is None
        (orphan,) = find_orphans(here, mark)
        assert (orphan.pid, orphan.name) == (parent.pid, "somebody")
        assert find_orphans(here, mark, "NO_SUCH=..*") == ()
        end_orphans(here, [orphan], 5)
        assert parent.wait(5) != 0
    finally:
        for process in psutil.process_iter(["environ"]):
            if f"{os.getpid()}" == (process.info["environ"] or {}).get("REGISTRE_TEST_MARK"):
                process.kill()


def test_the_machine_of_a_lock_is_this_one(here: Site) -> None:
    Lock(here, "x").take()
    held = read_lock(here)
    assert held is not None
    assert (held.machine, held.pid) == (socket.gethostname(), os.getpid())
