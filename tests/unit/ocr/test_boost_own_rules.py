"""A user's own folder of rules: what it may do, and what is said where it is wrong."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost import boost, load_rules

OWN = """
[[rule]]
name = "own"
why = "Our clerks write it so."
match = "abc"
write = "xyz"
changes = [["abc", "xyz"], ["1abc", "1xyz"]]
leaves = ["ab", "bc"]
"""


def written(folder: Path, text: str, name: str = "own.toml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


def test_a_folder_of_the_user_adds_and_turns_off_rules(tmp_path: Path) -> None:
    rules = load_rules(written(tmp_path, f'off = ["hypotheque"]\n{OWN}'))
    assert boost("abc Hypotheque", Source.ACTE, rules).text == "xyz Hypotheque"


def test_a_rule_of_the_user_takes_the_place_of_ours_with_its_name(tmp_path: Path) -> None:
    rules = load_rules(written(tmp_path, OWN.replace('"own"', '"hypotheque"')))
    assert boost("abc Hypotheque", Source.ACTE, rules).text == "xyz Hypotheque"
    assert len(rules.rules) == len(load_rules().rules)


def test_a_rule_changes_the_match_and_never_its_context(tmp_path: Path) -> None:
    context = "context = { line = ['rang'], before = '\\brang ', after = ' est' }\n"
    rules = load_rules(written(tmp_path, OWN + context + "kinds = ['acte']\n"))
    text = "abc\nabc est\nle rang abc est\nle rang abc ouest"
    boosted = boost(text, Source.ACTE, rules)
    assert boosted.text == text.replace("rang abc est", "rang xyz est")
    assert [(one.rule, one.line, one.before) for one in boosted.corrections] == [("own", 3, "abc")]
    assert boost(text, Source.INDEX, rules).text == text, "it is for deeds only"


def test_patterns_of_a_file_share_parts_which_may_have_parts(tmp_path: Path) -> None:
    parts = '[parts]\nletter = "[ab]"\npair = "{letter}{2}"\n'
    rules = load_rules(written(tmp_path, parts + OWN.replace('"abc"\n', '"{pair}c"\n', 1)))
    assert boost("bac", Source.ACTE, rules).text == "xyz"


def test_a_rule_of_the_user_that_never_ends_is_left_out_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    endless = OWN.replace('"abc"\n', '"^(?:a|aa|a[a])+[bc]$"\n', 1)
    rules = load_rules(written(tmp_path, endless))
    boosted = boost(f"{'a' * 60}d\n50000$\n{'a' * 60}d", Source.ACTE, rules)
    assert boosted.text.split("\n")[1] == "50 000 $"
    assert [(flag.rule, flag.line) for flag in boosted.flags] == [("own", 1)]
    assert "left out" in boosted.flags[0].message


def test_a_rule_of_the_user_that_cannot_write_its_match_is_skipped_there_and_said_once(
    tmp_path: Path,
) -> None:
    rules = load_rules(written(tmp_path, OWN.replace('"xyz"', '"{0:grouped}"', 1)))
    with capture_logs() as logs:
        boosted = boost("abc\n50000$\nabc", Source.ACTE, rules)
    assert boosted.text == "abc\n50 000 $\nabc"
    assert [(flag.rule, flag.line, flag.text) for flag in boosted.flags] == [
        ("own", 1, "abc"),
        ("own", 3, "abc"),
    ]
    assert [(log["event"], log["rule"], log["line"]) for log in logs] == [
        ("Correction left out", "own", 1)
    ]


def test_a_field_of_the_user_that_has_no_value_for_its_match_is_none(tmp_path: Path) -> None:
    field = 'field = { kind = "lot", value = "{0:grouped}" }\n'
    boosted = boost("abc", Source.ACTE, load_rules(written(tmp_path, OWN + field)))
    assert (boosted.text, boosted.fields) == ("abc", ())
    assert boosted.flags[0].message.startswith("cannot be written: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]", "own.toml: "),
        ('of = ["hypotheque"]', "own.toml: of: there is no such key"),
        ('off = ["hypotek"]', "off names 'hypotek', and there is no such rule"),
        (OWN.replace('match = "abc"\n', ""), "own.toml: rule 'own': match: is missing"),
        (OWN.replace('why = "Our clerks write it so."\n', ""), "rule 'own': why: is missing"),
        (OWN.replace('name = "own"\n', ""), "rule 1 (without a name): name: is missing"),
        (OWN.replace('"own"', '"Own rule"'), "rule 'Own rule': name: "),
        (OWN.replace('"abc"', '"("', 1), "rule 'own': missing )"),
        (OWN.replace('"abc"', '"{day}"', 1), "rule 'own': there is no part {day} above"),
        (OWN.replace('"abc"', '"a*"', 1), "rule 'own': match accepts the empty text"),
        (OWN.replace('"xyz"', '"{2}"', 1), "rule 'own': write names group 2, match has 0"),
        (OWN.replace('"xyz"', '"{0:loud}"', 1), "unknown transform 'loud'; there are "),
        (OWN + 'kinds = ["plan"]', "rule 'own': kinds.0: input should be 'index' or 'acte'"),
        (OWN + 'sources = ["acte"]', "rule 'own': sources: there is no such key"),
        (OWN + 'field = { kind = "lots", value = "{0}" }', "rule 'own': field.kind: "),
        (OWN + 'field = { kind = "lot", group = 3, value = "{0}" }', "field names group 3"),
        (OWN + 'context = { before = "(a)" }', "context.before has a group: write (?:…)"),
        (OWN + 'changes = "abc"', "own.toml: "),
        (OWN + OWN, "own.toml has a rule of this name"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_file_its_name_and_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.toml") as refused:
        load_rules(written(tmp_path, text))
    assert said in refused.value.message
    assert refused.value.fix


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_rules(tmp_path / "away")
