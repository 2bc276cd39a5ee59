"""A text as its letters and digits, without case, width and accents, and what those weigh."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

WIDE = 0x2E80  # from here on one sign says as much as two Latin letters: CJK, Hangul, emoji


@dataclass(frozen=True, slots=True)
class Folded:
    """The letters and digits of `text`, case, width and accents folded, and where each stands."""

    text: str
    letters: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def first(self, offset: int) -> int:
        """The index of the first letter at or after `offset` in the text."""
        return bisect_left(self.starts, offset)


def fold(text: str) -> Folded:
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for index, char in enumerate(text):
        for letter in _letters(char):
            letters.append(letter)
            starts.append(index)
            ends.append(index + 1)
    return Folded(text, "".join(letters), tuple(starts), tuple(ends))


def letters_of(text: str) -> str:
    """The letters of `fold`, without their places."""
    if text.isascii():
        return "".join(filter(str.isalnum, text)).lower()
    return "".join(map(_letters, text))


@lru_cache(maxsize=8192)  # more signs than an answer is written in
def _letters(char: str) -> str:
    if char.isascii():
        return char.lower() if char.isalnum() else ""
    plain = unicodedata.normalize("NFKD", char)
    return "".join(filter(str.isalnum, plain)).casefold()


def weight(signs: Sequence[str]) -> int:
    """How much `signs` say, in Latin letters."""
    if isinstance(signs, str) and signs.isascii():
        return len(signs)
    return sum(2 if ord(char) >= WIDE else 1 for char in signs)


def common_prefix(one: str, other: str) -> int:
    """Length of the common prefix."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


def shared_start(old: str, new: str) -> int:
    """The weight of the letters with which both begin."""
    one, other = letters_of(old[: len(new)]), letters_of(new)
    return weight(one[: common_prefix(one, other)])
