"""Which pages are wanted, and how many of them are behind."""

import pytest

from registre_cli.ocr.page_range import EVERY_PAGE, page_range


@pytest.mark.parametrize(
    ("written", "number", "share"),
    [("1-2", 2, 0.5), ("1-3,7", 7, 0.75), ("5-", 5, 0.0), ("8-", 9, 1 / 3), ("40", 9, 0.0)],
)
def test_the_share_that_is_behind_counts_wanted_pages_only(
    written: str, number: int, share: float
) -> None:
    assert page_range(written).share_before(number, 10) == share
    assert EVERY_PAGE.share_before(6, 10) == 0.5
