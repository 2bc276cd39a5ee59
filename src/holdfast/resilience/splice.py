"""Joins a continued answer to what was released: nothing twice, nothing lost.

A prefilled target goes on at the exact character; some echo the whole prefix first. An
instructed target is asked to begin with the anchor (`core.anchor`), so that the overlap
proves the seam, but it may as well repeat a few words, restart the sentence or the whole
answer, announce itself first, or just go on. One that is asked for the whole answer anew must say
all that was released again. New text is held back until the joint is
known, and from then on passes through. Where a repetition can neither be proved nor be
ruled out, the continuation is refused rather than guessed.
"""

from __future__ import annotations

from ..core.attempt import How, Seam
from ..core.failure import Failure
from .abridged import Abridged, instructed
from .instructed import Instructed
from .joint import Joint, More
from .prefilled import Prefilled
from .retold import Retold


class Splicer:
    """Feeds on the new text of one continuing attempt; gives what may be released.

    The joint is looked for at fixed lengths of the new text, so that it does not depend on
    how the text was cut into pieces on its way.
    """

    def __init__(self, released: str, how: How, *, echoes: bool = False) -> None:
        self.seam: Seam | None = None
        self._join: Instructed | Abridged | Prefilled | Retold
        match how:
            case How.PREFILL:
                self._join = Prefilled(released, echoes=echoes)
            case How.ANEW:
                self._join = Retold(released)
            case _:
                self._join = instructed(released)
        self._held = ""
        self._needed = 1
        # White space at the end was not sent to the target (see the dialects' encoders).
        self._gap = released[len(released.rstrip()) :]

    def feed(self, text: str) -> str | Failure:
        """The text that may be released now ("" while the joint is open), or why it cannot."""
        if self.seam and not self._gap:
            return text
        self._held += text
        while self.seam is None:
            if len(self._held) < self._needed:
                return ""
            found = self._join(self._held[: self._needed], final=False)
            if isinstance(found, Failure):
                return found
            if isinstance(found, More):
                self._needed = max(found.length, self._needed + 1)
            else:
                self._settle(found)
        return self._close_gap(final=False)

    def finish(self) -> str | Failure:
        """The new text has ended: what is still held is released, or it does not fit."""
        if self.seam is None:
            found = self._join(self._held, final=True)
            if isinstance(found, Failure):
                return found
            assert isinstance(found, Joint), "more cannot come"
            self._settle(found)
        return self._close_gap(final=True)

    def _settle(self, joint: Joint) -> None:
        self.seam = joint.seam
        self._held = joint.space + self._held[joint.skip :]

    def _close_gap(self, *, final: bool) -> str:
        """The white space at the end of the released text may come again: once is enough."""
        assert self.seam is not None
        if len(self._held) < len(self._gap) and self._gap.startswith(self._held):
            return ""  # at the end no more than a part of it has come again
        loose = self.seam.rule == "plain" and self.seam.dropped > 0
        if loose and not final and not self._held.strip("\r\n"):
            return ""
        held = self._held[_past_gap(self._gap, self._held, loose=loose) :]
        self._gap = self._held = ""
        return held


def _past_gap(gap: str, text: str, *, loose: bool) -> int:
    """How much of `text` repeats the whole of `gap`, in CRLF or in LF; half of it is no repetition,
    unless that is `loose` because a line of talk before it ended in breaks of its own.

    A gap that stops between CR and LF is followed by LF either way.
    """
    whole = gap.removesuffix("\r")
    bare = whole.replace("\r\n", "\n")
    if text.startswith(gap):
        return len(gap)
    if bare != whole and text.startswith(bare if whole == gap else f"{bare}\n"):
        return len(bare)
    if loose and "\n" in gap and whole == gap:
        return len(text) - len(text.lstrip("\r\n"))
    return 0
