"""Why a correction was made or a field found: the rules' own words, and those of the passes."""

from collections.abc import Mapping

from registre_cli.ocr.boost import entries, line_ends
from registre_cli.ocr.boost.rule import RuleSet

# What is no pattern but a pass over lines or rows.
_PASSES = {
    line_ends.RULE: "A hyphen at the end of a line parts a known word; its rest moves up.",
    entries.PARTY_RULE: "In a row of an index, names are what stands in the column of the parties.",
    entries.INFERENCE_RULE: "The nature cannot be read, and the parties and remarks decide it.",
}


def reasons(rules: RuleSet) -> Mapping[str, str]:
    """Return for each rule and pass why it does what it does."""
    return {**_PASSES, **{rule.name: rule.why for rule in rules.rules}}
