"""Text from the database, from PDFs or from an API is hostile until shown safe."""

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, *, limit: int | None = None) -> str:
    """Return `text` on one line with nothing a terminal could obey.

    Control and format characters (escapes, newlines, right-to-left marks) and lone
    surrogates become U+FFFD, white space becomes a blank. At most `limit` characters
    are kept, the last one an ellipsis where something was cut. Rich markup is not
    touched: show the result as `rich.text.Text`, never as markup.
    """
    shown = "".join(_shown(character) for character in text)
    if limit is not None and len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def storable(text: str) -> str:
    """Return `text` as PostgreSQL can store it: valid UTF-8 without NUL."""
    return text.replace("\x00", _REPLACEMENT).encode("utf-8", "replace").decode("utf-8")


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    return _REPLACEMENT if category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} else character
