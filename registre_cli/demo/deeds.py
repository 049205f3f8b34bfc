"""The words of a deed, and which field each of them is."""

import random
from datetime import date
from importlib.resources import files

from registre_cli.demo.facts import RENEWED_CADASTRE, ActeFacts
from registre_cli.demo.names import CITIES, STREETS
from registre_cli.demo.printed import PrintedField, PrintedLine, Slot, wrapped
from registre_cli.demo.wording import (
    date_in_words,
    day_and_month,
    french_date,
    grouped,
    year_in_words,
)
from registre_cli.ocr.boost.record import FieldKind

_TEMPLATES = {
    "Vente": "vente",
    "Hypothèque immobilière": "hypotheque",
    "Quittance": "quittance",
    "Servitude": "servitude",
}
_LETTERS = "ABCEGHJKLMNPRSTVXY"


def deed_lines(facts: ActeFacts, chance: random.Random, width: int) -> list[PrintedLine]:
    """Return the deed's title and its paragraphs, a blank line after each.

    What the facts do not say, as addresses and how amounts are written, is left to `chance`.
    """
    slots = _slots(facts, chance)
    title, *body = _paragraphs(_TEMPLATES[facts.nature])
    clauses = _paragraphs("clauses")
    *body, closing = body
    for number in range(facts.pages * 5 - 7):
        body.append(f"{number + 10}. {clauses[number % len(clauses)]}")
    lines = [PrintedLine(title, (PrintedField(FieldKind.NATURE, facts.nature),)), PrintedLine("")]
    for paragraph in (*body, closing):
        lines += [*wrapped(paragraph, slots, width), PrintedLine("")]
    return lines


def _paragraphs(name: str) -> list[str]:
    text = files("registre_cli.demo").joinpath("deeds", f"{name}.txt").read_text("utf-8")
    return text.strip().split("\n\n")


def _slots(facts: ActeFacts, chance: random.Random) -> dict[str, Slot]:
    postal_code = _postal_code(chance)
    matricule = (
        f"{chance.randint(1000, 9999)}-{chance.randint(0, 99):02}-{chance.randint(0, 9999):04}"
    )
    municipality = chance.choice(CITIES)
    signed = facts.signed
    return {
        "year": Slot(str(signed.year)),
        "year_in_words": Slot(year_in_words(signed.year).upper()),
        # With the year before it this is the day.
        "day_and_month": _field(FieldKind.DATE, day_and_month(signed), signed.isoformat()),
        "date": _day(signed),
        "date_in_words": _field(FieldKind.DATE, date_in_words(signed), signed.isoformat()),
        "earlier_date": _day(facts.earlier_date),
        "first_payment": _day(facts.first_payment),
        "notary": _field(FieldKind.NOTARY, facts.notary),
        "first": _field(FieldKind.PARTY, facts.first),
        "second": _field(FieldKind.PARTY, facts.second),
        "institution": _field(FieldKind.PARTY, facts.institution),
        "utility": _field(FieldKind.PARTY, facts.utility),
        "lot": _field(FieldKind.LOT, facts.lot, _tight(facts.lot)),
        "other_lot": _field(FieldKind.LOT, facts.other_lot, _tight(facts.other_lot)),
        "cadastre": _field(FieldKind.CADASTRE, _of_cadastre(facts.cadastre), facts.cadastre),
        "circonscription": _field(FieldKind.CIRCONSCRIPTION, facts.circonscription),
        "municipality": _field(FieldKind.MUNICIPALITY, municipality),
        "earlier": _field(FieldKind.REGISTRATION, facts.earlier, _tight(facts.earlier)),
        "other": _field(FieldKind.REGISTRATION, facts.other, _tight(facts.other)),
        "amount": _amount(facts.amount, chance),
        "loan": _amount(facts.loan, chance),
        "balance": _amount(facts.loan // 3, chance),
        "fee": _amount(chance.randint(90, 950), chance),
        "matricule": _field(FieldKind.MATRICULE, matricule),
        "postal_code": _field(FieldKind.POSTAL_CODE, postal_code),
        # A notary's own number is none of the register.
        "minute": Slot(grouped(chance.randint(200, 39_999))),
        "city": Slot(chance.choice(CITIES)),
        "house": Slot(str(chance.randint(2, 9_800))),
        "street": Slot(chance.choice(STREETS)),
    }


def _field(kind: FieldKind, printed: str, value: str | None = None) -> Slot:
    return Slot(printed, PrintedField(kind, value or printed))


def _of_cadastre(cadastre: str) -> str:
    """Return what stands behind `du`."""
    if cadastre == RENEWED_CADASTRE:
        return cadastre
    is_feminine = cadastre.startswith(("Paroisse", "Cité", "Ville "))
    return f"cadastre officiel {'de la' if is_feminine else 'du'} {cadastre}"


def _day(day: date) -> Slot:
    return _field(FieldKind.DATE, french_date(day), day.isoformat())


def _amount(dollars: int, chance: random.Random) -> Slot:
    cents = chance.choice((0, 0, 25, 60))
    form = chance.random()
    if form < 0.2:
        return _field(FieldKind.AMOUNT, f"{dollars} $", str(dollars))
    if form < 0.5:
        value = f"{dollars}.{cents:02}" if cents else str(dollars)
        return _field(FieldKind.AMOUNT, f"{grouped(dollars)},{cents:02} $", value)
    return _field(FieldKind.AMOUNT, f"{grouped(dollars)} $", str(dollars))


def _postal_code(chance: random.Random) -> str:
    digits = [str(chance.randint(0, 9)) for _ in range(3)]
    letters = [chance.choice("GHJ"), chance.choice(_LETTERS), chance.choice(_LETTERS)]
    return f"{letters[0]}{digits[0]}{letters[1]} {digits[1]}{letters[2]}{digits[2]}"


def _tight(number: str) -> str:
    """Return a number as programs compare it; a part of a lot keeps its `P. `."""
    return number if number.startswith("P") else number.replace(" ", "")
