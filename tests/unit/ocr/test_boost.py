"""The rules' own examples, and what holds for every text."""

import tomllib
from importlib.resources import files

import pytest

from registre_cli.core.documents import Source
from registre_cli.ocr.boost import Rule, RuleSet, boost, load_rules
from registre_cli.ocr.boost.vocabularies import vocabulary

RULES = load_rules()
PAGES = "--- Page 1 ---\nLot 2 26O 260\n\n--- Page 2 ---\nPrix : 50000$\nsignature"


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_a_rule_does_what_its_examples_say(rule: Rule) -> None:
    for example in rule.examples:
        for source in rule.sources:
            boosted = boost(example.before, source, RuleSet((rule,)))
            assert boosted.text == example.after
            if example.value is not None:
                assert [field.value for field in boosted.fields] == [example.value]


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_a_shipped_rule_says_all_that_a_reader_needs(rule: Rule) -> None:
    acting = [one for one in rule.examples if one.before != one.after or one.value is not None]
    assert len(acting) >= 2, "two examples that it changes, or in which it finds something"
    assert len(rule.examples) - len(acting) >= 2, "two examples that it leaves alone"
    with files("registre_cli.ocr.boost").joinpath("rules", rule.file).open("rb") as file:
        entry = next(one for one in tomllib.load(file)["rule"] if one["name"] == rule.name)
    assert {"name", "kinds", "match", "write", "why", "leaves"} <= set(entry)
    assert entry["why"].endswith(".")


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.name)
def test_all_rules_together_keep_what_one_rule_wrote(rule: Rule) -> None:
    for example in rule.examples:
        for source in rule.sources:
            assert boost(example.after, source, RULES).text.strip()


def test_each_correction_is_recorded_with_its_rule_page_and_line() -> None:
    boosted = boost(PAGES, Source.ACTE, RULES)
    assert boosted.text == PAGES.replace("26O", "260").replace("50000$", "50 000 $")
    assert [(c.rule, c.page, c.line, c.before, c.after) for c in boosted.corrections] == [
        ("lot-renewed", 1, 1, "2 26O 260", "2 260 260"),
        ("amount-spacing", 2, 1, "50000$", "50 000 $"),
    ]


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
