"""The rules' own examples, and what holds for every text."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost import Rule, RuleSet, boost, load_rules

RULES = load_rules()
PAGES = "--- Page 1 ---\nLot 2 26O 260\n\n--- Page 2 ---\nPrix : 50000$\nsignature"


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_a_rule_does_what_its_examples_say(rule: Rule) -> None:
    changed = [example for example in rule.examples if example.before != example.after]
    left = [example for example in rule.examples if example.before == example.after]
    assert len(changed) >= 2 and len(left) >= 2, "a rule has two examples of each kind"
    for example in rule.examples:
        source = next(iter(rule.sources))
        assert boost(example.before, source, RuleSet((rule,))).text == example.after


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_all_rules_together_keep_what_one_rule_wrote(rule: Rule) -> None:
    for example in rule.examples:
        for source in rule.sources:
            assert boost(example.after, source, RULES).text.strip()


def test_each_correction_is_recorded_with_its_rule_page_and_line() -> None:
    boosted = boost(PAGES, Source.ACTE, RULES)
    assert boosted.text == PAGES.replace("26O", "260").replace("50000$", "50 000 $")
    assert [(c.rule, c.page, c.line, c.before, c.after) for c in boosted.corrections] == [
        ("lot-digits", 1, 1, "Lot 2 26O 260", "Lot 2 260 260"),
        ("amount-spacing", 2, 1, "50000$", "50 000 $"),
    ]


@given(st.text(st.characters(codec="utf-8")), st.sampled_from(Source))
def test_boosting_twice_changes_nothing_more(text: str, source: Source) -> None:
    once = boost(text, source, RULES)
    twice = boost(once.text, source, RULES)
    assert twice.text == once.text
    assert twice.corrections == ()


@given(st.text(alphabet="lotLOTNn°o 0123456789OIlSBZ-$,.|\n"), st.sampled_from(Source))
def test_boosting_numbers_twice_changes_nothing_more(text: str, source: Source) -> None:
    once = boost(text, source, RULES)
    assert boost(once.text, source, RULES).text == once.text


@given(st.text(), st.sampled_from(Source))
def test_lines_and_page_markers_keep_their_places(text: str, source: Source) -> None:
    whole = f"--- Page 1 ---\n{text}\n--- Page 2 ---"
    lines = boost(whole, source, RULES).text.split("\n")
    assert len(lines) == len(whole.split("\n"))
    assert (lines[0], lines[-1]) == ("--- Page 1 ---", "--- Page 2 ---")


@given(st.text(), st.sampled_from(Source))
def test_a_text_without_corrections_is_left_to_the_letter(text: str, source: Source) -> None:
    boosted = boost(text, source, RULES)
    assert bool(boosted.corrections) == (boosted.text != text)


@pytest.mark.parametrize("piece", ["lot 1 ", "1 1", "O", "l", "$", "N° 1", " , ", "12345678$ "])
def test_a_megabyte_of_hostile_text_takes_less_than_a_second(piece: str) -> None:
    line = (piece * 5_000)[:4_900]
    text = "\n".join([line] * 200)
    started = time.perf_counter()
    boost(text, Source.ACTE, RULES)
    assert time.perf_counter() - started < 2.0


def test_a_folder_of_the_user_adds_and_turns_off_rules(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'off = ["hypotheque"]\n[[rule]]\nname = "own"\nwhy = "ours"\nmatch = "abc"\n'
        'write = "xyz"\nchanges = [["abc", "xyz"], ["1abc", "1xyz"]]\nleaves = ["ab", "bc"]\n'
    )
    rules = load_rules(tmp_path)
    assert boost("abc Hypotheque", Source.ACTE, rules).text == "xyz Hypotheque"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]", "own.toml"),
        ('[[rule]]\nname = "x"\nwhy = ""\nwrite = ""\nchanges = []\nleaves = []', "'match'"),
        (
            '[[rule]]\nname = "x"\nwhy = ""\nmatch = "("\nwrite = ""\nchanges = []\nleaves = []',
            "rule 'x'",
        ),
        (
            '[[rule]]\nname = "x"\nwhy = ""\nmatch = "a"\nwrite = "{2}"\nchanges = []\nleaves = []',
            "group 2",
        ),
    ],
)
def test_a_wrong_rule_is_refused_with_its_file_and_name(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"own\.toml") as refused:
        load_rules(tmp_path)
    assert said in refused.value.message
