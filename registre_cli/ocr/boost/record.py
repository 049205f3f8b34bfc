"""What the rules found in a text, beside the corrected text itself."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum


class FieldKind(StrEnum):
    """What a field says."""

    LOT = "lot"
    CADASTRE = "cadastre"
    CIRCONSCRIPTION = "circonscription"
    REGISTRATION = "registration"
    NATURE = "nature"
    DATE = "date"
    AMOUNT = "amount"
    PARTY = "party"
    NOTARY = "notary"
    MUNICIPALITY = "municipality"
    POSTAL_CODE = "postal_code"
    MATRICULE = "matricule"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a page; both count from 1."""

    page: int
    line: int


@dataclass(frozen=True, slots=True)
class Correction:
    """What one rule did at one place; lines count from 1 on their page."""

    rule: str
    page: int
    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that the document says.

    `value` is in the form of machines: days as `2020-01-15`, amounts in dollars as `50000` or
    `50000.25`, numbers without blanks. `confidence` from 0 to 1 is how much of it was read so;
    `inferred` says that it was not read but follows from the rest of its entry.
    """

    kind: FieldKind
    page: int
    line: int
    as_read: str
    value: str
    confidence: float
    rule: str
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A place where a person has to look; the text there is as it was read."""

    rule: str
    page: int
    line: int
    text: str
    message: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an index; `text` as it was read, its fields are those of its lines."""

    page: int
    line: int
    text: str
    date: str | None = None
    registration: str | None = None
    nature: str | None = None
    nature_inferred: bool = False
    parties: tuple[str, ...] = ()
    amount: str | None = None
    remarks: str | None = None


@dataclass(frozen=True, slots=True)
class Boosted:
    """The corrected text, every correction in it, and what it says."""

    text: str
    corrections: tuple[Correction, ...]
    fields: tuple[Field, ...] = ()
    entries: tuple[Entry, ...] = ()
    flags: tuple[Flag, ...] = ()

    def fields_document(self) -> dict[str, object]:
        """Return fields, entries and flags in the shape of the column `ocr_fields`."""
        return {
            "fields": [asdict(field) for field in self.fields],
            "entries": [asdict(entry) for entry in self.entries],
            "flags": [asdict(flag) for flag in self.flags],
        }

    def fields_json(self) -> str:
        """Return `fields_document` as JSON that PostgreSQL can store."""
        return json.dumps(self.fields_document(), ensure_ascii=True)
