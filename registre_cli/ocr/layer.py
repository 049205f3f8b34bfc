"""Whether the text that a page carries can be trusted instead of reading the page."""

import re
import unicodedata

# A page that is one picture carries earlier OCR or a stamp: little text means a stamp.
_PICTURE_SHARE = 0.5
_FEWEST_CHARACTERS_OVER_A_PICTURE = 200
_FEWEST_CHARACTERS = 10
_FEWEST_READABLE = 0.9
_FEWEST_WORDLIKE = 0.6

_WORD = re.compile(r"[^\W\d_]{2,}")
_VOWEL = re.compile(r"[aeiouyàâäéèêëîïôöùûüæœ]", re.IGNORECASE)


def is_good_layer(text: str, image_share: float) -> bool:
    """Whether `text` reads like a page: enough of it, readable characters, words with vowels."""
    characters = [character for character in text if not character.isspace()]
    over_picture = image_share >= _PICTURE_SHARE
    fewest = _FEWEST_CHARACTERS_OVER_A_PICTURE if over_picture else _FEWEST_CHARACTERS
    if len(characters) < fewest:
        return False
    readable = sum(1 for character in characters if _is_readable(character))
    if readable / len(characters) < _FEWEST_READABLE:
        return False
    words = _WORD.findall(text)
    if not words:
        return not over_picture
    return sum(1 for word in words if _VOWEL.search(word)) / len(words) >= _FEWEST_WORDLIKE


def _is_readable(character: str) -> bool:
    if character == "\N{REPLACEMENT CHARACTER}":
        return False
    return unicodedata.category(character)[0] in "LNPSM" and (
        not character.isalpha() or "LATIN" in unicodedata.name(character, "")
    )
