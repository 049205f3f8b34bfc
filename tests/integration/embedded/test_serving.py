"""The embedded servers: started on first use, shared, and gone with their last user."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from pydantic import SecretStr

from registre_cli.core.settings import Settings, load_settings
from registre_cli.embedded import serving
from registre_cli.embedded.layout import layout_of

GONE_SECONDS = 20.0

USE_AND_WAIT = """
import sys, time
from registre_cli.core.settings import load_settings
from registre_cli.embedded import serving
with serving(load_settings()) as settings:
    print("ready", flush=True)
    time.sleep(600)
"""


def wait_until(condition: Callable[[], bool], seconds: float = GONE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def servers_of(settings: Settings) -> list[psutil.Process]:
    state = str(layout_of(settings.registre_home).state)
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(state in part for part in process.info["cmdline"] or ())
        or str(settings.registre_home) in (process.info["cmdline"] or ())
    ]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGISTRE_HOME", str(tmp_path / "home"))
    settings = load_settings()
    yield settings
    assert wait_until(lambda: not servers_of(settings)), "servers were left running"


def value_in(settings: Settings) -> str | None:
    dsn, url = settings.local.database_url, settings.redis_url  # type: ignore[union-attr]
    assert dsn is not None and url is not None
    assert redis.Redis.from_url(url.get_secret_value()).ping()
    with psycopg.connect(dsn.get_secret_value()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        row = connection.execute("SELECT word FROM kept").fetchone()
        connection.execute("INSERT INTO kept VALUES ('kept')")
    return row[0] if row else None


def test_data_is_kept_between_runs_and_the_servers_end_with_their_last_user(
    settings: Settings,
) -> None:
    with serving(settings) as served:
        assert value_in(served) is None
        with serving(settings) as again:
            assert value_in(again) == "kept"
    assert wait_until(lambda: not servers_of(settings))
    with serving(settings) as served:
        assert value_in(served) == "kept"


def test_many_processes_that_start_at_once_share_one_pair_of_servers(settings: Settings) -> None:
    users = [
        subprocess.Popen([sys.executable, "-c", USE_AND_WAIT], stdout=subprocess.PIPE)
        for _ in range(5)
    ]
    try:
        for user in users:
            assert user.stdout is not None
            assert user.stdout.readline() == b"ready\n"
        postmasters = [
            process
            for process in servers_of(settings)
            if "postgres" in process.name() and "-D" in process.cmdline()
        ]
        assert len(postmasters) == 1
    finally:
        for user in users:
            user.send_signal(signal.SIGKILL)
            user.wait()
    assert wait_until(lambda: not servers_of(settings)), "a killed user kept the servers"


def test_killed_sentinel_takes_the_servers_along_and_the_next_use_starts_them_anew(
    settings: Settings,
) -> None:
    with serving(settings) as served:
        assert value_in(served) is None
        (sentinel,) = [
            process
            for process in servers_of(settings)
            if "registre_cli.embedded.sentinel" in process.cmdline()
        ]
        os.kill(sentinel.pid, signal.SIGKILL)
        assert wait_until(lambda: not servers_of(settings))
    with serving(settings) as served:
        assert value_in(served) == "kept"


def test_a_configured_database_is_used_as_it_is(settings: Settings) -> None:
    configured = settings.model_copy(update={"dev_database_url": SecretStr("postgresql://db/x")})
    with serving(configured) as served:
        assert served is configured


def test_the_redis_of_the_user_is_kept(settings: Settings) -> None:
    own = settings.model_copy(update={"redis_url": SecretStr("redis://elsewhere/0")})
    with serving(own) as served:
        assert served.redis_url == own.redis_url


def test_a_home_with_a_path_too_long_for_a_socket_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / ("long-" * 20) / ("name-" * 20)
    settings = load_settings(registre_home=home)
    with serving(settings) as served:
        assert value_in(served) is None
    assert wait_until(lambda: not servers_of(settings))
