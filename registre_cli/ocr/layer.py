"""Whether the text that a page carries can be trusted instead of reading the page."""

import re
import unicodedata

from registre_cli.ocr.models import PageContent

# A page that is a picture carries earlier OCR or a stamp: little text means a stamp.
_PICTURE_SHARE = 0.5
# So many drawn shapes may be letters, and the text a stamp on them.
_MANY_SHAPES = 500
_FEWEST_CHARACTERS_OF_A_FULL_PAGE = 200
_FEWEST_CHARACTERS = 10
_FEWEST_READABLE = 0.9
_FEWEST_WORDLIKE = 0.6

_WORD = re.compile(r"[^\W\d_]{2,}")
# Each of these letters is frequent in French and English; a layer of wrong encoding has others.
_FREQUENT = frozenset("eaisnrtoul")
# They are 70 to 76 of 100 in prose, 60 in the poorest text.
_LEAST_FREQUENT_SHARE = 0.56
_FEWEST_LETTERS_TO_COUNT = 60
_VOWEL = re.compile(r"[aeiouyàâäéèêëîïôöùûüæœ]", re.IGNORECASE)


def is_good_layer(text: str, content: PageContent) -> bool:
    """Whether `text` is what the page shows: enough of it, readable, words of a language."""
    characters = [character for character in text if not character.isspace()]
    over_picture = content.picture_share >= _PICTURE_SHARE
    if content.hidden_text and not over_picture:
        return False
    shows_more = over_picture or content.shapes >= _MANY_SHAPES
    if len(characters) < (_FEWEST_CHARACTERS_OF_A_FULL_PAGE if shows_more else _FEWEST_CHARACTERS):
        return False
    readable = sum(1 for character in characters if _is_readable(character))
    if readable / len(characters) < _FEWEST_READABLE:
        return False
    if _is_mostly_signs(text) or not _has_frequent_letters(text):
        return False
    words = _WORD.findall(text)
    if not words:
        return not over_picture
    return sum(1 for word in words if _VOWEL.search(word)) / len(words) >= _FEWEST_WORDLIKE


def _is_mostly_signs(text: str) -> bool:
    # Leaders are one sign, however long.
    once = re.sub(r"(\S)\1+", r"\1", "".join(text.split()))
    return sum(1 for character in once if character.isalnum()) < len(once) / 2


def _has_frequent_letters(text: str) -> bool:
    plain = unicodedata.normalize("NFD", text.lower())
    letters = [character for character in plain if character.isalpha()]
    if len(letters) < _FEWEST_LETTERS_TO_COUNT:
        return True
    frequent = sum(1 for letter in letters if letter in _FREQUENT)
    return frequent / len(letters) >= _LEAST_FREQUENT_SHARE


def _is_readable(character: str) -> bool:
    if character == "\N{REPLACEMENT CHARACTER}":
        return False
    return unicodedata.category(character)[0] in "LNPSM" and (
        not character.isalpha() or "LATIN" in unicodedata.name(character, "")
    )
