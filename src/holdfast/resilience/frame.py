"""What stands around a repetition that is quoted: marks, and the lines of the instruction."""

from __future__ import annotations

import re

_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "'": "'", "`": "`", "*": "*"}
_QUOTES = (("“", "”"), ("‘", "’"), ("「", "」"), ("『", "』"))
_MARKERS = re.compile(r"-{3,}\s*\Z")  # the lines between which the instruction shows the anchor
_MARKER = re.compile(r"\s*\n-{3,}[^\S\n]*(?:\n|\Z)")


def past_frame(old: str, new: str, start: int, end: int) -> int:
    """The end of what is repeated between `start` and `end`, with the marks around it if `new`
    quotes the end of `old` there.
    """
    before = new[:start].rstrip(" \t")
    quote = _PAIRS.get(before[-1:], "")
    own = old[: start - end].rstrip()[-1:] == before[-1:]
    if quote and not own and new.startswith(quote, end):
        return end + len(quote)
    marker = _MARKER.match(new, end) if _MARKERS.search(before) else None
    return marker.end() if marker else end


def is_spoken_of(old: str, new: str, start: int, end: int) -> bool:
    """Whether it stands in quotation marks, alone or with more of the old text before it, or
    its last words do.
    """
    for opening, closing in _QUOTES:
        opened = new.rfind(opening, 0, end)
        own = opened >= start and opening in old[start - end :]
        if not own and opened > new.rfind(closing, 0, end) and new.startswith(closing, end):
            return new[opened + 1 : start].strip() in old
    return past_frame(old, new, start, end) > end
