"""What the supervisor tells a worker of the queue's news."""

import multiprocessing
from multiprocessing.connection import Connection as Pipe

import pytest
from pydantic import SecretStr

from registre_cli.core.documents import Source
from registre_cli.core.settings import load_settings
from registre_cli.ocr.engine import PageGate
from registre_cli.pool.messages import Wake
from registre_cli.pool.models import WorkerState
from registre_cli.pool.process import WorkerProcess
from registre_cli.pool.reader import DocumentReader
from registre_cli.pool.worker import WorkerSetup


def no_reader(settings: object, gate: PageGate) -> DocumentReader:
    raise AssertionError("nobody reads here")


@pytest.fixture
def worker_and_its_end() -> tuple[WorkerProcess, Pipe]:
    ours, theirs = multiprocessing.Pipe()
    setup = WorkerSetup(
        settings=load_settings(dev_database_url=SecretStr("postgresql://nobody@localhost/none")),
        environments=(),
        worker_id="w1",
        mode=Source.INDEX,
        borrow=False,
        paused=False,
        pool_size=1,
        retry_delay_base_seconds=1,
        open_reader=no_reader,
    )
    process = multiprocessing.get_context("spawn").Process()
    return WorkerProcess(0, setup, process, ours, Source.INDEX), theirs


def told(end: Pipe) -> list[object]:
    said = []
    while end.poll():
        said.append(end.recv())
    return said


def test_an_idle_worker_is_woken_by_news(worker_and_its_end: tuple[WorkerProcess, Pipe]) -> None:
    worker, end = worker_and_its_end
    worker.find_nothing()
    assert told(end) == []
    worker.hear_of_news()
    assert told(end) == [Wake()]


def test_a_worker_that_looked_just_before_the_news_looks_once_more(
    worker_and_its_end: tuple[WorkerProcess, Pipe],
) -> None:
    worker, end = worker_and_its_end
    worker.enter(WorkerState.WORKING)
    worker.hear_of_news()
    assert told(end) == []
    # It had found nothing already; only its report was still on its way.
    worker.find_nothing()
    assert told(end) == [Wake()]
    worker.find_nothing()
    assert told(end) == []
