"""The nature of an entry whose column cannot be read, where parties and remarks decide it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from registre_cli.ocr.boost.vocabularies import fold


@dataclass(frozen=True)
class _Case:
    """What has to hold: a party that begins so, one of these words, an amount."""

    nature: str
    parties: tuple[str, ...]
    words: tuple[str, ...]
    amount: bool | None


def infer_nature(parties: Sequence[str], remarks: str, *, has_amount: bool) -> str | None:
    """Return the nature that the first case gives; `None` where none holds."""
    names = [fold(party) for party in parties]
    said = fold(remarks)
    for case in _cases():
        party_holds = any(name.startswith(case.parties) for name in names)
        words_hold = not case.words or any(word in said for word in case.words)
        amount_holds = case.amount is None or case.amount == has_amount
        if party_holds and words_hold and amount_holds:
            return case.nature
    return None


@cache
def _cases() -> tuple[_Case, ...]:
    text = files("registre_cli.ocr.boost").joinpath("inference.toml").read_text("utf-8")
    return tuple(
        _Case(
            nature=entry["nature"],
            parties=tuple(fold(party) for party in entry["parties"]),
            words=tuple(fold(word) for word in entry.get("words", ())),
            amount=entry.get("amount"),
        )
        for entry in tomllib.loads(text)["case"]
    )
