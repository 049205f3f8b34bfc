"""What a rule may do with the text that it matched, by name."""

import re
from collections.abc import Callable, Mapping

from rapidfuzz import fuzz

from registre_cli.ocr.boost.doubt import DoubtfulError, NotMeantError
from registre_cli.ocr.boost.french_dates import dated, day_of
from registre_cli.ocr.boost.vocabularies import Leading, Nearest, fold, leading, nearest, vocabulary

# Letters that Tesseract reads where a digit stands, and back.
_DIGIT_FOR = str.maketrans("OoQDIl|!SsBZz", "0000111155822")
_LETTER_FOR = str.maketrans("58", "SB")
# A misread name keeps its length and most of its letters; another word for it does not.
_MOST_LETTERS_LOST = 2
_MISREAD_LIKENESS = 85.0
# No postal code has D, F, I, O, Q or U: they are too like digits and other letters.
_POSTAL_CODE = re.compile("(?:[ABCEGHJ-NPRSTV-Z][0-9]){3}")
_FEWEST_DIGITS_OF_POSTAL_CODE = 2
_BRANCH = re.compile(r"(?: (?:de la|des?|du|d['’])[ ]?(?:[A-ZÀ-Ý][\w'’-]+))?", re.UNICODE)


def _digits(text: str) -> str:
    """Read letters as the digits that they look like; digits must be the more."""
    translated = text.translate(_DIGIT_FOR)
    if translated != text and sum(map(str.isdigit, text)) * 2 < sum(map(str.isalnum, text)):
        raise NotMeantError
    return translated


def _number(text: str) -> str:
    """Return the digits alone."""
    tight = text.replace(" ", "")
    if tight.isdecimal():
        return tight
    return re.sub(r"\D", "", _digits(text))


def _grouped(text: str) -> str:
    """Write a number in groups of three digits, with blanks between them."""
    number = _number(text)
    if number.startswith("0") and len(number) > 1:
        raise NotMeantError
    return f"{int(number):,}".replace(",", " ")


def _decimals(text: str) -> str:
    """Return cents as programs write them, nothing where there are none."""
    return "" if text[1:] == "00" else text.replace(",", ".")


def _lot(text: str) -> str:
    """Return a lot of an old cadastre: `283-359`, a part of one as `P. 12`."""
    part = text.startswith("P")
    digits = re.sub(r"\s", "", _digits(text.removeprefix("P").lstrip(". ")))
    return f"P. {digits}" if part else digits


def _iso_digits(text: str) -> str:
    """Return a day in digits, whatever stood between them."""
    digits = _number(text)
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}"
    return text if text == day else day_of(day).isoformat()


def _postal_code(text: str) -> str:
    """Letters and digits take turns: read each as what its place asks for.

    An S can be a 5 or a 9: where most digits were read as letters, nobody knows which.
    """
    signs = re.sub(r"[\s-]", "", text)
    if sum(map(str.isdecimal, signs[1::2])) < _FEWEST_DIGITS_OF_POSTAL_CODE:
        raise DoubtfulError("most of its digits were read as letters")
    turned = "".join(
        sign.translate(_DIGIT_FOR if place % 2 else _LETTER_FOR) for place, sign in enumerate(signs)
    )
    if not _POSTAL_CODE.fullmatch(turned):
        raise DoubtfulError("no postal code is written so")
    return f"{turned[:3]} {turned[3:]}"


def _matricule(text: str) -> str:
    """Return a matricule as `1234-56-7890`."""
    digits = _number(text)
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:10]}"


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _certain(found: Nearest | None) -> str:
    if found is None:
        raise NotMeantError
    if found.rival is not None:
        other = "" if found.rival == found.entry else f" or {found.rival}"
        raise DoubtfulError(f"is it {found.entry}{other}?")
    return found.entry


def _entry_of(name: str) -> Callable[[str], str]:
    return lambda text: _certain(nearest(name, text))


def _spelling_of(name: str) -> Callable[[str], str]:
    """Mend the spelling, but leave an alias as the document has it."""

    def mended(text: str) -> str:
        entry = _certain(nearest(name, text))
        return entry if _is_misspelt(text, entry) else text

    return mended


def _is_misspelt(text: str, entry: str) -> bool:
    """Whether `text` is the entry itself, misread, and no other word for it."""
    return abs(len(text) - len(entry)) <= _MOST_LETTERS_LOST and (
        fuzz.ratio(fold(text), fold(entry)) >= _MISREAD_LIKENESS
    )


def _leading(name: str, text: str) -> tuple[Leading, str]:
    found = leading(name, text)
    if found is None:
        raise NotMeantError
    return found, _certain(found.nearest)


def _start_of(name: str) -> Callable[[str], str]:
    """Mend the name that the text begins with; what follows it stays, and so does another name."""

    def mended(text: str) -> str:
        found, entry = _leading(name, text)
        if found.as_read in vocabulary(name).written_out:
            return f"{entry} ({found.as_read}){found.rest}"
        is_alias = found.nearest.is_exact and fold(found.as_read) != fold(entry)
        is_misread = not is_alias and _is_misspelt(found.as_read, entry)
        return (entry if is_misread else found.as_read) + found.rest

    return mended


def _name_at_start(name: str) -> Callable[[str], str]:
    return lambda text: _leading(name, text)[1]


def _institution_name(text: str) -> str:
    """Return the name alone, of a caisse with its place."""
    found, entry = _leading("institutions", text)
    branch = _BRANCH.match(found.rest) if entry.startswith("Caisse") else None
    return entry + (branch[0] if branch else "")


def _place(text: str) -> str:
    """Mend the name of a place that is known; nobody knows all of them."""
    try:
        return _spelling_of("municipalites")(text)
    except NotMeantError:
        return text


def _party(text: str) -> str:
    """Return an institution by its name, anybody else as read."""
    try:
        return _institution_name(text)
    except NotMeantError:
        return text


def _nature_of_title(text: str) -> str:
    """Return the nature that a title begins with."""
    return _leading("natures", text)[1]


TRANSFORMS: Mapping[str, Callable[[str], str]] = {
    "digits": _digits,
    "number": _number,
    "grouped": _grouped,
    "postal_code": _postal_code,
    "matricule": _matricule,
    "upper_first": _upper_first,
    "dated": dated,
    "iso_date": lambda text: day_of(text).isoformat(),
    "lot": _lot,
    "decimals": _decimals,
    "cents": lambda text: text.replace(".", ","),
    "iso_digits": _iso_digits,
    "circonscription_start": _start_of("circonscriptions"),
    "circonscription_name": _name_at_start("circonscriptions"),
    "place": _place,
    "party": _party,
    "nature_of_title": _nature_of_title,
    "municipality": _spelling_of("municipalites"),
    "nature": _entry_of("natures"),
    "nature_spelling": _spelling_of("natures"),
    "institution": _start_of("institutions"),
    "institution_name": _institution_name,
}
