"""The joint of a continuation of a long text: it is looked for with the first and the last pages.

What it costs to look for it grows with the text, and nobody else is served meanwhile. A target may
tell the whole text again, though: so the old text is looked through for what comes, as it stands,
until that has come to the last pages; the joint is in what comes from there on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from ..core.anchor import anchor, open_fence
from ..core.failure import Failure
from .instructed import Instructed
from .joint import Divergence, Joint, More, diverged

LONG = 8_000  # characters of a text that is compared as a whole
HEAD = 2_000  # of a longer one: so many first ones, and the last ones
AGAIN = 100  # characters in a row that show where in the old text they are from
SEED = 40  # of them, at the beginning of the last pages
APART = 160  # and from one to the next, should words differ
SEEDS = 12
LOST = 600  # characters that are from nowhere: it is told again no longer
RETOLD = 2_000  # characters told again, after which other words are no continuation


def instructed(released: str) -> Instructed | Abridged:
    """What finds the joint of a continuation by a target that was told to go on."""
    if len(released) <= LONG:
        return Instructed(released, anchor(released))
    return Abridged(released)


class Abridged:
    """Like `Instructed`, in steps whose length does not depend on that of the text."""

    def __init__(self, released: str) -> None:
        self._at = at = _begins_line(released, len(released) - LONG + HEAD)
        self._before, self._last = released[:at], released[at:]
        self._quoted = anchor(released)
        head = released[: _begins_line(released, HEAD)]
        self._join = Instructed(head + _fence(head, self._before) + self._last, self._quoted)
        self._told = 0  # characters of new text up to the last that are from `before`
        self._place = 0  # and how many stand there up to them
        self._awaited = 0  # characters of new text up to where they should go on
        self._skip: int | None = None  # characters of new text before the last pages come again

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        if self._skip is None:
            waiting = self._wait(new, final=final)
            if waiting is not None:
                return waiting
        skip = self._skip or 0
        return _moved(self._join(new[skip:], final=final), skip)

    def _wait(self, new: str, *, final: bool) -> More | Failure | None:
        """What there is to wait for while what stands before the last pages is told again."""
        if self._told:
            self._skip = self._arrival(new)
            if self._skip is not None:
                fenced = _fence("", self._before)
                self._join = Instructed(fenced + self._last, self._quoted)
                return None
        left = self._left(new)
        if left:
            if final:
                return diverged(Divergence.EARLY_END)
            self._awaited = len(new) + max(AGAIN, min(left, len(new) // 8))
            return More(self._awaited)
        if not self._told:
            return None
        if not final and len(new) - self._awaited < LOST:
            return More(len(new) + AGAIN)
        return diverged(Divergence.ANEW) if self._told > RETOLD else None

    def _left(self, new: str) -> int:
        """How much stands between what came last and the last pages; 0 if it is from elsewhere, or
        from nowhere near where the words before it are from.
        """
        since, piece = len(new) - self._told, new[-AGAIN:]
        near = (self._place - AGAIN, self._place + since + since // 4) if self._told else ()
        found = self._before.find(piece, *near) if len(piece) == AGAIN else -1
        if found < 0:
            return 0
        self._told, self._place = len(new), found + AGAIN
        return len(self._before) - self._place + 1

    def _arrival(self, new: str) -> int | None:
        """Where the last pages begin again."""
        for start, seed in self._seeds:
            found = new.rfind(seed)
            if found >= start:
                return found - start
        return None

    @cached_property
    def _seeds(self) -> Sequence[tuple[int, str]]:
        """Where in the last pages stands what stands nowhere before."""
        pieces = ((at, self._last[at : at + SEED]) for at in range(0, SEEDS * APART, APART))
        return [(at, piece) for at, piece in pieces if piece not in self._before]


def _begins_line(text: str, at: int) -> int:
    """Where the next line begins, unless lines are long."""
    found = text.find("\n", at, at + HEAD)
    return found + 1 if found >= 0 else at


def _fence(head: str, before: str) -> str:
    """The line that opens or closes a block of code after `head`, if it is so after `before`."""
    here, there = open_fence(head), open_fence(before)
    if (here is None) == (there is None):
        return ""
    return "```\n" if there is None else f"```{there}\n"


def _moved(found: Joint | More | Failure, by: int) -> Joint | More | Failure:
    """The same, seen from `by` characters before."""
    match found:
        case Joint(skip, seam, space):
            return Joint(skip + by, replace(seam, overlap=seam.overlap + by), space)
        case More(length):
            return More(length + by)
        case Failure():
            return found
