"""Text as the search sees it: what migration 0004 does before it takes the words.

A test holds both together.
"""

import re
from collections.abc import Sequence

LETTERS: dict[int, str] = {
    **{
        ord(letter): plain
        for letter, plain in zip(
            "ÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖòóôõöÙÚÛÜùúûüÝŸýÿ",
            "AAAAAAaaaaaaCcEEEEeeeeIIIIiiiiNnOOOOOoooooUUUUuuuuYYyy",
            strict=True,
        )
    },
    **{ord(sign): pair for sign, pair in (("œ", "oe"), ("Œ", "OE"), ("æ", "ae"), ("Æ", "AE"))},
    **dict.fromkeys(map(ord, "\u00ad\u0300\u0301\u0302\u0308\u0327"), ""),
}
SIGNS: dict[int, str] = dict.fromkeys(map(ord, "-_./:@&<>+~"), " ")
_SECOND_E = re.compile(r"(?<=[A-Za-z]{2}[Ee])[Ee](?=[Ss]?(?![A-Za-z0-9]))")
# NUL to backspace: no part of a word, and free to mark words with.
_CONTROLS = dict.fromkeys(range(9), " ")
_ALL = LETTERS | SIGNS | _CONTROLS


def folded_letters(text: str) -> str:
    """Return `text` without accents, its signs left alone."""
    return _SECOND_E.sub("", text.translate(LETTERS))


def folded_with_origins(text: str) -> tuple[str, Sequence[int]]:
    """Return `text` without accents and signs, and for each sign the place that it came from."""
    signs: list[str] = []
    origins: list[int] = []
    for origin, sign in enumerate(text):
        plain = _ALL.get(ord(sign), sign)
        signs += plain
        origins += [origin] * len(plain)
    for second in reversed(list(_SECOND_E.finditer("".join(signs)))):
        del signs[second.start()], origins[second.start()]
    return "".join(signs), origins
