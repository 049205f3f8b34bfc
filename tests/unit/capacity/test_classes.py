"""What a worker takes, estimated and then measured."""

import pytest

from registre_cli.capacity import Host, plan
from registre_cli.capacity.classes import ESTIMATES, DocumentUsage, measured_classes
from registre_cli.capacity.drain import Waiting, drain_times
from registre_cli.core.documents import Source
from registre_cli.core.settings import load_settings

MB = 1_000_000


def read(number: int, source: Source = Source.ACTE) -> list[DocumentUsage]:
    return [DocumentUsage(source, 2.0, 1.8, 100 * MB + n * MB) for n in range(number)]


def test_an_estimate_stands_until_twenty_documents_of_its_class_were_read() -> None:
    assert measured_classes([]) == ESTIMATES
    assert measured_classes(read(19) + read(19, Source.INDEX)) == ESTIMATES
    classes = measured_classes(read(20) + read(19, Source.INDEX))
    assert classes.index is ESTIMATES.index and classes.registre is ESTIMATES.registre
    assert (classes.acte.cpu_each, classes.acte.documents) == (0.9, 20)
    # The largest but one of twenty: one freak does not decide for all.
    assert classes.acte.ram_each_bytes == 118 * MB


def test_a_plan_counts_with_what_was_measured() -> None:
    host = Host("h", 10.0, 64_000 * MB, 0, 0)
    settings = load_settings()
    classes = measured_classes(read(20) + read(20, Source.INDEX))
    measured = plan(settings, index_workers=2, acte_workers=2, host=host, classes=classes)
    assert measured.cpu.allocated == pytest.approx(3.6)
    assert measured.recommended_pool_size == 8


def drains(most: int, **waiting: tuple[int, float]):  # type: ignore[no-untyped-def]
    found = plan(load_settings(), index_workers=0, acte_workers=0, cpu=7.5, ram_bytes=64_000 * MB)
    given = {source: Waiting(*waiting.get(source.value, (0, 0.0))) for source in Source}
    return {line.workers: (line.seconds, line.fits) for line in drain_times(given, found, most)}


def test_more_workers_drain_a_queue_faster_until_the_processors_are_used_up() -> None:
    # 600 s of acte, one vCPU each: six workers are all that 6 usable vCPU can feed.
    lines = drains(12, acte=(60, 10.0))
    assert [lines[workers][0] for workers in (1, 2, 6, 8, 12)] == [600, 300, 100, 100, 100]
    assert list(lines) == [1, 2, 3, 4, 5, 6, 7, 8, 12]
    assert [workers for workers, (_, fits) in lines.items() if fits] == [1, 2, 3, 4]


def test_no_number_of_workers_is_quicker_than_one_document() -> None:
    assert drains(4, index=(2, 30.0))[4] == (30.0, True)
    assert drains(4) == {}
