"""Line breaks after talk: which of them end the talk, and which are the text's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..core.anchor import open_fence

_ENDS = ".!?。！？…:：;；\"'”’」』)）】`*_"
_NEW_LINE = re.compile(r"[ \t]{2}|\t|[ \t]*(?:`{3,}|~{3,})")  # of code: indented, or the fence
_SENTENCE_ENDS = ".!?。！？"
_WORD_ALONE = re.compile(r"[\w+#-]+[ \t]*\r?\n")
_BREAK = re.compile(r"\r?\n")
_BREAKS_BEFORE = re.compile(r"(?:\r?\n)*\Z")
_BREAKS_AFTER = re.compile(r"(?:\r?\n)*")
_JOINED = frozenset({"item", "row", "quote"})  # stand on lines one below the other

# How a line begins that is more than a part of a paragraph.
_KINDS: Mapping[str, re.Pattern[str]] = {
    "item": re.compile(r"[ \t]*(?:[-*+•][ \t]|\d{1,3}[.)、])"),
    "row": re.compile(r"\|"),
    "quote": re.compile(r"[ \t]*>"),
    "heading": re.compile(r"#{1,6} "),
    "rule": re.compile(r"(?:-{3,}|\*{3,})[ \t]*(?:\n|\Z)"),
    "fence": re.compile(r"[ \t]*(?:`{3,}|~{3,})"),
    "formula": re.compile(r"\$\$[ \t]*\n"),
}


def past_talk(text: str, new: str, end: int, *, fence_open: bool) -> int:
    """Where the text goes on after talk that ends at `end` of `new`: at the breaks that must be
    its own, because what follows them cannot stand on the line at the end of `text`.
    """
    line = text[text.rfind("\n") + 1 :]
    before, after = _BREAKS_BEFORE.search(new, 0, end), _BREAKS_AFTER.match(new, end)
    assert before
    assert after
    own = len(_BREAK.findall(after.group()))
    total = own + len(_BREAK.findall(before.group()))
    rest = new[after.end() :]
    if fence_open:
        wanted = int(bool(line) and (line[-1] == ";" or _NEW_LINE.match(rest) is not None))
    else:
        wanted = _wanted(text, kind_of(line), kind_of(rest), total, rest)
    for _ in range(own, min(wanted, total)):
        end -= 2 if new.endswith("\r\n", 0, end) else 1
    return end


def _wanted(text: str, above: str, below: str, total: int, rest: str) -> int:
    """How many breaks the text itself has there, at the least."""
    *_, before, line = ("", *text.splitlines()) if "\n" in text else ("", "", text)
    if below:
        if below == "formula":
            return 1 if _open_formula(text) else 2
        if above == below and above in _JOINED:
            return int(below != "row" or line.endswith("|"))
        return 2 if text[-1:] in _ENDS else 0
    if above == "fence":
        tag = line.strip("`~ \t") == "" and _WORD_ALONE.match(rest)  # of the language
        return 2 if open_fence(text) is None else int(not tag)
    if total == 3 and not above and line[-1:] not in ":：" and _in_verse(text):
        return 1
    if above in _JOINED or not before:
        return 2 if total == 3 and (above in _JOINED or "\n" in text or not before) else 0
    return int(total > 1 and _sentences(before) == _sentences(line) > 0)


def _open_formula(text: str) -> bool:
    return sum(line.strip() == "$$" for line in text.splitlines()) % 2 == 1


def _in_verse(text: str) -> bool:
    """Whether one of the last two paragraphs has lines of words of its own, one below the other."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n"))
    verses = [part.split("\n") for part in paragraphs[-2:]]
    return any(len(lines) > 1 and not any(map(kind_of, lines)) for lines in verses)


def _sentences(line: str) -> int:
    """How many a line has that ends with one: those of a dialogue are alike. Else 0."""
    ended = line.endswith(tuple(_SENTENCE_ENDS))
    return sum(sign in _SENTENCE_ENDS for sign in line) if ended else 0


def kind_of(line: str) -> str:
    """What a line is that is more than a part of a paragraph; "" if it is not."""
    return next((name for name, begins in _KINDS.items() if begins.match(line)), "")
