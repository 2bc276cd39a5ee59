"""What an instructed continuation is asked to repeat first, so that the seam can be proved."""

from __future__ import annotations

import re

_REACH = 80  # an anchor is never longer
_SHORTEST = 24  # enough signs that a repetition cannot be chance
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\S\n]*([^\n`]*)$", re.MULTILINE)
_BREAK = re.compile(r"(?<=[。！？；，、\n])|(?<=\s)(?=\S)")


def anchor(released: str) -> str:
    """The last words of `released`, without white space at the end; "" where there are none.

    It begins at a word or clause where one is near, so that a model can quote it naturally.
    """
    tail = released.rstrip()[-_REACH:]
    if len(tail) <= _SHORTEST:
        return tail
    for match in reversed(list(_BREAK.finditer(tail))):
        if len(tail) - match.end() >= _SHORTEST:
            return tail[match.end() :]
    return tail[-_SHORTEST:]


def open_fence(text: str) -> str | None:
    """The language word ("" if none) of a fenced code block still open at the end, or None.

    CommonMark 0.31 section 4.5: a fence is closed by the same sign, at least as long, alone.
    """
    mark = ""
    language: str | None = None
    for match in _FENCE.finditer(text):
        fence, info = match.groups()
        if language is None:
            mark, language = fence, info.strip().partition(" ")[0]
        elif fence[0] == mark[0] and len(fence) >= len(mark) and not info.strip():
            language = None
    return language
