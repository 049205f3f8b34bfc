"""Sharing workers between the sources."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registre_cli.capacity.minimums import fit_minimums
from registre_cli.core.documents import Source
from registre_cli.core.errors import WrongUsageError
from registre_cli.pool.allocation import allocate
from registre_cli.queue.models import WaitingWork

INDEX, ACTE = Source.INDEX, Source.ACTE


def work(index: int, acte: int, index_seconds: float = 5, acte_seconds: float = 5):  # type: ignore[no-untyped-def]
    return {INDEX: WaitingWork(index, index_seconds), ACTE: WaitingWork(acte, acte_seconds)}


@pytest.mark.parametrize(
    ("size", "index", "acte", "fitted"),
    [
        (2, None, None, (1, 1)),
        (1, None, None, (0, 0)),
        (1, 1, None, (1, 0)),
        (4, 3, None, (3, 1)),
        (4, 4, None, (4, 0)),
        (4, 0, 2, (0, 2)),
    ],
)
def test_default_minimums_shrink_to_fit(
    size: int, index: int | None, acte: int | None, fitted: tuple[int, int]
) -> None:
    assert tuple(fit_minimums(size, index, acte).values()) == fitted


def test_given_minimums_that_do_not_fit_are_wrong_usage() -> None:
    with pytest.raises(WrongUsageError, match="do not fit into a pool of 2"):
        fit_minimums(2, 2, 1)


@pytest.mark.parametrize(
    ("size", "waiting", "expected"),
    [
        (2, work(12, 7), (1, 1)),
        (4, work(30, 10), (3, 1)),
        (4, work(10, 10, index_seconds=15), (3, 1)),
        (4, work(0, 10), (1, 3)),
        (4, work(10, 0), (3, 1)),
        (4, work(0, 0), (2, 2)),
        # One document keeps one worker busy, however long it is.
        (8, work(1000, 1, acte_seconds=60_000), (7, 1)),
    ],
)
def test_shares_follow_the_waiting_seconds_and_keep_the_minimums(
    size: int, waiting: dict[Source, WaitingWork], expected: tuple[int, int]
) -> None:
    assert tuple(allocate(size, fit_minimums(size, None, None), waiting).values()) == expected


def test_a_source_that_waits_gets_a_worker_however_little_it_is() -> None:
    assert allocate(4, {INDEX: 0, ACTE: 0}, work(10_000, 1)) == {INDEX: 3, ACTE: 1}


def test_one_worker_serves_the_larger_work() -> None:
    assert allocate(1, {INDEX: 0, ACTE: 0}, work(1, 10)) == {INDEX: 0, ACTE: 1}


@given(
    st.integers(1, 64), st.integers(0, 64), st.integers(0, 64),
    st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 10**4), st.floats(0, 10**4),
)  # fmt: skip
def test_every_worker_has_a_mode_and_no_minimum_is_broken(
    size: int, min_index: int, min_acte: int, index: int, acte: int, i_sec: float, a_sec: float
) -> None:
    if min_index + min_acte > size:
        return
    shared = allocate(size, {INDEX: min_index, ACTE: min_acte}, work(index, acte, i_sec, a_sec))
    assert sum(shared.values()) == size
    assert shared[INDEX] >= min_index and shared[ACTE] >= min_acte
