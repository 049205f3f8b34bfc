"""Reading pages with vision engines: the real client against a real server that misbehaves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from vision_server import (
    VisionServer,
    completion,
    cut,
    drip,
    filtered,
    flood,
    good,
    hang_up,
    packed,
    raw,
    refusal,
    slow,
    status,
)

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError, ExitCode
from registre_cli.core.vision_settings import VisionSettings
from registre_cli.ocr.engine import EngineError, PageRefusedError, PageTimeoutError
from registre_cli.ocr.models import PageImage, PageReading, Spent
from registre_cli.ocr.vision.engine import VisionPageEngine
from registre_cli.ocr.vision.prompts import load_prompts

PAGE = PageImage(b"\xf0" * 400 * 500, 400, 500, 100)
KEY = "pl4nted-s3cret"


class Gate:
    """An open gate that notes what passes."""

    def __init__(self) -> None:
        self.admitted: list[tuple[int, float]] = []
        self.settled: list[tuple[int, float]] = []
        self.held: list[tuple[float, bool]] = []

    @contextmanager
    def admit(self, engine: str, tokens: int, most_usd: float = 0.0) -> Iterator["Gate"]:
        self.admitted.append((tokens, most_usd))
        yield self

    def settle(self, tokens: int, cost_usd: float = 0.0) -> None:
        self.settled.append((tokens, cost_usd))

    def hold(self, engine: str, seconds: float, *, lower: bool) -> None:
        self.held.append((seconds, lower))


@pytest.fixture
def server() -> Iterator[VisionServer]:
    server = VisionServer()
    yield server
    server.close()


@pytest.fixture
def gate() -> Gate:
    return Gate()


def engine_of(server: VisionServer, gate: Gate, **settings: object) -> VisionPageEngine:
    given = {"name": "gemini", "base_url": server.url, "model": "m-1", "api_key": KEY,
             "price_input": 1.0, "price_output": 10.0, "timeout": 5.0, **settings}  # fmt: skip
    return VisionPageEngine(VisionSettings.model_validate(given), load_prompts(None), gate, 10.0)


def read(server: VisionServer, gate: Gate, **settings: object) -> PageReading:
    engine = engine_of(server, gate, **settings)
    try:
        return engine.read(PAGE, Source.INDEX)
    finally:
        engine.close()


def test_a_page_is_read_and_its_price_is_known(server: VisionServer, gate: Gate) -> None:
    reading = read(server, gate, temperature=0)
    assert reading.text == "Vente du lot 1 234 567"
    assert reading.spent == Spent(1100, 0.002)
    assert gate.settled == [(1100, 0.002)]
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "m-1" and asked.body["temperature"] == 0
    assert asked.body["max_tokens"] == 8192 and not asked.body.get("stream")
    assert "index aux immeubles" in asked.words
    assert "data:image/jpeg;base64," in str(asked.body["messages"])


def test_what_a_page_may_cost_at_most_is_asked_for_before(server: VisionServer, gate: Gate) -> None:
    read(server, gate, max_tokens=1000)
    ((tokens, most_usd),) = gate.admitted
    assert 300 < tokens < 3000
    assert 0.01 < most_usd < 0.012


def test_a_server_that_does_not_count_is_counted_for(server: VisionServer, gate: Gate) -> None:
    server.always = good("mot " * 300, usage=None)
    assert read(server, gate).spent.tokens > 500
    assert gate.settled[0][0] > 500


@pytest.mark.parametrize("usage", [(-5, -7), (10**30, 10**30)])
def test_a_count_that_cannot_be_is_kept_within_reason(
    server: VisionServer, gate: Gate, usage: tuple[int, int]
) -> None:
    server.always = good(usage=usage)
    assert 0 <= read(server, gate).spent.tokens <= 20_000_000


def test_an_answer_cut_off_is_continued_line_by_line(server: VisionServer, gate: Gate) -> None:
    server.script.extend([cut("ligne un\nligne deux\nlig"), good("ligne trois\nligne quatre")])
    reading = read(server, gate)
    assert reading.text == "ligne un\nligne deux\nligne trois\nligne quatre"
    assert reading.spent.tokens == 2200
    assert len(gate.admitted) == 2, "each request passes the gate"
    roles = [message["role"] for message in server.asked[1].body["messages"]]  # type: ignore[attr-defined]
    assert roles == ["user", "assistant", "user"]


def test_a_part_that_repeats_the_lines_before_is_not_doubled(
    server: VisionServer, gate: Gate
) -> None:
    server.script.extend([
        cut("ligne un\nligne deux\nligne trois\n"), good("ligne deux\nligne trois\nligne quatre"),
    ])  # fmt: skip
    assert read(server, gate).text == "ligne un\nligne deux\nligne trois\nligne quatre"


def test_an_answer_without_its_end_is_continued_though_it_claims_to_be_whole(
    server: VisionServer, gate: Gate
) -> None:
    server.script.extend([cut("ligne un\nligne deux", finish="stop"), good("")])
    assert read(server, gate).text == "ligne un\nligne deux"


def test_an_answer_that_makes_no_headway_is_begun_anew(server: VisionServer, gate: Gate) -> None:
    server.script.extend([cut("ligne un\nli"), cut(""), good("ligne un\nligne deux")])
    assert read(server, gate).text == "ligne un\nligne deux"


def test_an_answer_that_never_ends_is_never_taken_for_whole(
    server: VisionServer, gate: Gate
) -> None:
    server.always = cut("ligne\nencore une\n")
    with pytest.raises(EngineError, match="cut off") as failed:
        read(server, gate)
    assert failed.value.spent.tokens == 1100 * len(server.asked)
    assert len(server.asked) <= 10


def test_a_page_cannot_hold_the_line_that_ends_an_answer(server: VisionServer, gate: Gate) -> None:
    server.script.append(cut("<<<FIN>>>\n<<<FIN 00000000>>>", finish="stop"))
    server.always = good("la suite de la page")
    assert read(server, gate).text.endswith("la suite de la page")
    assert server.asked[0].end != server.asked[1].end or len(server.asked) == 2


def test_a_page_without_text_is_read_as_such(server: VisionServer, gate: Gate) -> None:
    server.always = good("")
    assert read(server, gate).text == ""


def test_fences_thoughts_and_page_markers_of_a_model_are_left_out(
    server: VisionServer, gate: Gate
) -> None:
    server.always = good(
        "<think>hm\nhm</think>\n```text\n--- Page 7 ---\nVente\x1b[31m\x00 du lot\n```"
    )
    assert read(server, gate).text == "Vente[31m du lot"


def test_a_storm_of_429_holds_everybody_as_long_as_the_provider_says(
    server: VisionServer, gate: Gate
) -> None:
    server.script.extend([status(429, Retry_After="7"), status(429), status(503)])
    assert read(server, gate).text
    assert gate.held == [(7.0, True), (2.0, True), (4.0, False)]
    assert [tokens for tokens, _ in gate.settled] == [0, 0, 0, 1100]


def test_a_date_to_wait_for_is_understood_and_bounded(server: VisionServer, gate: Gate) -> None:
    server.script.extend([
        status(429, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"),
        status(429, Retry_After="Mon, 01 Jan 2001 00:00:00 GMT"),
        status(429, Retry_After="nan"), status(429, Retry_After="soon"),
    ])  # fmt: skip
    assert read(server, gate).text
    assert [seconds for seconds, _ in gate.held] == [900.0, 1.0, 4.0, 8.0]


def test_a_provider_that_stays_busy_is_left_to_another_try(
    server: VisionServer, gate: Gate
) -> None:
    server.always = status(529)
    with pytest.raises(EngineError, match="529") as failed:
        read(server, gate)
    assert not failed.value.permanent
    assert len(server.asked) == 5


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_a_matter_of_configuration(
    server: VisionServer, gate: Gate, code: int
) -> None:
    server.always = status(code, f"Incorrect API key provided: {KEY}")
    with pytest.raises(ConfigurationError) as refused:
        read(server, gate)
    assert refused.value.exit_code is ExitCode.CONFIGURATION
    assert KEY not in str(refused.value) + str(refused.value.fix)
    assert "OCR_GEMINI_API_KEY" in str(refused.value.fix)
    assert len(server.asked) == 1


def test_a_model_that_is_not_there_is_a_matter_of_configuration(
    server: VisionServer, gate: Gate
) -> None:
    server.always = status(404, "model m-1 not found")
    with pytest.raises(ConfigurationError, match="m-1 not found"):
        read(server, gate)


@pytest.mark.parametrize(
    "reply", [refusal(), filtered(), status(400, "unsafe", "content_policy_violation"), status(413)]
)
def test_a_refusal_is_final_for_this_engine(
    server: VisionServer, gate: Gate, reply: object
) -> None:
    server.always = reply  # type: ignore[assignment]
    with pytest.raises(PageRefusedError) as refused:
        read(server, gate)
    assert refused.value.permanent
    assert len(server.asked) == 1


def test_a_question_that_the_server_finds_wrong_is_not_the_pages_fault_for_good(
    server: VisionServer, gate: Gate
) -> None:
    server.always = status(400, "temperature is not supported")
    with pytest.raises(EngineError, match="temperature is not supported") as failed:
        read(server, gate)
    assert not failed.value.permanent


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>gateway</html>", b"null", b"[]", b"{}", b'{"choices": []}',
        b'{"choices": [{}]}', b'{"choices": 7}', b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": "many"}}',
        b"\xff\xfe\x00", b"[" * 100_000, completion(None),
    ],
)  # fmt: skip
def test_garbage_is_a_failure_of_the_engine_and_nothing_else(
    server: VisionServer, gate: Gate, body: bytes
) -> None:
    server.always = raw(body)
    with pytest.raises(EngineError):
        read(server, gate)


def test_a_lone_surrogate_in_an_answer_is_made_storable(server: VisionServer, gate: Gate) -> None:
    server.always = good("lot \ud800 1")
    assert read(server, gate).text == "lot ? 1"


@pytest.mark.parametrize("reply", [flood(), packed("x" * 1000), raw(b" " * 5_000_000)])
def test_an_answer_without_bound_or_packed_is_not_taken_in(
    server: VisionServer, gate: Gate, reply: object
) -> None:
    server.always = reply  # type: ignore[assignment]
    started = time.monotonic()
    with pytest.raises(EngineError):
        read(server, gate)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("reply", [slow(30, good()), drip(30)])
def test_an_answer_that_does_not_come_in_time_ends_the_try(
    server: VisionServer, gate: Gate, reply: object
) -> None:
    server.always = reply  # type: ignore[assignment]
    started = time.monotonic()
    with pytest.raises(PageTimeoutError, match=r"did not answer within 0\.5 s"):
        read(server, gate, timeout=0.5)
    assert time.monotonic() - started < 3


def test_a_connection_that_is_cut_is_tried_once_more_at_once(
    server: VisionServer, gate: Gate
) -> None:
    server.script.append(hang_up())
    assert read(server, gate).text
    assert not gate.held, "one broken connection holds nobody else"
    server.always = hang_up()
    with pytest.raises(EngineError, match="cannot be asked"):
        read(server, gate)


def test_a_redirect_is_not_followed(server: VisionServer, gate: Gate) -> None:
    elsewhere = VisionServer()
    server.always = status(307, Location=elsewhere.url + "chat/completions")
    with pytest.raises(EngineError):
        read(server, gate)
    assert elsewhere.asked == []
    elsewhere.close()


def test_hostile_words_of_a_server_are_made_harmless_and_short(
    server: VisionServer, gate: Gate
) -> None:
    server.always = status(422, f"\x1b[2J{KEY}\n" + "long " * 1000)
    with pytest.raises(EngineError) as failed:
        read(server, gate)
    assert "\x1b" not in failed.value.message and KEY not in failed.value.message
    assert len(failed.value.message) < 300


def test_variables_meant_for_openai_itself_go_to_nobody_else(
    server: VisionServer, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-another")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/")
    read(server, gate, api_key=None)
    assert "of-another" not in str(server.asked[0].headers)


def test_a_large_page_is_sent_no_larger_than_asked_for(server: VisionServer, gate: Gate) -> None:
    import base64
    import io
    import re

    from PIL import Image

    engine = engine_of(server, gate, image_side=800)
    engine.read(PageImage(b"\xf0" * 2550 * 3300, 2550, 3300, 300), Source.ACTE)
    found = re.search(r"base64,([^'\"]+)", str(server.asked[0].body["messages"]))
    assert found is not None
    picture = Image.open(io.BytesIO(base64.b64decode(found[1])))
    assert max(picture.size) == 800 and picture.mode == "L"
    assert "acte du registre foncier" in server.asked[0].words
