"""Joins a continued answer to what was released: nothing twice, nothing lost.

A prefilled target goes on at the exact character; some echo the whole prefix first. An
instructed target is asked to begin with the anchor (`core.anchor`), so that the overlap
proves the seam, but it may as well repeat a few words, restart the sentence or the whole
answer, announce itself first, or just go on. New text is held back until the joint is
known, and from then on passes through. Where a repetition can neither be proved nor be
ruled out, the continuation is refused rather than guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..core.anchor import anchor, open_fence
from ..core.attempt import How, Seam
from ..core.failure import Failure, Kind, Phase
from .overlap import (
    Folded,
    Proof,
    common_prefix,
    exact_overlap,
    fold,
    folded_overlap,
    is_distinct,
    shared_start,
    still_to_come,
)
from .talk import Preface, opens_anew, preface

WINDOW = 160  # characters of new text that settle the joint if nothing settles it sooner
RESTART = 40  # weight of equal first letters that mean: the answer was begun anew
SENTENCE = 12  # the same for the sentence that was cut
QUOTED = 24  # shortest repetition that proves what stands before it to be no text
_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
_OPEN_QUOTES = "“‘「『《\"'"
_CLOSING = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "`": "`", "*": "*"}


@dataclass(frozen=True, slots=True)
class Joint:
    """Where in the new text the unseen part begins: `skip` characters are not for the reader."""

    skip: int
    seam: Seam


@dataclass(frozen=True, slots=True)
class More:
    """The joint cannot be told before so many characters of new text are there."""

    length: int


class Splicer:
    """Feeds on the new text of one continuing attempt; gives what may be released.

    The joint is looked for at fixed lengths of the new text, so that it does not depend on
    how the text was cut into pieces on its way.
    """

    def __init__(self, released: str, how: How, *, echoes: bool = False) -> None:
        self.seam: Seam | None = None
        self._join = (
            Prefilled(released, echoes=echoes) if how is How.PREFILL else Instructed(released)
        )
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
        self._held = self._held[joint.skip :]

    def _close_gap(self, *, final: bool) -> str:
        """The white space at the end of the released text may come again: once is enough."""
        if len(self._held) < len(self._gap) and self._gap.startswith(self._held) and not final:
            return ""
        held = self._held[_past_gap(self._gap, self._held) :]
        self._gap = self._held = ""
        return held


def _past_gap(gap: str, text: str) -> int:
    """How much of `text` repeats `gap`; a line may end in CRLF in one and in LF in the other."""
    end = common_prefix(gap, text)
    if gap[end:].startswith("\r\n") and text.startswith("\n", end):
        bare = gap.replace("\r\n", "\n")
        return common_prefix(bare, text)
    return end


class Prefilled:
    """An exact continuation, unless the whole prefix is echoed first."""

    def __init__(self, released: str, *, echoes: bool) -> None:
        self._prefix = released.strip()
        self._echoes = echoes
        self._may_echo = echoes or is_distinct(self._prefix)

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        if self._may_echo and self._prefix:
            begun = new.lstrip()
            space = len(new) - len(begun)
            if begun.startswith(self._prefix):
                skip = space + len(self._prefix)
                return Joint(skip, Seam("echo", len(self._prefix), space, verified=True))
            if self._prefix.startswith(begun):
                if not final:
                    return More(len(new) + 1)
                if is_distinct(begun) or (self._echoes and begun):
                    return _diverged("began the answer anew and ended before the cut")
        return Joint(0, Seam("prefill", verified=True))


class Instructed:
    """A continuation asked for in words: the joint is where its repetition ends."""

    def __init__(self, released: str) -> None:
        self._text = released.rstrip()
        self._has_gap = len(self._text) < len(released)
        self._anchor = anchor(released)
        last_line = released[released.rfind("\n") + 1 :].lstrip()
        inside = open_fence(released) is not None
        self._fence_open = inside and not last_line.startswith(("```", "~~~"))

    @cached_property
    def _known(self) -> Folded:
        return fold(self._text)

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        if not self._text:
            return Joint(0, Seam("blank", verified=True))
        if new.startswith(self._anchor):
            proved = is_distinct(self._anchor)
            return Joint(len(self._anchor), Seam("anchor", len(self._anchor), verified=proved))
        if not final and len(new) < WINDOW:
            return More(len(self._anchor) if self._anchor.startswith(new) else WINDOW)
        before = self._preface(new)
        if not final and len(new) < max(before.possible) + WINDOW <= 3 * WINDOW:
            return More(max(before.possible) + WINDOW)
        fresh = fold(new)
        coming = [still_to_come(self._known, fresh, offset) for offset in before.possible]
        if not final and (left := [count for count in coming if count]):
            return More(len(new) + min(len(new), *left))
        joint = self._repeated(fresh, before)
        if joint is not None:
            return self._with_news(joint, new, final=final)
        if any(coming):
            return _diverged("repeated what was released and ended there")
        objection = self._objection(new, before)
        if objection:
            return _diverged(objection)
        certain = before.certain
        return self._with_news(Joint(certain, Seam("plain", dropped=certain)), new, final=final)

    def _preface(self, new: str) -> Preface:
        found = preface(new, fence_open=self._fence_open)
        if self._text[-1] in _OPEN_QUOTES:  # somebody speaks in the text
            return Preface(0, found.possible)
        return found

    def _repeated(self, fresh: Folded, before: Preface) -> Joint | Failure | None:
        """The joint after what is repeated; a refusal if that may be the text itself."""
        new = fresh.text
        found = max(self._overlaps(fresh, before), key=lambda one: one[0], default=None)
        if found is None:
            return None
        (proof, length, _), offset, rule = found
        if proof is Proof.DOUBT:
            return _diverged("may repeat what was released or go on, which cannot be told apart")
        verified = proof is Proof.SURE
        end = offset + length
        quote = _CLOSING.get(new[:offset].rstrip()[-1:], "")
        if quote and new.startswith(quote, end) and not self._text.endswith(quote):
            end += len(quote)
        return Joint(end, Seam(rule, length, offset, verified=verified))

    def _overlaps(
        self, fresh: Folded, before: Preface
    ) -> Iterator[tuple[tuple[Proof, int, int], int, str]]:
        """Repetitions of the end of the released text, with how to compare them, and where."""
        for offset in before.possible:
            exact = exact_overlap(self._text, fresh.text[offset:], gap=self._has_gap)
            folded = folded_overlap(self._known, fresh, offset)
            whole = exact.length == len(self._text)
            for overlap, rule in ((exact, "restart" if whole else "overlap"), (folded, "folded")):
                if overlap.proof is Proof.CHANCE:
                    continue
                long = overlap.length >= min(QUOTED, len(self._text))
                if offset == before.certain or (overlap.proof is Proof.SURE and long):
                    yield (overlap.proof, overlap.length, rule != "folded"), offset, rule

    def _objection(self, new: str, before: Preface) -> str:
        """Why text that repeats nothing is no continuation; "" if it may be one."""
        rest = new[before.certain :]
        if shared_start(self._text, rest) >= RESTART:
            return "began the answer anew in other words"
        last = max(self._text.rfind(end) for end in ".!?。！？\n") + 1
        if shared_start(self._text[last:], rest) >= SENTENCE:
            return "began the sentence anew in other words"
        if is_distinct(self._anchor) and self._anchor in new:
            return "repeated what was released after words of its own"
        unfinished = self._text[-1] not in _ENDS and not self._fence_open
        glued = self._text[-1].islower() and rest[:1].isupper() and not self._has_gap
        if unfinished and (glued or opens_anew(rest.lstrip())):
            return "begins like another answer in the middle of a sentence"
        return ""

    def _with_news(self, joint: Joint | Failure, new: str, *, final: bool) -> Joint | Failure:
        """An answer that adds nothing is whole only if what it repeats proves it."""
        if isinstance(joint, Failure) or joint.seam.verified or not final:
            return joint
        if not new[joint.skip :].strip():
            return _diverged("added nothing to what was released")
        return joint


def _diverged(detail: str) -> Failure:
    return Failure(Kind.DIVERGED, Phase.STREAM, detail=f"the continuation {detail}")
