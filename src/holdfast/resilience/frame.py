"""What stands around a repetition that is quoted: marks, and the lines of the instruction."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PAIRS = str.maketrans("“‘「『([（【<《〈«", "”’」』)]）】>》〉»")
_OPENING = re.compile(r"[“‘「『(\[（【<《〈«\"'`*_~…. \t]{1,12}\Z")
_DOTS = str.maketrans("", "", "….")
_QUOTED_LINE = re.compile(r"(?:\A|\n)> *\Z")
_AFTER_LINE = re.compile(r"\r?\n(?:\r?\n)?")
_QUOTES = (("“", "”"), ("‘", "’"), ("「", "」"), ("『", "』"))
_MARKERS = re.compile(r"-{3,}\s*\Z")  # the lines between which the instruction shows the anchor
_MARKER = re.compile(r"\s*\n-{3,}[^\S\n]*(?:\n|\Z)")


def past_frame(own: str, new: str, start: int, end: int) -> int:
    """The end of what is repeated between `start` and `end`, with the marks around it if `new`
    quotes it there; `own` is what stands before it in the old text.
    """
    while start and own and new[start - 1] == own[-1]:
        start, own = start - 1, own[:-1]  # signs of the text before its first letter
    before = new[:start]
    marks = _OPENING.search(before)
    for opening, closing in _frames(marks.group()) if marks else ():
        if not own.rstrip().endswith(opening) and new.startswith(closing, end):
            return end + len(closing)
    if _QUOTED_LINE.search(before) and not _QUOTED_LINE.search(own):
        line = _AFTER_LINE.match(new, end)
        return line.end() if line else end
    marker = _MARKER.match(new, end) if _MARKERS.search(before) else None
    return marker.end() if marker else end


def _frames(marks: str) -> Iterator[tuple[str, str]]:
    """What `marks` open, or the last of them, and what closes that, the most of them first."""
    marks = "".join(marks.split()).translate(_DOTS)
    for start in range(len(marks)):
        opening = marks[start:]
        yield opening, opening[::-1].translate(_PAIRS)


def is_spoken_of(old: str, begin: int, new: str, start: int, end: int) -> bool:
    """Whether what repeats the old text from `begin` on stands in quotation marks, alone or with
    more of the old text before it, or its last words do.
    """
    for opening, closing in _QUOTES:
        opened = new.rfind(opening, 0, end)
        own = opened >= start and opening in old[begin:]
        if not own and opened > new.rfind(closing, 0, end) and new.startswith(closing, end):
            return new[opened + 1 : start].strip() in old
    return past_frame(old[:begin], new, start, end) > end
