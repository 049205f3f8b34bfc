"""Rules of a user: what is wrong with them is said, all of it at once."""

from pathlib import Path

import pytest

from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost import load_rules
from registre_cli.ocr.boost.rules_check import check_rules

GOOD = """
[[rule]]
name = "{name}"
why = "As our office writes it."
match = '\\bMtre\\b'
write = "Me"
changes = [["Mtre Untel", "Me Untel"], ["à Mtre Roy", "à Me Roy"]]
leaves = ["Me Untel", "Maître Roy"]
"""


def problems(folder: Path, text: str) -> list[tuple[str | None, str]]:
    (folder / "own.toml").write_text(text)
    report = check_rules(folder)
    assert {problem.file for problem in report.problems} <= {"own.toml"}
    assert report.ok == (not report.problems)
    return [(problem.rule, problem.message) for problem in report.problems]


def test_the_rules_of_the_package_all_hold() -> None:
    report = check_rules(None)
    assert report.ok
    assert report.examples > 4 * 40
    assert not report.own


def test_a_folder_adds_replaces_and_turns_off(tmp_path: Path) -> None:
    text = 'off = ["amount-spacing"]\n' + GOOD.format(name="mtre") + GOOD.format(name="lot-old")
    assert problems(tmp_path, text) == []
    report = check_rules(tmp_path)
    assert [rule.name for rule in report.own] == ["lot-old", "mtre"]
    assert (report.replaced, report.off) == (("lot-old",), ("amount-spacing",))


@pytest.mark.parametrize(
    ("spoilt", "by", "said"),
    [
        ('write = "Me"', "", "write: is missing"),
        ('write = "Me"', 'write = "{1}"', "write names group 1, match has 0"),
        ('write = "Me"', 'write = "Maitre"',
         "'Mtre Untel' must become 'Me Untel', becomes 'Maitre Untel'"),
        ('write = "Me"', 'write = "{0:upside}"', "unknown transform 'upside'"),
        ('write = "Me"', 'write = "{0:grouped}"', "cannot be written"),
        ("match = '\\bMtre\\b'", "match = '('", "missing )"),
        ("match = '\\bMtre\\b'", "match = 'M?'", "match accepts the empty text"),
        ("why =", "because =", "because: there is no such key"),
        ('leaves = ["Me Untel", "Maître Roy"]', 'leaves = ["Mtre Roy"]', "'Mtre Roy' must stay"),
        ('leaves = ["Me Untel", "Maître Roy"]', "leaves = []", "has 2 and 0"),
        ('leaves = ["Me Untel", "Maître Roy"]', 'leaves = "Me"', "leaves: must be a list"),
        ("changes = [[", 'changes = ["Mtre Untel", [', "changes.0: must be a list"),
        ("[[rule]]", "[[rule]]\nkinds = ['plan']", "kinds.0: input should be 'index' or 'acte'"),
        ("[[rule]]", "[[rule]]\ncontext = { line = 'mtre' }", "context.line: must be a list"),
        ("[[rule]]", "[[rule]]\ncontext = { line = ['MTRE'] }", "must become"),
        ("[[rule]]", "[[rule]]\nfield = { kind = 'lot' }", "field.value: is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_said_with_its_name(
    tmp_path: Path, spoilt: str, by: str, said: str
) -> None:
    text = GOOD.format(name="mtre")
    assert spoilt in text
    found = problems(tmp_path, text.replace(spoilt, by))
    assert {rule for rule, _ in found} == {"mtre"}
    assert said in " ".join(message for _, message in found)


@pytest.mark.parametrize(
    ("text", "rule", "said"),
    [
        ("[[rule", None, "Expected"),
        ("off = ['no-such']", "no-such", "there is no such rule"),
        ("off = 'lot-old'", None, "off: must be a list"),
        ("[rule]\nname = 'x'", None, "write [[rule]] above each rule"),
        ("rule = ['x']", None, "write [[rule]] above each rule"),
        ("[[rules]]\nname = 'x'", None, "rules: there is no such key"),
        ("[[rule]]\nname = 'x'\nwhy = 'y'\nmatch = 'z'\nleaves = []", "x", "write: is missing"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_too(
    tmp_path: Path, text: str, rule: str | None, said: str
) -> None:
    ((named, message),) = problems(tmp_path, text)
    assert named == rule
    assert said in message
    with pytest.raises(ConfigurationError, match=r"own\.toml"):
        load_rules(tmp_path)


def test_every_problem_is_listed_and_the_other_rules_are_still_checked(tmp_path: Path) -> None:
    text = GOOD.format(name="a").replace("why", "wy") + GOOD.format(name="b").replace('"Me"', '"X"')
    found = problems(tmp_path, text)
    assert [rule for rule, _ in found] == ["a", "a", "b", "b"]


def test_a_rule_that_writes_what_it_changes_again_is_told(tmp_path: Path) -> None:
    text = (
        GOOD.format(name="twice")
        .replace('"Me"', '"Mtre Me"')
        .replace(
            '"Me Untel"], ["à Mtre Roy", "à Me Roy"]',
            '"Mtre Me Untel"], ["à Mtre Roy", "à Mtre Me Roy"]',
        )
    )
    (first, _) = problems(tmp_path, text)
    assert "is changed once more" in first[1]


def test_a_rule_that_takes_for_ever_is_told(tmp_path: Path) -> None:
    endless = GOOD.format(name="endless").replace(
        "'\\bMtre\\b'", "'^(?:M|tr|M[t]r|t|r|e)+x$|\\bMtre\\b'"
    ).replace('"Maître Roy"', f'"{"Mtre" * 15}!"')  # fmt: skip
    found = problems(tmp_path, endless)
    assert any("takes longer than 1 s" in message for _, message in found)


def test_a_folder_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path / "own.toml"):
        (tmp_path / "own.toml").touch()
        with pytest.raises(ConfigurationError, match="cannot be read"):
            check_rules(folder)
