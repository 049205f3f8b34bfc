"""What a rule may do with the text that it matched, by name."""

import re
from collections.abc import Callable, Mapping

# Letters that Tesseract reads where a digit stands.
_DIGIT_FOR = str.maketrans("OoQDIl|!SsBZz", "0000111155822")


def _digits(text: str) -> str:
    """Read letters as the digits that they look like."""
    return text.translate(_DIGIT_FOR)


def _grouped(text: str) -> str:
    """Write a number in groups of three digits, with blanks between them."""
    number = re.sub(r"\D", "", _digits(text))
    return f"{int(number):,}".replace(",", " ")


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


TRANSFORMS: Mapping[str, Callable[[str], str]] = {
    "digits": _digits,
    "grouped": _grouped,
    "upper_first": _upper_first,
}
