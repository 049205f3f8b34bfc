"""The arithmetic behind every figure of docs/benchmarks.md."""

from collections.abc import Callable

import pytest

from bench.pairs import Spread, alternate, percentile, ratios, spread
from bench.section import SECTION, Section, Table, Verdict


def test_a_spread_is_the_median_between_the_least_and_the_greatest() -> None:
    assert spread([9.0, 1.0, 2.0]) == Spread(median=2.0, least=1.0, greatest=9.0)


def test_a_ratio_is_taken_pair_by_pair_so_that_what_slowed_both_cancels_out() -> None:
    assert ratios([10.0, 100.0, 1.0], [5.0, 50.0, 0.5]) == Spread(2.0, 2.0, 2.0)


def test_figures_that_have_no_partner_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1.0), (50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == expected


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 99) == 7.0


def test_contenders_take_turns_and_each_begins_a_round() -> None:
    order: list[str] = []

    def contender(name: str) -> Callable[[], float]:
        def measure() -> float:
            order.append(name)
            return float(len(order))

        return measure

    measured = alternate({name: contender(name) for name in "abc"})
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert measured == {"a": [1.0, 6.0, 8.0], "b": [2.0, 4.0, 9.0], "c": [3.0, 5.0, 7.0]}


def test_fewer_than_three_pairs_are_not_taken() -> None:
    assert len(alternate({"a": lambda: 1.0}, pairs=1)["a"]) == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (0.01234, "0.0123"), (1.0, "1"), (99.94, "99.9"), (12_345.6, "12,346")],
)
def test_a_figure_shows_three_digits_that_count(value: float, shown: str) -> None:
    assert str(spread([value])) == f"{shown} ({shown} to {shown})"


def test_a_target_that_was_missed_is_written_as_missed() -> None:
    section = Section(
        title="T",
        method="how",
        tables=(Table(("a", "b"), (("1", "2"),)),),
        verdicts=(Verdict("x", "≥ 1", "0.5", met=False), Verdict("y", "≥ 1", "2", met=True)),
        remarks=("why",),
    )
    page = section.markdown()
    assert "| x | ≥ 1 | 0.5 | **no** |" in page
    assert "| y | ≥ 1 | 2 | yes |" in page
    assert page.endswith("- why\n")


def test_a_section_comes_back_from_its_file_as_it_was() -> None:
    section = Section(
        "T", "how", (Table(("a",), (("1",),)),), (Verdict("x", "≥ 1", "2", met=True),)
    )
    assert SECTION.validate_json(SECTION.dump_json(section)) == section
