"""What stands around a repetition that is quoted: marks, tags, and lines of marks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.anchor import open_fence

_PAIRS = str.maketrans("“‘「『([（【{<《〈«", "”’」』)]）】}>》〉»")
_OPENING = re.compile(
    r"(?:[^\w\s”’」』)\]）】}>》〉».!?,:;。！？，：；、—-]|_|\.{2,}){1,12}(?=[ \t]?\Z)"
)
_DOTS = str.maketrans("", "", "….")
_TAG = re.compile(r"<([^\W\d]\w*)>\s*\Z")
_QUOTED_LINE = re.compile(r"(?:\A|\n)>+ *[^\w\s]*\Z")
_AFTER_LINE = re.compile(r"\r?\n(?:\r?\n)?")
_ON_A_LINE = re.compile(r"(?:\r?\n){1,2}(?= \w)")  # no line begins with the space between two words
_QUOTES = (("“", "”"), ("‘", "’"), ("「", "」"), ("『", "』"))
_MARKS = re.compile(
    r"(?:\A|\n)(?P<marks>([^\w\s])\2{2,})(?:(?<=[`~])\w*)?[^\S\n]*(?P<breaks>\n+)\Z"
)


def past_frame(own: str, new: str, start: int, end: int) -> int:
    """The end of what is repeated between `start` and `end`, with what `new` has around it if that
    is quoted there; `own` is what stands before it in the old text.
    """
    before = new[:start]
    line = _MARKS.search(before)
    if line and not (line["marks"][0] in "`~" and open_fence(own + new[start:end]) is not None):
        marks, breaks = re.escape(line["marks"]), len(line["breaks"])
        closing = re.compile(rf"\s*\n{marks}[^\S\n]*(?:\Z|\n{{1,{breaks}}})")
        closed = closing.match(new, end)
        return closed.end() if closed else end
    framed = next((end + len(one) for one in _closing(before) if new.startswith(one, end)), end)
    prose = framed > end and "\n " not in own and open_fence(own + new[start:end]) is None
    spaced = _ON_A_LINE.match(new, framed) if prose else None
    end = spaced.end() if spaced else framed
    if _QUOTED_LINE.search(before) and not _QUOTED_LINE.search(own):
        closed = _AFTER_LINE.match(new, end)
        return closed.end() if closed else end
    return end


def _closing(before: str) -> Iterator[str]:
    """What may close the tag or the marks that are open at the end, the most of them first."""
    tag = _TAG.search(before)
    if tag:
        yield f"</{tag[1]}>"
    found = _OPENING.search(before)
    marks = found.group() if found else ""
    for opening in dict.fromkeys((marks, marks.translate(_DOTS))):
        for start, sign in enumerate(opening):
            if not opening.endswith(sign, 0, start):  # half a row of signs closes nothing
                yield opening[start:][::-1].translate(_PAIRS)


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
