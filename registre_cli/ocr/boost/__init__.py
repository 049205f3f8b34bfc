"""Domain rules that correct what was read, and never invent.

`rules` loads them from data files, `engine` applies them and records each correction.
"""

from registre_cli.ocr.boost.engine import Boosted, Correction, boost
from registre_cli.ocr.boost.rules_file import Rule, RuleSet, load_rules

__all__ = ["Boosted", "Correction", "Rule", "RuleSet", "boost", "load_rules"]
