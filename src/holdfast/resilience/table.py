"""The joint in a table that is begun again: its head comes first, or the row of lines under it.

No table has that row twice (GFM 4.10). So what stands before it is the head once more, or talk; and
the rows behind it are those of the table, from the first one or from one further down, until they
go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from .drift import align
from .joint import More
from .letters import letters_of, weight

DRIFT = 0.3  # share of a row that may differ if it is told again in nearly the same words

_DELIMITERS = re.compile(r"[\s|:-]*-[\s|:-]*")


@dataclass(frozen=True, slots=True)
class Again:
    """`new[start:end]` says again what the table has."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Line:
    text: str  # without white space around it
    start: int
    end: int
    whole: bool  # nothing more of it comes


def is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def bars(line: str) -> int:
    """How many of them part cells."""
    return line.count("|") - line.count("\\|")


def told_again(text: str, new: str, *, final: bool) -> Again | More | None:
    """What `new` repeats of the table in whose rows `text` ends, if it begins it again. `final`: no
    more text comes.
    """
    table = list(_table(text))
    if len(table) < 2 or not _DELIMITERS.fullmatch(table[1]):
        return None
    head, delimiters, *body = table
    lines = list(_lines(new, final))
    at = _repeated(head, delimiters, lines)
    if at is None:
        return None
    above = lines[at - 1].text if at else ""
    named = letters_of(above) != "" and _ends_in(head, above)
    start, under = lines[at - named].start, lines[at]
    rows = list(takewhile(lambda line: is_row(line.text), lines[at + 1 :]))
    over = final or len(lines) > at + 1 + len(rows)  # no more of them come
    if not body:
        return Again(start, under.end) if text.count(f"\n{delimiters}") == 1 else None
    for first in range(len(body)):
        if not any(map(letters_of, body[first:])):
            break  # any row begins like that
        end = _past(body[first:], rows, bars(head) if first == 0 else None, over)
        if isinstance(end, More):
            return More(len(new) + end.length)
        if end:
            return Again(start, end)
    if not rows or bars(body[-1]) != bars(head) or any(_is_like(old, rows[0].text) for old in body):
        return None
    at_once = not new[:start].strip(" \r\n") and "\n\n" not in new[:start]
    return Again(start, under.end) if at_once else None


def _table(text: str) -> Iterator[str]:
    """The rows in which it ends, the first first."""
    lines = text.split("\n")
    count = next((n for n, line in enumerate(reversed(lines)) if not is_row(line)), len(lines))
    yield from map(str.strip, lines[len(lines) - count :])


def _lines(new: str, final: bool) -> Iterator[_Line]:
    at = 0
    *broken, last = new.split("\n")
    for line in [*broken, last] if last else broken:
        bare = line.strip()
        start = at + line.find(bare)
        at += len(line) + 1
        yield _Line(bare, start, start + len(bare), final or at <= len(new))


def _repeated(head: str, delimiters: str, lines: Sequence[_Line]) -> int | None:
    """Which line is the row under the head: the last before any other row of a table."""
    found = None
    for number, line in enumerate(lines):
        if line.text == delimiters:
            found = number
        elif not is_row(line.text) or line.text.startswith(delimiters):
            found = found if not line.text else None  # it was spoken of
        elif found is not None or not _ends_in(head, line.text):
            return found
    return found


def _ends_in(head: str, line: str) -> bool:
    return letters_of(head).endswith(letters_of(line))


def _past(
    told: Sequence[str], rows: Sequence[_Line], cells: int | None, over: bool
) -> int | More | None:
    """Where the new `rows` go on that say again what was `told`, sign by sign, or where the whole
    table is told again, `cells` to a row, in nearly the same words.
    """
    for left, old, row in zip(range(len(told), 0, -1), told, rows, strict=False):
        if left == 1 and row.text.startswith(old):
            return row.start + len(old)
        if not row.whole and (old.startswith(row.text) or cells):
            return More(len(old) + 1)
        like = cells == bars(old) and _has_cell(old, row.text) and _is_like(old, row.text)
        if row.text != old and not like:
            return None
        if left == 1:
            return row.end
    return None if over else More(sum(map(len, told[len(rows) :])) + len(told))


def _has_cell(old: str, row: str) -> bool:
    """Whether the first cell is the same: it is what tells one row from the next."""
    return old.split("|")[1].strip() == row.split("|")[1].strip()


def _is_like(old: str, row: str) -> bool:
    """Whether it is the same row in nearly the same words."""
    one, other = letters_of(old), letters_of(row)
    near = align(one, other)
    rest = max(weight(one[near.old :]), weight(other[near.new :]))
    return bars(old) == bars(row) and near.missed + rest <= DRIFT * weight(one)
