"""What an instructed continuation is asked to repeat first, so that the seam can be proved."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_REACH = 80  # an anchor is hardly ever longer
_SHORTEST = 24  # enough signs that a repetition cannot be chance
_BREAK = re.compile(r"(?<=[。！？；，、\n])|(?<=\s)(?=\S)")
# A fence may stand in a list item or a quotation, and then it is indented with it.
_FENCE = re.compile(r"^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_JOINER = "\u200d"
_SKIN = range(0x1F3FB, 0x1F400)  # emoji modifiers
_FLAG = range(0x1F1E6, 0x1F200)  # regional indicators: two make a flag


def anchor(released: str) -> str:
    """The last words of `released`, without white space at the end; "" where there are none.

    It begins at a word or clause where one is near, so that a model can quote it naturally,
    and reaches back until it occurs nowhere else, so that it marks one place only. Where the
    text repeats itself for longer than that, the longest quotation has to do.
    """
    text = released.rstrip()
    if len(text) <= _SHORTEST:
        return text
    quotes = [text[start:] for start in _beginnings(text)]
    return next((quote for quote in quotes if text.count(quote) == 1), quotes[-1])


def _beginnings(text: str) -> Iterator[int]:
    """Offsets at which a quotation of the end may begin, the nearest first."""
    last = len(text) - _SHORTEST
    first = max(0, len(text) - _REACH)
    found = (match.start() for match in _BREAK.finditer(text, first, last + 1))
    breaks = [start for start in found if start <= last]
    yield from reversed(breaks or [whole_sign(text, last)])
    yield whole_sign(text, first)


def whole_sign(text: str, index: int) -> int:
    """The last offset up to `index` at which no sign of several code points is cut in two.

    A working subset of UAX #29: combining marks, joiners, skin tones and flags.
    """
    while 0 < index < len(text) and _continues(text, index):
        index -= 1
    return index


def _continues(text: str, index: int) -> bool:
    char, before = text[index], text[index - 1]
    if ord(char) in _FLAG:
        flags = index - len(text[:index].rstrip("".join(map(chr, _FLAG))))
        return flags % 2 == 1
    return (
        unicodedata.category(char).startswith("M")
        or _JOINER in (char, before)
        or ord(char) in _SKIN
    )


def open_fence(text: str) -> str | None:
    """The language word ("" if none) of a fenced code block still open at the end, or None.

    CommonMark 0.31 section 4.5: a fence is closed by the same sign, at least as long, alone.
    """
    mark = ""
    language: str | None = None
    for match in _FENCE.finditer(text):
        fence, info = match.group(1), match.group(2).strip()
        if language is None:
            if fence[0] == "~" or "`" not in info:
                mark, language = fence, info.partition(" ")[0]
        elif fence[0] == mark[0] and len(fence) >= len(mark) and not info:
            language = None
    return language
