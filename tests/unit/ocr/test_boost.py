"""The rules' own examples, and what holds for every text."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registre_cli.core.documents import Source
from registre_cli.core.errors import ConfigurationError
from registre_cli.ocr.boost import Rule, RuleSet, boost, load_rules
from registre_cli.ocr.boost.vocabularies import vocabulary

RULES = load_rules()
PAGES = "--- Page 1 ---\nLot 2 26O 260\n\n--- Page 2 ---\nPrix : 50000$\nsignature"


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_a_rule_does_what_its_examples_say(rule: Rule) -> None:
    changed = [example for example in rule.examples if example.before != example.after]
    left = [example for example in rule.examples if example.before == example.after]
    only_finds = rule.template is not None and not changed
    assert len(left) >= 2 and (len(changed) >= 2 or only_finds), "two examples of each kind"
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
        ("lot-renewed", 1, 1, "Lot 2 26O 260", "Lot 2 260 260"),
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
    started = time.process_time()
    boost(text, Source.ACTE, RULES)
    assert time.process_time() - started < 2.0


def test_a_rule_of_the_user_that_never_ends_is_left_out_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "own.toml").write_text(
        '[[rule]]\nname = "endless"\nwhy = "bad"\nmatch = "^(?:a|aa|a[a])+[bc]$"\n'
        'write = "b"\nchanges = []\nleaves = []\n'
    )
    boosted = boost(f"{'a' * 60}d\n50000$\n{'a' * 60}d", Source.ACTE, load_rules(tmp_path))
    assert boosted.text.split("\n")[1] == "50 000 $"
    assert [(flag.rule, flag.line) for flag in boosted.flags] == [("endless", 1)]
    assert "left out" in boosted.flags[0].message


INDEX_ROWS = """--- Page 1 ---
Circonscription foncière : Vercheres Lot : 5 897 3З7
Date | Inscription | Nature de l'acte | Parties | Montant | Remarques
l988-O9-08 | 28574069 | Quittance | Banque de Montreal Thérèse Bouchard |  |
1996-01-29 | 11 630 121 | Préavis d'exerclce | Caisse Desjardins de Verchères |  |
|  |  | Jérôme Côté |  |
1999-13-01 | 7 785 764 | S...v.t..e | Hydro-Quebec | | ligne et poteaux
2001-04-19 | 4 022 999 | Vente | Jean Gagnon Pierre Désilets | 463000$ |"""

INDEX_LINES = """--- Page 1 ---
1988-09-08 28574069 Quittance Banque de Montreal
2001-04-19 4 022 999 Vente Jean Gagnon Pierre Désilets 463000$"""


def test_the_rows_of_an_index_become_entries() -> None:
    boosted = boost(INDEX_ROWS, Source.INDEX, RULES)
    assert [
        (e.date, e.registration, e.nature, e.nature_inferred, e.parties, e.amount)
        for e in boosted.entries
    ] == [
        ("1988-09-08", "28574069", "Quittance", False,
         ("Banque de Montréal", "Thérèse Bouchard"), None),
        ("1996-01-29", "11630121", "Préavis d'exercice", False,
         ("Caisse Desjardins de Verchères", "Jérôme Côté"), None),
        (None, "7785764", "Servitude", True, ("Hydro-Québec",), None),
        ("2001-04-19", "4022999", "Vente", False, ("Jean Gagnon", "Pierre Désilets"), "463000"),
    ]  # fmt: skip
    assert boosted.entries[1].text.count("\n") == 1
    assert {(flag.rule, flag.line) for flag in boosted.flags} == {
        ("date-iso", 6), ("nature-inferred", 6)
    }  # fmt: skip
    assert "1999-13-01 | 7 785 764 | S...v.t..e" in boosted.text


def test_plain_lines_of_an_index_become_entries_too() -> None:
    boosted = boost(INDEX_LINES, Source.INDEX, RULES)
    assert [(e.date, e.registration, e.nature, e.parties, e.amount) for e in boosted.entries] == [
        ("1988-09-08", "28574069", "Quittance", ("Banque de Montréal",), None),
        ("2001-04-19", "4022999", "Vente", ("Jean Gagnon", "Pierre Désilets"), "463000"),
    ]


def test_a_deed_says_its_fields_with_place_and_confidence() -> None:
    deed = (
        "--- Page 2 ---\nNo 23 8O6 184\n\nACTE DE VENTE\n\nle lot 4 708 167, le 9\n\n"
        "décembre 2010 pour 50000$ en faveur de Banque Natlonale du Canada, qui"
    )
    fields = boost(deed, Source.ACTE, RULES).fields
    assert {(f.kind, f.page, f.line, f.as_read, f.value) for f in fields} == {
        ("registration", 2, 1, "23 8O6 184", "23806184"),
        ("nature", 2, 3, "VENTE", "Vente"),
        ("lot", 2, 5, "4 708 167", "4708167"),
        ("date", 2, 5, "9 décembre 2010", "2010-12-09"),
        ("amount", 2, 7, "50 000", "50000"),
        ("party", 2, 7, "Banque Nationale du Canada", "Banque Nationale du Canada"),
    }
    assert next(f for f in fields if f.kind == "registration").confidence < 1


def test_a_close_call_between_two_names_is_left_and_marked() -> None:
    boosted = boost("Circonscription foncière : Charlevoix 3", Source.ACTE, RULES)
    assert boosted.text == "Circonscription foncière : Charlevoix 3"
    assert [(flag.rule, "Charlevoix" in flag.message) for flag in boosted.flags] == [
        ("circonscription-name", True)
    ]


def test_a_word_parted_at_the_end_of_a_line_moves_up_and_no_line_moves() -> None:
    boosted = boost("la circons-\ncription foncière\nrendez-\nvous", Source.ACTE, RULES)
    assert boosted.text == "la circonscription\nfoncière\nrendez-\nvous"
    assert len(boosted.corrections) == 2


def test_every_circonscription_fonciere_is_known() -> None:
    assert len(set(vocabulary("circonscriptions").entries)) == 73


@pytest.mark.parametrize("name", ["circonscriptions", "natures", "institutions", "municipalites"])
def test_every_entry_of_a_vocabulary_is_found_by_its_own_name(name: str) -> None:
    words = vocabulary(name)
    for entry in words.entries:
        found = words.nearest(entry)
        assert found is not None and found.entry == entry and found.is_certain


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
