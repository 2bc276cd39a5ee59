"""Where a growing Markdown text may be shown for good, and where a long one may be parted.

On an append-only surface a prefix that was shown cannot be changed: half a link would stay half
a link on the screens of some clients. So the last line is held back while it holds something
open, and so is the word that is being written: it may turn out to be an address.
"""

from __future__ import annotations

import re

from ..core.anchor import whole_sign

_HELD = 240  # signs; what stays open for longer is no markup but text
_NEAREST = 0.4  # of the limit: a paragraph that ends earlier is not worth the room it leaves
_FENCE = re.compile(r"^ {0,3}(?:> ?)*(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)$", re.MULTILINE)
_TABLE_RULE = re.compile(r"^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$")
_MARKS = re.compile(r"`{3,}|~{3,}")
_OPENERS = re.compile(r"`+|\*{1,3}|~~|!?\[|<(?=[A-Za-z/!]|$)|\$\$")
_LINK_BODY = re.compile(r"\[[^\[\]\n]*\](?:\([^()\s]*(?:\s\"[^\"\n]*\")?\)|(?!\(|$))")
_WORD = re.compile(r"[A-Za-z0-9_/%&=#~+@.:?-]*[A-Za-z0-9_/%&=#~+@-]\Z")
_BREAKS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[。！？；…])|(?<=[.!?;])\s"),
    re.compile(r"(?<=[，、])|\s"),
)


def open_fence(text: str) -> str:
    """The line that opened the code block in which `text` ends; "" outside of one."""
    opened, marks = "", ""
    for match in _FENCE.finditer(text):
        found, info = match["marks"], match["info"].strip()
        if not opened:
            if "`" not in info or found[0] == "~":
                opened, marks = match.group().strip(), found
        elif found[0] == marks[0] and len(found) >= len(marks) and not info:
            opened = ""
    return opened


def reopening(told: str, rest: str) -> str:
    """The lines with which a message begins that goes on with `rest` behind `told` within a block
    of code or a table: how the block was opened, or the table's head. "" elsewhere.
    """
    fence = open_fence(told)
    if fence:
        return fence
    before, after = told.rstrip("\n"), rest.lstrip("\n")
    ends = len(told) - len(before) + len(rest) - len(after)
    if ends != 1 or "|" not in after.partition("\n")[0]:
        return ""
    lines = before[before.rfind("\n\n") + 1 :].strip("\n").split("\n")
    rule = next((at for at, line in enumerate(lines) if _TABLE_RULE.match(line)), 0)
    whole = rule and all("|" in line for line in lines[rule - 1 :])
    return "\n".join(lines[rule - 1 : rule + 1]) if whole else ""


def closing_fence(opened: str) -> str:
    """What closes the block that the line `opened` began."""
    found = _MARKS.search(opened)
    return found.group() if found else ""


def settled(text: str) -> int:
    """How many signs of a text that still grows may be shown for good."""
    line_start = text.rfind("\n") + 1
    line = text[line_start:]
    held = _held_in(line, bool(open_fence(text[:line_start])))
    shown = text[: line_start + (len(line) if held is None else held)]
    if not line or held == 0:
        shown = _without_table_head(shown)
    word = _WORD.search(shown, max(0, len(shown) - _HELD))
    shown = shown[: word.start()] if word else shown
    end = whole_sign(text, len(shown.rstrip()))
    return end if len(text) - end <= _HELD else whole_sign(text, len(text.rstrip()))


def part(text: str, limit: int) -> int:
    """Where to part `text` so that the first part has at most `limit` signs."""
    if len(text) <= limit:
        return len(text)
    for pattern in _BREAKS:
        ends = [match.start() for match in pattern.finditer(text, 0, limit + 1)]
        if ends and ends[-1] >= limit * _NEAREST:
            return ends[-1]
    return max(1, whole_sign(text, limit))


def _held_in(line: str, in_code: bool) -> int | None:
    """From which sign on the unfinished last line is held back; None if it need not be."""
    bare = line.lstrip(" >")
    if in_code or bare.startswith(("```", "~~~", "|")) or bare in ("`", "``", "~", "~~"):
        return 0
    return _open_markup(line)


def _open_markup(line: str) -> int | None:
    """Where the first construct begins that `line` has not closed."""
    at = 0
    while match := _OPENERS.search(line, at):
        mark = match.group()
        if mark.endswith("["):
            link = _LINK_BODY.match(line, match.end() - 1)
            if not link:
                return match.start()
            at = link.end()
        elif mark == "<":
            end = line.find(">", match.end())
            if end < 0:
                return match.start()
            at = end + 1
        else:
            end = line.find(mark, match.end())
            if end < 0 and not _is_bullet(line, match):
                return match.start()
            at = match.end() if end < 0 else end + len(mark)
    return None


def _is_bullet(line: str, match: re.Match[str]) -> bool:
    """A star at the beginning of a line, or with spaces around it, opens nothing."""
    after = line[match.end() : match.end() + 1]
    return match.group() == "*" and after == " "


def _without_table_head(shown: str) -> str:
    """A table's first line is shown with its second, which tells that it is a table."""
    lines = shown.removesuffix("\n").rsplit("\n", 2)
    head = lines[-1].strip()
    before = lines[-2].strip() if len(lines) > 1 else ""
    if head.startswith("|") and not before.startswith("|"):
        return shown.removesuffix("\n")[: -len(lines[-1])]
    return shown
