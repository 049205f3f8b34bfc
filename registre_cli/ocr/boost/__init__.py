"""Domain rules that correct what was read, and never invent.

`rules_file` loads the rules (`rule`) from data files, `engine` applies them and records each
correction and each field (`record`); `vocabularies` holds the closed lists.
"""

from registre_cli.ocr.boost.engine import boost
from registre_cli.ocr.boost.record import Boosted, Correction, Entry, Field, FieldKind, Flag
from registre_cli.ocr.boost.rule import Rule, RuleSet
from registre_cli.ocr.boost.rules_file import load_rules

__all__ = [
    "Boosted",
    "Correction",
    "Entry",
    "Field",
    "FieldKind",
    "Flag",
    "Rule",
    "RuleSet",
    "boost",
    "load_rules",
]
