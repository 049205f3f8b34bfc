"""The order of engines for one page: who reads it, what it cost, and what ends it."""

import pytest

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.engine import EngineError, PageRefusedError, PageTimeoutError
from registre_cli.ocr.models import PageImage, PageReading, Spent
from registre_cli.ocr.order import EngineOrder

PAGE = PageImage(b"\xff", 1, 1, 300)


class Reads:
    """An engine that reads, or that raises what it was given."""

    version = "1"

    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self._error = error
        self.asked = 0

    def read(self, image: PageImage, source: Source) -> PageReading:
        self.asked += 1
        if self._error is not None:
            raise self._error
        return PageReading(f"by {self.name}", (), None, Spent(10, 0.5))

    def close(self) -> None: ...


def read_with(*engines: Reads) -> tuple[str, str, Spent]:
    answer = EngineOrder(engines).read(PAGE, Source.ACTE)
    return answer.engine, answer.reading.text, answer.spent


def test_the_first_engine_reads_and_the_others_are_not_asked() -> None:
    second = Reads("b")
    assert read_with(Reads("a"), second) == ("a", "by a", Spent(10, 0.5))
    assert second.asked == 0


@pytest.mark.parametrize(
    "error",
    [
        EngineError("away", spent=Spent(3, 0.25)),
        PageTimeoutError("too slow", spent=Spent(3, 0.25)),
        PageRefusedError("refused", spent=Spent(3, 0.25)),
    ],
)
def test_a_page_falls_back_to_the_next_engine_and_what_was_lost_is_counted(
    error: Exception,
) -> None:
    assert read_with(Reads("a", error), Reads("b")) == ("b", "by b", Spent(13, 0.75))


def test_a_page_that_every_engine_refuses_can_never_be_read() -> None:
    with pytest.raises(PageRefusedError, match="no; never") as failed:
        read_with(Reads("a", PageRefusedError("no")), Reads("b", PageRefusedError("never")))
    assert failed.value.permanent


def test_a_page_is_tried_again_where_one_engine_may_still_read_it() -> None:
    with pytest.raises(EngineError, match="away; never") as failed:
        read_with(Reads("a", EngineError("away")), Reads("b", PageRefusedError("never")))
    assert not failed.value.permanent


def test_a_wrong_key_is_not_hidden_by_the_next_engine() -> None:
    second = Reads("b")
    with pytest.raises(ConfigurationError):
        read_with(Reads("a", ConfigurationError("the key is refused")), second)
    assert second.asked == 0
