"""How far a text is from its ground truth."""

import re
import unicodedata
from collections import Counter


def character_error_rate(read: str, truth: str) -> float:
    """Return the edit distance in characters over the length of the truth."""
    read, truth = plain(read), plain(truth)
    previous = list(range(len(read) + 1))
    for row, wanted in enumerate(truth, start=1):
        current = [row]
        for column, got in enumerate(read, start=1):
            change = previous[column - 1] + (wanted != got)
            current.append(min(previous[column] + 1, current[-1] + 1, change))
        previous = current
    return previous[-1] / max(len(truth), 1)


def word_recall(read: str, truth: str) -> float:
    """Return the share of the truth's words that were read, wherever they stand."""
    wanted, got = (Counter(re.findall(r"\w+", plain(text).lower())) for text in (truth, read))
    return sum((wanted & got).values()) / max(sum(wanted.values()), 1)


def plain(text: str) -> str:
    """Return the text in one line, without page markers, with one kind of apostrophe."""
    text = re.sub(r"^--- Page \d+ ---$", "", text, flags=re.MULTILINE)
    return " ".join(unicodedata.normalize("NFC", text).replace("’", "'").split())
