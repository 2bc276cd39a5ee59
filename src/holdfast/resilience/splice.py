"""Joins a continued answer to what was released: nothing twice, nothing lost.

A prefilled target goes on at the exact character; some echo the whole prefix first. An
instructed target is asked to begin with the anchor (`core.anchor`), so that the overlap
proves the seam, but it may as well repeat a few words, restart the sentence or the whole
answer, announce itself first, or just go on. New text is held back until the joint is
known, and from then on passes through.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.anchor import anchor, open_fence
from ..core.attempt import How, Seam
from ..core.failure import Failure, Kind, Phase
from .overlap import (
    announced,
    common_prefix,
    exact_overlap,
    fence_line,
    fold,
    folded_overlap,
    is_meant,
    starts,
)

WINDOW = 160  # characters of new text that settle the joint if nothing settles it sooner
TAIL = 2000  # how far back an overlap is looked for
RESTART = 40  # equal first characters that mean: the answer was begun anew
ECHO = 24  # shortest repetition of a whole text that cannot be chance


@dataclass(frozen=True, slots=True)
class Joint:
    """Where in the new text the unseen part begins: `skip` characters are not for the reader."""

    skip: int
    seam: Seam


class Splicer:
    """Feeds on the new text of one continuing attempt; gives what may be released."""

    def __init__(self, released: str, how: How, *, echoes: bool = False) -> None:
        self.seam: Seam | None = None
        self._released = released
        self._how = how
        self._echoes = echoes
        self._held = ""
        # White space at the end was not sent to the target (see the dialects' encoders).
        self._gap = released[len(released.rstrip()) :]

    def feed(self, text: str) -> str | Failure:
        """The text that may be released now ("" while the joint is open), or why it cannot."""
        if self.seam and not self._gap:
            return text
        self._held += text
        return self._settle(final=False)

    def finish(self) -> str | Failure:
        """The new text has ended: what is still held is released, or it does not fit."""
        return self._settle(final=True)

    def _settle(self, *, final: bool) -> str | Failure:
        if self.seam is None:
            joint = self._joint(final=final)
            if joint is None:
                return ""
            if isinstance(joint, Failure):
                return joint
            self.seam = joint.seam
            self._held = self._held[joint.skip :]
        return self._close_gap(final=final)

    def _joint(self, *, final: bool) -> Joint | Failure | None:
        if self._how is How.PREFILL:
            return join_prefilled(self._released, self._held, echoes=self._echoes, final=final)
        return join_instructed(self._released, self._held, final=final)

    def _close_gap(self, *, final: bool) -> str:
        """The white space at the end of the released text may come again: once is enough."""
        if len(self._held) < len(self._gap) and self._gap.startswith(self._held) and not final:
            return ""
        held = self._held[common_prefix(self._gap, self._held) :]
        self._gap = self._held = ""
        return held


def join_prefilled(released: str, new: str, *, echoes: bool, final: bool) -> Joint | Failure | None:
    """An exact continuation, unless the whole prefix is echoed first. None: need more text."""
    prefix = released.rstrip()
    if echoes or len(prefix) >= ECHO:
        if new.startswith(prefix):
            return Joint(len(prefix), Seam("echo", overlap=len(prefix), verified=True))
        if prefix.startswith(new):
            if not final:
                return None
            if len(new) >= ECHO:
                return _diverged("began the answer anew and ended before the cut")
    return Joint(0, Seam("prefill", verified=True))


def join_instructed(released: str, new: str, *, final: bool) -> Joint | Failure | None:
    """Finds the joint by anchor, restart or overlap, else trusts it. None: need more text."""
    wanted = anchor(released)
    if wanted and new.startswith(wanted):
        return Joint(len(wanted), Seam("anchor", overlap=len(wanted), verified=True))
    if len(new) < WINDOW and not final:
        return None
    tail = released.rstrip()[-TAIL:]
    offsets = starts(new)
    if any(_still_repeating(released, tail, new[offset:]) for offset in offsets):
        if not final:
            return None
        return _diverged("repeated what was released and ended there")
    for offset in offsets:
        restarted = _restart(released, new[offset:], offset)
        if restarted:
            return restarted
    return _longest_overlap(tail, new, offsets) or _plain(released, new)


def _still_repeating(released: str, tail: str, rest: str) -> bool:
    """Whether all the new text so far lies inside the released text, short of its end."""
    letters = fold(rest).letters
    if len(letters) < ECHO:
        return False
    old = fold(tail).letters
    inside = letters in old and not old.endswith(letters)
    return inside or (len(letters) < len(released) and fold(released).letters.startswith(letters))


def _restart(released: str, rest: str, offset: int) -> Joint | Failure | None:
    """The answer was begun anew: join where it passes the cut, if it tells the same."""
    shared = released.rstrip()
    if rest.startswith(shared) and len(shared) >= RESTART:
        return Joint(offset + len(shared), Seam("restart", len(shared), offset, verified=True))
    old, fresh = fold(shared), fold(rest)
    if len(old.letters) < RESTART or not fresh.letters.startswith(old.letters[:RESTART]):
        return None
    if not fresh.letters.startswith(old.letters):
        return _diverged("began the answer anew in other words")
    end = fresh.end_of(len(old.letters), shared, rest)
    return Joint(offset + end, Seam("restart", end, offset, verified=True))


def _longest_overlap(tail: str, new: str, offsets: tuple[int, ...]) -> Joint | None:
    """The longest part near the start of `new` that repeats the end of what was released."""
    best: Joint | None = None
    for offset in offsets:
        length = exact_overlap(tail, new[offset:])
        if is_meant(tail, length) and (best is None or length > best.seam.overlap):
            best = Joint(offset + length, Seam("overlap", length, offset, verified=True))
    if best:
        return best
    for offset in offsets:
        length = folded_overlap(tail, new[offset:])
        if length:
            return Joint(offset + length, Seam("folded", length, offset, verified=True))
    return None


def _plain(released: str, new: str) -> Joint:
    """No overlap: drop an announcement and a reopened fence, and trust the model for the rest."""
    skip = announced(released, new)
    fence = fence_line(new, skip)
    if fence and fence.language and open_fence(released) is not None:
        skip = fence.end
    return Joint(skip, Seam("plain", dropped=skip))


def _diverged(detail: str) -> Failure:
    return Failure(Kind.DIVERGED, Phase.STREAM, detail=f"the continuation {detail}")
