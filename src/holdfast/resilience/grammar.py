"""Which of two joints gives sound Markdown, where a few signs may come again or go on.

`|` and then `| Lagos |`, `3` and then `3. Edit`, a backtick and then two of them: the signs prove
nothing, but one of the two readings has a cell too many, a number out of order or half a fence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..core.anchor import open_fence
from .table import bars, is_row

_LINES = 3  # that are looked at from the one with the joint on
_NUMBERED = re.compile(r"(\s*)(\d{1,3})[.)、](?!\d)")
_DELIMITERS = re.compile(r"[\s|:-]*")
_NO_FIRST_CELL = re.compile(r"\s*\|\s*\|")
_NESTED = re.compile(r"\s*>\s*>")
# What marks of several signs come to that are one short, or one too many.
_HALVED = re.compile(
    r"(?<![\"'\w])\"\"\w"  # a docstring
    r"|^(?:--|\+\+) [ab]/|^(?:@|@@@) -\d"  # a patch
    r"|(?:^|[;{}])\s*/(?!/|\*)\s"  # a comment
    r"|^--$"  # a rule
)
_ONE_BACKSLASH = re.compile(r"(?<!\\)\\$")


def sounder(text: str, one: str, other: str, *, final: bool) -> str | None:
    """Of two ways to go on with `text`, the one with fewer flaws; None if that tells nothing.

    `final`: no more text comes, so that the last line is whole.
    """
    flaws, others = _flaws(text, one, final), _flaws(text, other, final)
    return None if flaws == others else one if flaws < others else other


def _flaws(text: str, rest: str, final: bool) -> int:
    """Of the line in which `text` ends, with `rest` behind it, and the next ones."""
    *above, last = text.split("\n")
    *whole, part = (last + rest + "\n" * final).split("\n")
    count = 0
    for line in whole[:_LINES]:
        count += sum(flaw(above, line, True) for flaw in _KINDS)
        above.append(line)
    if len(whole) < _LINES:
        count += sum(flaw(above, part, False) for flaw in _KINDS)
    return count


def _of_tables(above: Sequence[str], line: str, whole: bool) -> bool:
    """A row has as many cells as the head, and the second is one of lines."""
    if not is_row(line):
        return False
    head, rows = "", 0
    for row in reversed(above):
        if not is_row(row):
            break
        head, rows = row, rows + 1
    if not rows:
        return _NO_FIRST_CELL.match(line) is not None
    if rows == 1 and not _DELIMITERS.fullmatch(line):
        return True
    cells, wanted = bars(line), bars(head)
    return cells != wanted if whole else cells > wanted


def _of_fences(above: Sequence[str], line: str, whole: bool) -> bool:
    """Three backticks open code, and as many alone close it."""
    bare = line.strip()
    ticks = bare[: len(bare) - len(bare.lstrip("`"))]
    if not ticks or len(ticks) == 3:
        return False
    if open_fence("\n".join([*above, ""])) is not None:
        return ticks == bare
    return len(ticks) > 3 or (whole and bare.count(ticks) < 2)


def _of_formulas(above: Sequence[str], line: str, whole: bool) -> bool:
    return line.lstrip().startswith("$$$") or (whole and line.count("$") % 2 == 1)


def _of_numbers(above: Sequence[str], line: str, whole: bool) -> bool:
    """Items are counted from one, or all have the same number."""
    item = _NUMBERED.match(line)
    if item is None:
        return False
    found = map(_NUMBERED.match, reversed(above))
    before = next((int(m[2]) for m in found if m and m[1] == item[1]), 0)
    return int(item[2]) not in (before, before + 1)


def _of_quotations(above: Sequence[str], line: str, whole: bool) -> bool:
    return _NESTED.match(line) is not None and not any(map(_NESTED.match, above))


def _of_marks(above: Sequence[str], line: str, whole: bool) -> bool:
    """Some stand in twos and threes, and those of bold letters in pairs."""
    bold = whole and line.count("**") % 2 == 1 and "`" not in line
    return bold or _HALVED.search(line) is not None


def _of_lines_in_formulas(above: Sequence[str], line: str, whole: bool) -> bool:
    return whole and "&" in line and _ONE_BACKSLASH.search(line) is not None


_KINDS: Sequence[Callable[[Sequence[str], str, bool], bool]] = (
    _of_tables,
    _of_fences,
    _of_formulas,
    _of_numbers,
    _of_quotations,
    _of_marks,
    _of_lines_in_formulas,
)
