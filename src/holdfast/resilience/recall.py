"""Finds where new text repeats the end of the old one, whatever it says before that.

What models say before they go on cannot be listed. What they repeat can be found, because it
stops where the old text stops: at every place of the new text, how much of what stands before
it is the end of the old one? How far back that reaches, and whether it begins where people
begin to quote, is the evidence; `instructed` weighs it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from .drift import align
from .letters import WIDE, Folded, common_prefix, weight

LEAST = 5  # weight of a repetition that is looked at
FEW = 8  # weight of letters that a text has again by chance
_CHANCE = 2  # letters before a repetition that may agree by chance
_TELLING = 12  # weight of letters that tell where in the old text they are from
_BEGUN = 4  # weight of equal first letters of a sentence or line
_LAST = 8  # sentences and lines that may be begun anew
_MOST = 6  # places that are looked at for a repetition in nearly the same words
_NEAR = 2000  # letters before the end in which the old text is compared with its end
_TOLD = 40  # letters by which beginnings are compared
_REST = 16  # letters of new text from which the old one is looked through for them

_DRIFT = 24  # the last of which may be other words
_STEP = 8

_ENDINGS = re.compile(r"[.!?:…][\"'”’)\]*_]*\s+|[。！？：；…][\"'”’」』）】*_]*|\n\s*")
_WORD = re.compile(r"[^\W\d_\u2e80-\U0003ffff]+|\d+|[\u2e80-\U0003ffff]")


class Place(IntEnum):
    """Where in the old text a repetition begins."""

    WORD = 0
    SENTENCE = 1  # or a line
    QUOTE = 2  # what was asked for
    WHOLE = 3  # the answer


@dataclass(frozen=True, slots=True)
class Recollection:
    """From `offset` of the new text on, it repeats the end of the old one."""

    offset: int
    place: Place
    letters: int
    weight: int
    common: bool  # the old text has these letters elsewhere, too


class Memory:
    """The old text, and where in it people begin to repeat. `quoted`: where the anchor begins."""

    def __init__(self, known: Folded, quoted: int) -> None:
        self._known = known
        self._words = {known.first(match.start()) for match in _WORD.finditer(known.text)}
        ends = [match.end() for match in _ENDINGS.finditer(known.text)]
        places = {known.first(end): (Place.SENTENCE, end) for end in reversed(ends)}
        places[known.first(quoted)] = Place.QUOTE, quoted
        places[0] = Place.WHOLE, 0
        places.pop(len(known.letters), None)
        self._places = places  # by the first letter, with the offset of the marks before it
        self._starts = sorted(places)

    def begins(self, letter: int, *, line: bool = False) -> bool:
        """Whether a sentence, a line or the quotation begins with that letter; or a `line`, with
        signs before it or none.
        """
        if not line or letter not in self._places:
            return letter in self._places
        at = self._known.starts[letter]
        return letter == 0 or "\n" in self._known.text[self._known.ends[letter - 1] : at]

    def beginning_before(self, letter: int) -> int:
        """Where the sentence or line begins in which that letter stands, or the quotation."""
        return self._starts[bisect_right(self._starts, letter) - 1]

    def place(self, letter: int) -> Place:
        """What begins with that letter."""
        return self._places.get(letter, (Place.WORD, 0))[0]

    def begins_anew(self, fresh: Folded, offset: int) -> bool:
        """Whether the new text begins there like one of the last sentences or lines."""
        rest = fresh.letters[fresh.first(offset) :][:_TOLD]
        return any(
            weight(rest[: common_prefix(self._known.letters[start : start + _TOLD], rest)])
            >= _BEGUN
            for start in self._starts[-_LAST:]
        )

    def ends(self, fresh: Folded) -> list[int]:
        """How many letters of the new text there are up to each place where its words end like
        the old text, those first that do so for longest.
        """
        return _ends(self._known.letters, fresh.letters)

    def likeness(self, count: int) -> int:
        """How much the words somewhere in the old text say the same as the last `count` letters."""
        near, last = self._near, self._known.letters[-count:][::-1]
        return max((align(last, near[len(near) - end :]).most for end in self._like), default=0)

    @cached_property
    def _near(self) -> str:
        """The last letters, backwards."""
        return self._known.letters[: -_NEAR - 1 : -1]

    @cached_property
    def _like(self) -> list[int]:
        """Where in the last letters some end like all of them."""
        near = self._near[::-1]
        return _ends(near, near[:-1])

    def recalled(self, fresh: Folded) -> list[Recollection]:
        """All repetitions in the new text that do not begin at once, one for each beginning."""
        letters = self._known.letters
        found: dict[int, Recollection] = {}
        for end, length in enumerate(_tails(letters, fresh.letters), 1):
            if not length or (2 * length < LEAST and length < len(letters)):
                continue
            begin = self._beginning(fresh, len(letters) - length, end - length)
            if begin is None:
                continue
            piece = letters[begin:]
            offset = self._with_marks(fresh, begin, fresh.starts[end - len(piece)])
            heavy = weight(piece)
            whole = begin == 0
            if offset == 0 or (heavy < LEAST and not whole):
                continue
            place, _ = self._places.get(begin, (Place.WORD, 0))
            common = self._is_common(begin, piece)
            found[offset] = Recollection(offset, place, len(piece), heavy, common)
        return list(found.values())

    def _beginning(self, fresh: Folded, old: int, new: int) -> int | None:
        """The letter of the old text with which a repetition begins that reaches back to `old`."""
        at = bisect_left(self._starts, old)
        for start in self._starts[at : at + 3]:
            chance = start <= old + _CHANCE or not any(self._words_in(fresh, old, new, start))
            if chance and _is_start(fresh, new + start - old):
                return start
        letters = self._known.letters
        telling = old in self._words or weight(letters[old:]) >= LEAST
        return old if telling and _is_start(fresh, new) else None

    def _words_in(self, fresh: Folded, old: int, new: int, until: int) -> Iterator[int]:
        """The letters from `old` to `until` with which a word begins in both texts."""
        letters = self._words.intersection(range(old, until))
        return (letter for letter in letters if _is_start(fresh, new + letter - old))

    def _with_marks(self, fresh: Folded, begin: int, offset: int) -> int:
        """`offset` moved back over marks that stand there in both texts."""
        at = self._known.starts[begin]
        _, least = self._places.get(begin, (Place.WORD, at))
        old, new = self._known.text, fresh.text
        while least < at and offset and old[at - 1] == new[offset - 1]:
            at, offset = at - 1, offset - 1
        return offset

    def _is_common(self, begin: int, piece: str) -> bool:
        """Whether the old text has `piece` before: at a beginning, if it stands at one."""
        letters = self._known.letters
        if begin not in self._places:
            return letters.find(piece) < begin
        return any(letters.startswith(piece, start) for start in self._starts if start < begin)

    def still_to_come(self, fresh: Folded, *, drifting: bool = False) -> int:
        """How much of the old text would follow, if the end of the new one repeats it; or what
        stands before its last words, which may be `drifting`.
        """
        old, new = self._known.letters, fresh.letters
        if len(new) >= _REST and old.startswith(new):
            rest = len(self._known.text) - self._known.ends[len(new) - 1]
            return rest if len(new) < len(old) else 0
        for end in range(len(new), max(_REST, len(new) - drifting * _DRIFT) - 1, -_STEP):
            at = old.rfind(new[end - _REST : end], 0, -1)
            rest = len(old) - (at + _REST) - (len(new) - end)
            if at >= 0 and rest > 0:
                return rest
        for start in self._starts:
            for length in range(_REST - 1, 0, -1):
                piece = old[start : start + length]
                if start + length < len(old) and new.endswith(piece) and weight(piece) >= LEAST:
                    return min(_REST, len(old) - start - length)
        return 0


def beginnings(folded: Folded) -> set[int]:
    """The letters with which its lines and sentences begin."""
    ends = (match.end() for match in _ENDINGS.finditer(folded.text))
    return {0, *map(folded.first, ends)}


def _ends(old: str, new: str) -> list[int]:
    found = [(length, end) for end, length in enumerate(_tails(old, new), 1) if 2 * length >= LEAST]
    return [end for _, end in sorted(found, reverse=True)[:_MOST]]


def _is_start(fresh: Folded, letter: int) -> bool:
    """Whether a word begins with that letter."""
    at = fresh.starts[letter]
    if fresh.first(at) < letter:
        return False  # a later one of those that a sign like ½ stands for
    before, char = fresh.text[at - 1 : at], fresh.text[at]
    return not before.isalnum() or ord(char) >= WIDE or ord(before) >= WIDE


def _tails(old: str, new: str) -> Iterator[int]:
    """For each end of a piece of `new`: how many letters before it are the end of `old`.

    The Z function of both, read backwards.
    """
    text = f"{old[::-1][: len(new)]}\0{new[::-1]}"
    reach = [0] * len(text)
    left = right = 0
    for at in range(1, len(text)):
        length = min(right - at, reach[at - left]) if at < right else 0
        while at + length < len(text) and text[length] == text[at + length]:
            length += 1
        reach[at] = length
        if at + length > right:
            left, right = at, at + length
    yield from reversed(reach[len(text) - len(new) :])


def code_like(text: str) -> bool:
    """Whether lines of it repeat themselves by nature: code, formulas, rows of tables."""
    return _CODE.search(_FENCE.sub("", text.rstrip(_MARKS + "\r\n"))) is not None


_CODE = re.compile(r"[{}|=\\$]|;$|\w\(|\w\[|[\"'](?:: |,(?:\n|\Z))", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^\n]*\Z", re.MULTILINE)
_MARKS = " \t\"'{}[]()|<>=$\\*_`#-+"  # may stand before the first letter of what is repeated
