"""How far two texts say the same in nearly the same words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from .letters import WIDE, weight

# Chinese has no spaces: two signs in a row are as good as a word.
_WORD = re.compile(r"[^\W_\u2e80-\U0003ffff]+|(?=([\u2e80-\U0003ffff]{2}))")

_GAP = 18  # letters that may be missing, added or changed at one place
_AGAIN = 7  # weight of letters in which both agree again after that
_LEAST = 3  # the same for all that is left
_LOOSE = 0.3  # share of letters that may differ
_SLACK = 12  # weight that may differ at the beginning
_STRIDE = 64
_EDIT = 6  # what one change costs beside its letters
_LONG = 10  # weight of a word: what else is changed at one place costs three times as much


@dataclass(frozen=True, slots=True)
class Alignment:
    """The first `old` letters of one text say what the first `new` letters of the other say.

    `run` is the weight of the beginning in which both agree exactly, `matched` of all in which
    they agree, `missed` of what is between. `gain` is what it says that they agree, less what
    each change costs; `most`, what it said at the place where it said most.
    """

    old: int
    new: int
    run: int
    matched: int
    missed: int
    gain: int
    most: int

    def extended(self, old: str, new: str) -> Alignment:
        """The same with more letters of both, which do not agree."""
        lost = max(weight(old), weight(new))
        return replace(
            self,
            old=self.old + len(old),
            new=self.new + len(new),
            missed=self.missed + lost,
            gain=self.gain - _cost(lost),
        )


@dataclass(frozen=True, slots=True)
class Shared:
    """The words that two texts share, in any order: what they weigh, and the least share of either
    text, or of the second, that they are.
    """

    weight: int
    of_both: float
    of_second: float


def shared_words(one: str, other: str) -> Shared:
    first, second = _words(one), _words(other)
    both = _heavy(first & second)
    if not both:
        return Shared(0, 0.0, 0.0)
    of_second = both / _heavy(second)
    return Shared(both, min(both / _heavy(first), of_second), of_second)


def _words(text: str) -> Counter[str]:
    return Counter((found[1] or found[0]).casefold() for found in _WORD.finditer(text))


def _heavy(words: Counter[str]) -> int:
    return sum(_weight(word) * count for word, count in words.items())


def _weight(word: str) -> int:
    return weight(word[:1] if ord(word[0]) >= WIDE else word)  # the second sign begins the next


def align(old: str, new: str) -> Alignment:
    """How far the letters of both agree from the beginning, but for a word here and there."""
    at = to = _agreeing(old, new, 0, 0)
    run = matched = weight(old[:at])
    missed = 0
    gain = most = run
    while (step := _agree_again(old, new, at, to)) is not None:
        lost = max(weight(old[at : at + step[0]]), weight(new[to : to + step[1]]))
        if missed + lost > _LOOSE * matched + _SLACK:
            break
        at, to = at + step[0], to + step[1]
        length = _agreeing(old, new, at, to)
        agreed = weight(old[at : at + length])
        matched += agreed
        missed += lost
        gain += agreed - _cost(lost)
        most = max(most, gain)
        at, to = at + length, to + length
    return Alignment(at, to, run, matched, missed, gain, most)


def _cost(lost: int) -> int:
    """What one change takes from what it says that the rest agrees."""
    return lost + _EDIT + 2 * max(0, lost - _LONG)


def _agreeing(old: str, new: str, at: int, to: int) -> int:
    """How many letters agree from there on."""
    length = 0
    while (piece := old[at + length : at + length + _STRIDE]) and new.startswith(
        piece, to + length
    ):
        length += len(piece)
    while at + length < len(old) and to + length < len(new):
        if old[at + length] != new[to + length]:
            break
        length += 1
    return length


def _agree_again(old: str, new: str, at: int, to: int) -> tuple[int, int] | None:
    """The fewest letters of both to leave out until they agree again."""
    best: tuple[int, int] | None = None
    for left_out in range(_GAP + 1):
        if best and left_out >= sum(best):
            break
        piece = new[to + left_out : to + left_out + _AGAIN // 2 + 1]
        if weight(piece) < _AGAIN:
            piece = new[to + left_out : to + left_out + _AGAIN]
        last = to + left_out + len(piece) == len(new)
        if weight(piece) < (_LEAST if last else _AGAIN):
            break
        found = old.find(piece, at, at + _GAP + len(piece))
        if found >= 0 and (best is None or found - at + left_out < sum(best)):
            best = found - at, left_out
    return best
