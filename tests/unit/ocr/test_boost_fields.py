"""Fields that take more than one look: parted by a line break, inferred, or none at all."""

import pytest

from registre_cli.core.documents import Source
from registre_cli.ocr.boost import FieldKind, boost, load_rules

RULES = load_rules()
HEADINGS = "Date | Inscription | Nature de l'acte | Parties | Montant | Remarques"


def found(text: str, kind: FieldKind, source: Source = Source.ACTE) -> list[tuple[int, str]]:
    return [(one.line, one.value) for one in boost(text, source, RULES).fields if one.kind is kind]


@pytest.mark.parametrize(
    ("text", "kind", "line", "value"),
    [
        ("ainsi que le lot 1\n\n744 450 du même", FieldKind.LOT, 1, "1744450"),
        ("ainsi que le lot\n744 450-2 du même", FieldKind.LOT, 2, ""),
        ("sous le numéro 21 042\n941, et prend", FieldKind.REGISTRATION, 1, "21042941"),
        ("pour le prix de 319\n000 $, que", FieldKind.AMOUNT, 1, "319000"),
        ("le vingt et un\nmars deux mille trois", FieldKind.DATE, 1, "2003-03-21"),
        ("L'AN DEUX MILLE TROIS,\nle 21 mars, devant", FieldKind.DATE, 1, "2003-03-21"),
        ("faveur de Banque Royale\ndu Canada, qui", FieldKind.PARTY, 1, "Banque Royale du Canada"),
        ("devant Me Rémi Côté,\nnotaire à Laval", FieldKind.NOTARY, 1, "Rémi Côté"),
        ("la circonscription\nfoncière de Laval,", FieldKind.CIRCONSCRIPTION, 2, "Laval"),
        ("du Cadastre du\nQuébec, avec", FieldKind.CADASTRE, 1, "Cadastre du Québec"),
    ],
)
def test_a_field_that_a_line_break_parts_is_found_and_its_text_stays(
    text: str, kind: FieldKind, line: int, value: str
) -> None:
    assert found(text, kind) == ([(line, value)] if value else [])
    assert boost(text, Source.ACTE, RULES).text == text


@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_the_end_of_a_parted_amount_is_none_of_its_own(between: str) -> None:
    parted = f"la somme de 21{between}500,00 $ en paiement, puis 500,00 $ de frais."
    second = 1 + len(between)
    assert found(parted, FieldKind.AMOUNT) == [(1, "21500"), (second, "500")]


def test_a_field_is_found_once() -> None:
    text = "la cession publiée\nsous le numéro 16 647 769.\nle 2005-03-17 (17 mars 2005)"
    assert found(text, FieldKind.REGISTRATION) == [(2, "16647769")]
    assert found(text, FieldKind.DATE) == [(3, "2005-03-17")]
    assert found("1998-01-15 | 12 345 678 | Vente", FieldKind.DATE, Source.INDEX) == [
        (1, "1998-01-15")
    ]


@pytest.mark.parametrize(
    "text",
    ["sous le numéro 18 491 des minutes", "sous le numéro 18 491\ndes minutes", "lot n° 2 345 678"],
)
def test_a_number_of_another_list_is_no_registration_number(text: str) -> None:
    assert found(text, FieldKind.REGISTRATION) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("le 30 février 2020", "there is no such day"),
        ("le 2005-13-41", "there is no such day"),
        ("le trente février mil neuf cent dix, devant", "there is no such day"),
        ("le 05/01/2020", "the day or the month may stand first"),
        ("hypothèque à Trust Reyel", "is it Trust Royal?"),
        ("circonscription foncière de Charlevoix 3", "Charlevoix"),
    ],
)
def test_what_a_person_has_to_decide_stays_as_read_and_is_flagged(text: str, message: str) -> None:
    boosted = boost(text, Source.ACTE, RULES)
    assert boosted.text == text
    assert any(message in flag.message for flag in boosted.flags)


@pytest.mark.parametrize(
    ("row", "nature"),
    [
        ("S...v.t..e | Hydro-Québec Jean Roy | | ligne et poteaux", "Servitude"),
        ("H...th..e | Banque de Montréal Jean Roy | 50 000 $ |", "Hypothèque"),
        (" | Banque de Montréal Jean Roy | 50 000 $ |", "Hypothèque"),
        ("Q.......e | Banque de Montréal Jean Roy | | quittance", "Quittance"),
        ("M........e | Caisse Desjardins de Lévis Jean Roy | | mainlevée", "Mainlevée"),
        ("V...e | Jean Roy Marie Côté | | ", None),
    ],
)
def test_a_nature_that_cannot_be_read_is_inferred_only_where_the_row_decides_it(
    row: str, nature: str | None
) -> None:
    text = f"{HEADINGS}\n1998-01-15 | 12 345 678 | {row}"
    boosted = boost(text, Source.INDEX, RULES)
    natures = [one for one in boosted.fields if one.kind is FieldKind.NATURE]
    assert [one.value for one in natures] == ([nature] if nature else [])
    assert all(one.inferred and one.confidence < 1 for one in natures)
    assert [entry.nature_inferred for entry in boosted.entries] == [nature is not None]
    assert any(flag.rule == "nature-inferred" for flag in boosted.flags) == (nature is not None)
    assert row.split(" | ")[0].strip() in boosted.text


def test_a_name_that_goes_on_in_the_next_row_is_one_party() -> None:
    text = (
        f"{HEADINGS}\n1982-04-27 | 26 953 032 | Quittance | Banque Laurentienne du |  |\n"
        "|  |  | Canada Pierre Ouellet |  |"
    )
    entries = boost(text, Source.INDEX, RULES).entries
    assert [entry.parties for entry in entries] == [
        ("Banque Laurentienne du Canada", "Pierre Ouellet")
    ]


def test_amounts_are_dollars_and_cents_only_where_there_are_some() -> None:
    text = "412500,60$ et 50 000,00 $ et $50,000.00 et 1250 dollars"
    assert sorted(value for _, value in found(text, FieldKind.AMOUNT)) == [
        "1250", "412500.60", "50000", "50000"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("J2S SA4", "J2S 5A4"),
        ("H3Y 3VI", "H3Y 3V1"),
        ("J8X OMS", None),
        ("H70 1A1", None),
        ("H7N 1A1", "H7N 1A1"),
    ],
)
def test_a_postal_code_that_nobody_can_know_is_left_and_flagged(
    read: str, value: str | None
) -> None:
    boosted = boost(f"Laval (Québec) {read}, ci-après", Source.ACTE, RULES)
    assert [one.value for one in boosted.fields] == ([value] if value else [])
    assert (value or read) in boosted.text
    assert [flag.text for flag in boosted.flags] == ([] if value else [read])


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Circonscription foncière : Nicolet 2", FieldKind.CIRCONSCRIPTION, "Nicolet"),
        (
            "Société centrale d'hypothèques et de logement, ci-après",
            FieldKind.PARTY,
            "Société canadienne d'hypothèques et de logement",
        ),
    ],
)
def test_another_name_of_an_entry_stays_in_the_text_and_its_field_is_the_entry(
    text: str, kind: FieldKind, value: str
) -> None:
    assert boost(text, Source.ACTE, RULES).text == text
    assert found(text, kind) == [(1, value)]
