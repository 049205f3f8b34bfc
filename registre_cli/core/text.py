"""Text from the database, from PDFs or from an API is hostile until shown safe."""

import json
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


def json_text(document: object, *, indent: int | None = None) -> str:
    """Return `document` as JSON that a terminal shows harmlessly, accents as they are.

    JSON lets control and format characters beyond ASCII stand in a string (a one-byte escape
    sequence, right-to-left marks); here they are escaped like the others, lone surrogates too,
    so that every output can be encoded and read back.
    """
    text = json.dumps(document, ensure_ascii=False, indent=indent, default=str)
    if text.isprintable():
        return text
    return "".join(
        _escape(character) if _is_obeyed(character) and character != "\n" else character
        for character in text
    )


def storable(text: str) -> str:
    """Return `text` as PostgreSQL can store it: valid UTF-8 without NUL."""
    return text.replace("\x00", _REPLACEMENT).encode("utf-8", "replace").decode("utf-8")


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    return _REPLACEMENT if _is_obeyed(character) else character


def _escape(character: str) -> str:
    """Return the JSON escape of a character: one unit of UTF-16, or a pair."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _is_obeyed(character: str) -> bool:
    """Whether a terminal could do something else with it than show it."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
