"""Whether a change of the rules brought the text nearer to the print, letter by letter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from bench.boost_raw import pages, strict_dates
from registre_cli.ocr.boost import Boosted, Correction, line_ends

# What stands before and behind a change shows where on the page it is.
_CONTEXT_CHARACTERS = 14
# A text of so many letters does not stand on a page by chance.
_TELLING_CHARACTERS = 8
_PARTED_WORD = re.compile(r"(?<=[^\W\d])[-¬]\n(?=[a-zà-ÿ])")
# Old typewriters have no figure one: the print, and who transcribes it, has a letter there.
_FIGURE_ONE = re.compile(r"(?<=\d)[Il](?=[\dIl\s.,])|(?<![^\W_])[Il](?=\d)")
_AMOUNT_SIGN_FIRST = re.compile(r"\$ ?(\d[\d., ]*\d)")
_DAY_SAID = re.compile(r"(\d{4}-\d{2}-\d{2}) \([^)]*\)")
_ALIAS_WRITTEN_OUT = re.compile(r"[^()]+ \(([A-Z]{2,5})\)")


@dataclass(frozen=True)
class Judged:
    """One change.

    `is_right` where every edit of it brought the text nearer to the print, or where what it wrote
    stands on the page and what was read there does not.

    `only_looks` where nothing but blanks and signs between words changed, or a day or an alias
    that was read rightly was written out.
    """

    correction: Correction
    is_right: bool
    only_looks: bool


def judge(raw: str, boosted: Boosted, printed: Sequence[str]) -> list[Judged]:
    """Compare every change with what is printed on its page."""
    lines = {number: page.split("\n") for number, page in pages(raw)}
    truths = [_plain(_FIGURE_ONE.sub("1", page)) for page in printed]
    judged = []
    cursors: dict[tuple[int, int], str] = {}
    changes = iter(boosted.corrections)
    for change in changes:
        if change.rule == line_ends.RULE:
            # The second of its two changes is that the rest is gone from the next line.
            next(changes)
            word = _plain(change.after.split()[-1])
            judged.append(Judged(change, word in truths[change.page - 1], only_looks=False))
            cursors[change.page, change.line] = change.after
            continue
        place = (change.page, change.line)
        line = cursors.get(place, lines[change.page][change.line - 1])
        at = line.find(change.before)
        if at < 0:
            raise ValueError(f"{change} does not fit its line {line!r}")
        head, tail = line[:at], line[at + len(change.before) :]
        cursors[place] = head + change.after + tail
        around = (head[-_CONTEXT_CHARACTERS:], tail[:_CONTEXT_CHARACTERS])
        judged.append(_judge(change, around, truths[change.page - 1]))
    return judged


def _judge(change: Correction, around: tuple[str, str], truth: str) -> Judged:
    alias = _ALIAS_WRITTEN_OUT.fullmatch(change.after)
    if alias and alias[1] == change.before:
        return Judged(change, change.before in truth, only_looks=True)
    before, after = (_plain(around[0] + text + around[1]) for text in (change.before, change.after))
    if before == after:
        return Judged(change, is_right=True, only_looks=True)
    edits = Levenshtein.distance(before, after)
    gained = _distance(before, truth) - _distance(after, truth)
    was, written = _plain(change.before), _plain(change.after)
    stands = len(written) >= _TELLING_CHARACTERS and written in truth and was not in truth
    return Judged(change, is_right=gained >= edits or stands, only_looks=False)


def _distance(text: str, truth: str) -> int:
    """Return how many edits `text` is away from the place of `truth` that is most like it."""
    best = fuzz.partial_ratio_alignment(text, truth)
    if best is None or len(text) > len(truth):
        return Levenshtein.distance(text, truth)
    near = range(-2, 3)
    return min(
        Levenshtein.distance(text, truth[max(best.dest_start + left, 0) : best.dest_end + right])
        for left in near
        for right in near
    )


def _plain(text: str) -> str:
    """Write days and amounts as machines do, and take away what is a matter of looks only."""
    text = _PARTED_WORD.sub("", text)
    text = _AMOUNT_SIGN_FIRST.sub(r"\1$", text)
    text = _DAY_SAID.sub(r"\1", " ".join(text.split()))
    for match, day in reversed(list(strict_dates(text))):
        text = text[: match.start()] + day.isoformat() + text[match.end() :]
    text = re.sub(r"(?<=\d)[ .,](?=\d{3})|\s|\|", "", text)
    text = re.sub(r"(?<=\d)\.(?=\d\d\$)", ",", text)
    return text.replace("’", "'").replace("Nº", "N°").replace("No", "N°")
