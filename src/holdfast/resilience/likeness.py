"""Whether a text goes on as it has gone on elsewhere.

Lines of logs, of tables and of markup are like one another, and so are verses: what comes after
the same signs there, numbers or words apart, is neither talk nor a repetition.
"""

from __future__ import annotations

import re
from functools import cached_property

from .letters import common_prefix

REACH = 480  # characters of new text that are compared
_SIDE = 10  # characters on either side of the joint, numbers apart
_FORM = 18  # the same, words apart
_SIGNS = 4  # of which so many are signs
_VARIOUS = 5  # and so many differ from one another

_PROSE = str.maketrans("", "", "\n,.;:!?'’“”‘…—–-*_`#，。；：！？、《》「」（）")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w+")
_BLANKS = re.compile(r"[^\S\n]+")


class Likeness:
    """Knows the released text, without white space at the end."""

    def __init__(self, text: str) -> None:
        self._text = text

    def goes_on(self, new: str) -> bool:
        """Whether what stands on both sides of the joint stands together elsewhere, too."""
        rest = new[:REACH]
        if not rest or rest[0] in "\r\n":
            return False  # a line like the one before it may be the same
        if _found(self._numbers, _DIGIT.sub("0", rest), _SIDE):
            return True
        if rest[0].isdigit() and self._text[-1:].isdigit():
            return False  # any number is like a longer one
        form = _form(rest)
        glued = bool(_WORD.match(rest) and _WORD.match(self._text[-1:]))
        return _found(self._forms, form[glued:], _FORM, signs=_SIGNS)

    def is_same_form(self, one: str, other: str) -> bool:
        """Whether both begin with the same signs, words apart, and with not a few that prose and
        its Markdown are without.
        """
        form = _form(one)
        same = form[: common_prefix(form, _form(other[:REACH]))]
        return _signs(same.translate(_PROSE)) >= _SIGNS

    def is_twice(self, piece: str, new: str) -> bool:
        """Whether something like `piece`, numbers apart, stands twice in a row in the old text or
        the `new` one, each time the same.
        """
        once, length = _DIGIT.sub("0", piece), len(piece)
        for text, numbers in ((self._text, self._numbers), (new, _DIGIT.sub("0", new))):
            at = numbers.find(once + once)
            while at >= 0:
                if text[at : at + length] == text[at + length : at + 2 * length]:
                    return True
                at = numbers.find(once + once, at + 1)
        return False

    @cached_property
    def _numbers(self) -> str:
        return _DIGIT.sub("0", self._text)

    @cached_property
    def _forms(self) -> str:
        return _form(self._text)


def _form(text: str) -> str:
    """Its signs, every word as one."""
    return _BLANKS.sub(" ", _WORD.sub("w", text))


def _found(text: str, rest: str, side: int, *, signs: int = 0) -> bool:
    before, after = text[-side:], rest[:side]
    if len(before) < side or len(after) < side or len(set(before + after)) < _VARIOUS:
        return False
    if min(map(_signs, (before, after))) < signs:
        return False
    joint = len(text) - side
    whole = text + rest
    return whole.find(before + after) != joint or whole.find(before + after, joint + 1) > 0


def _signs(text: str) -> int:
    return sum(not (char.isalnum() or char == " ") for char in text)
