"""What a person asks of the search, as PostgreSQL reads it."""

import re

from registre_cli.queue.folding import SIGNS, folded_letters

_WITHIN_WORDS = SIGNS | dict.fromkeys(map(ord, "'’\",;()[]|\x00"), " ")
_PIECE = re.compile(r'(-?)"([^"]*)(?:"|$)|(\S+)')
# Lots and registration numbers are in the texts both ways; parts of 283-359 are none.
_NUMBER = re.compile(r"(?<!\w)(?<!\w[-./,])(?:\d{1,3}(?: \d{3})+|\d{5,9})(?!\w| \d|[-./,]\w)")


def forms_of(question: str) -> tuple[str, str]:
    """Return the question with its long numbers in groups of three digits, and without blanks.

    A word that signs part is looked for as a phrase: `283-359` is `"283 359"`.
    """
    folded = folded_letters(question)
    return (
        _put(_NUMBER.sub(lambda found: _grouped(found, folded), folded)),
        _put(_NUMBER.sub(lambda found: found[0].replace(" ", ""), folded)),
    )


def _put(question: str) -> str:
    pieces = []
    for sign, quoted, bare in _PIECE.findall(question):
        minus = sign or ("-" if bare.startswith("-") else "")
        words = (quoted or bare).translate(_WITHIN_WORDS).split()
        if words:
            is_phrase = len(words) > 1 or bool(quoted)
            pieces.append(minus + (f'"{" ".join(words)}"' if is_phrase else words[0]))
    return " ".join(pieces)


def _grouped(number: re.Match[str], question: str) -> str:
    grouped = f"{int(number[0].replace(' ', '')):,}".replace(",", " ")
    within_phrase = question.count('"', 0, number.start()) % 2 == 1
    return grouped if within_phrase else f'"{grouped}"'
