"""Closed vocabularies, and which of their entries a misread text means."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz, process

# Below the first no likeness is meant; between both a person has to decide; above the second,
# and with the margin to the runner-up, the entry is what was printed.
_LIKE = 80.0
_SAME = 88.0
_MARGIN = 5.0
_EXACT = 100.0
# Two words that are less alike than this are two words, whatever stands around them.
_SAME_WORD = 60.0
_LONGEST_NAME_WORDS = 8
# A name of fewer letters has too many near neighbours: it must be right but for its accents.
_SHORTEST_FUZZY_CHARACTERS = 5


@dataclass(frozen=True)
class Nearest:
    """The entry that is most like a text; likeness from 0 to 100.

    `rival` names the entry that a person has to tell it from, where the text is between two or
    not near enough to any.
    """

    entry: str
    likeness: float
    rival: str | None

    @property
    def is_exact(self) -> bool:
        """Whether the text is a spelling of the entry, but for accents and case."""
        return self.likeness == _EXACT

    @property
    def is_certain(self) -> bool:
        """Whether this is the entry, beyond doubt."""
        return self.rival is None


@dataclass(frozen=True)
class Vocabulary:
    """Entries with their other spellings; `spellings` are folded, each with its entry."""

    spellings: tuple[str, ...]
    entries: tuple[str, ...]
    written_out: frozenset[str]

    def nearest(self, text: str) -> Nearest | None:
        """Return what `text` means, or `None` where it is like nothing here."""
        folded = fold(text)
        found = process.extract(
            folded, self.spellings, scorer=fuzz.ratio, score_cutoff=_LIKE, limit=4
        )
        if not found:
            return None
        found = [hit for hit in found if _same_words(folded, hit[0])]
        if not found:
            return None
        _, best, place = found[0]
        entry = self.entries[place]
        others = [hit for hit in found if self.entries[hit[2]] != entry]
        if best == _EXACT:
            return Nearest(entry, best, None)
        if len(folded) < _SHORTEST_FUZZY_CHARACTERS:
            return None
        if others and best - others[0][1] < _MARGIN:
            return Nearest(entry, best, self.entries[others[0][2]])
        return Nearest(entry, best, None if best >= _SAME else entry)


def _same_words(text: str, spelling: str) -> bool:
    """Whether no word of the two is another one: long names are alike in spite of one."""
    pairs = zip(text.split(), spelling.split(), strict=False)
    return text.count(" ") != spelling.count(" ") or all(
        one == other or fuzz.ratio(one, other) >= _SAME_WORD for one, other in pairs
    )


@cache
def vocabulary(name: str) -> Vocabulary:
    """Return the vocabulary of `vocabulary/NAME.tsv`."""
    spellings: list[str] = []
    entries: list[str] = []
    short: set[str] = set()
    for line in _lines(f"{name}.tsv"):
        entry, *aliases = line.split("\t")
        for spelling in (entry, *aliases):
            spellings.append(fold(spelling))
            entries.append(entry)
        short.update(alias for alias in aliases if alias.isupper() and alias.isalpha())
    return Vocabulary(tuple(spellings), tuple(entries), frozenset(short))


@lru_cache(maxsize=4_096)
def nearest(name: str, text: str) -> Nearest | None:
    """Return what `text` means in vocabulary `name`; rows of an index repeat the same few words."""
    return vocabulary(name).nearest(text)


@cache
def words_of_deeds() -> frozenset[str]:
    """Return the words that a hyphen at the end of a line may part."""
    return frozenset(word for line in _lines("words.txt") for word in line.split())


@dataclass(frozen=True)
class Leading:
    """A name at the start of a text: what it means, and what follows it."""

    nearest: Nearest
    as_read: str
    rest: str


@lru_cache(maxsize=4_096)
def leading(name: str, text: str) -> Leading | None:
    """Return the entry of vocabulary `name` that `text` begins with; the longest of the best."""
    words = re.findall(r"\S+\s*", text)
    best: Leading | None = None
    for count in range(1, min(len(words), _LONGEST_NAME_WORDS) + 1):
        as_read = "".join(words[:count]).rstrip(" ,.;:")
        found = nearest(name, as_read)
        if found and (best is None or found.likeness >= best.nearest.likeness):
            best = Leading(found, as_read, text[len(as_read) :])
    return best


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """Return `text` without accents, case, hyphens and the likes of letters."""
    plain = text if text.isascii() else _without_accents(text)
    return " ".join(plain.lower().translate(_ALIKE).split())


def _without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "Oe"))
    return "".join(character for character in plain if not unicodedata.combining(character))


_ALIKE = str.maketrans({"’": "'", "`": "'", "´": "'", "-": " ", "|": "l", "1": "l", "0": "o"})


def _lines(name: str) -> Sequence[str]:
    text = files("registre_cli.ocr.boost").joinpath("vocabulary", name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
