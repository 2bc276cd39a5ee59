"""Lines of text for narrow columns, Chinese included.

rich breaks lines at spaces only and cuts off a longer run of signs. Chinese has no spaces: it may
be broken between any two signs, but for punctuation, which stays with its neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_OPENING = "（“‘「『《【(\\["
_CLOSING = "。，、；：？！）”’」』》】…,.;:?!)\\]"
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff"

# What stays on one line: a word or one wide sign, with the punctuation that belongs to it.
_UNIT = re.compile(
    rf"[{_OPENING}]*(?:[^\S\n]+|[^\s{_WIDE}{_OPENING}]+|[{_WIDE}])[{_CLOSING}]*[^\S\n]*|[^\n]"
)


class Prose:
    """Draws `text` broken to the width that there is."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.split(allow_blank=True):
            yield from _lines(line, options.max_width)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widest = max(map(cell_len, self.text.plain.splitlines()), default=0)
        return Measurement(min(widest, 2), widest).with_maximum(options.max_width)


def _lines(line: Text, width: int) -> Iterator[Text]:
    breaks = list(_breaks(line.plain, max(width, 2)))
    for part in line.divide(breaks):
        part.rstrip()
        part.no_wrap = True
        yield part


def _breaks(plain: str, width: int) -> Iterator[int]:
    """Where a new line begins."""
    used = at = 0
    for unit in _UNIT.findall(plain):
        needed = cell_len(unit.rstrip())
        if used and used + needed > width:
            yield at
            used = 0
        pieces = chop_cells(unit, width) if needed > width else [unit]
        for piece in pieces[:-1]:
            at += len(piece)
            yield at
        at += len(pieces[-1])
        used += cell_len(pieces[-1])
