"""Joins a continued answer to what was released: nothing twice, nothing lost.

A prefilled target goes on at the exact character; some echo the whole prefix first. An
instructed target is asked to begin with the anchor (`core.anchor`), so that the overlap
proves the seam, but it may as well repeat a few words, restart the sentence or the whole
answer, announce itself first, or just go on. New text is held back until the joint is
known, and from then on passes through. Where a repetition can neither be proved nor be
ruled out, the continuation is refused rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..core.anchor import anchor, open_fence
from ..core.attempt import How, Seam
from ..core.failure import Failure, Kind, Phase
from .overlap import (
    Folded,
    Overlap,
    Proof,
    common_prefix,
    exact_overlap,
    fold,
    folded_overlap,
    is_distinct,
    shared_start,
    still_to_come,
    weight,
)
from .recall import recalled
from .talk import Preface, interjected, is_prose, opens_anew, preface

WINDOW = 160  # characters of new text that settle the joint if nothing settles it sooner
RESTART = 40  # weight of equal first letters that mean: the answer was begun anew
FAIR = 8  # weight of a beginning that is hardly found again by chance
SLIGHT = 5  # below this, letters that begin alike are chance
SENTENCE = 12  # the same for the sentence that was cut
QUOTED = 24  # weight of a repetition that proves whatever stands before it to be no text
_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
_ENDINGS = re.compile(r"[.!?]\s+|[。！？]|\n")
_NO_LETTERS = "".join(map(chr, range(33, 48))) + ":;<=>?@[\\]^_`{|}~。，、；：？！…—”’」』）】》"
_OPEN_QUOTES = "“‘「『《"
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", '"': '"', "'": "'", "`": "`", "*": "*"}
_MARKERS = re.compile(r"-{3,}\s*\Z")  # the lines between which the instruction shows the anchor
_MARKER = re.compile(r"\s*\n-{3,}[^\S\n]*(?:\n|\Z)")


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


class Prefilled:
    """An exact continuation, unless the whole prefix is echoed first."""

    def __init__(self, released: str, *, echoes: bool) -> None:
        self._prefix = released.strip()
        self._echoes = echoes
        self._may_echo = echoes or is_distinct(self._prefix)

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        begun = new.lstrip()
        so_far = bool(self._prefix) and self._prefix.startswith(begun)
        if so_far and not final:
            return More(len(new) + 1)
        if self._prefix and begun.startswith(self._prefix):
            return self._repeated(begun, len(new) - len(begun))
        if so_far and (is_distinct(begun) or (self._echoes and begun)):
            return _diverged("began the answer anew and ended before the cut")
        return Joint(0, Seam("prefill", verified=True))

    def _repeated(self, begun: str, space: int) -> Joint | Failure:
        """All that was released comes again: an echo, unless a short text may go on like that."""
        if self._may_echo:
            skip = space + len(self._prefix)
            return Joint(skip, Seam("echo", len(self._prefix), space, verified=True))
        if exact_overlap(self._prefix, begun).proof is Proof.CHANCE:
            return Joint(0, Seam("prefill", verified=True))
        return _diverged("may begin the answer anew or go on, which cannot be told apart")


class Instructed:
    """A continuation asked for in words: the joint is where its repetition ends."""

    def __init__(self, released: str) -> None:
        self._text = released.rstrip()
        self._has_gap = len(self._text) < len(released)
        self._anchor = anchor(released)
        last_line = released[released.rfind("\n") + 1 :].lstrip()
        inside = open_fence(released) is not None
        self._fence_open = inside and not last_line.startswith(("```", "~~~"))
        self._has_break = "\n" in released[len(self._text) :]
        self._unfinished = self._text[-1:] not in _ENDS and not self._fence_open
        # Signs that end the text and what may close a quotation of it must be there to be skipped.
        self._lookahead = len(self._text) - len(self._text.rstrip(_NO_LETTERS)) + 8

    @cached_property
    def _known(self) -> Folded:
        return fold(self._text)

    @cached_property
    def _telling(self) -> bool:
        """Whether nobody begins with these words but who quotes them."""
        if len(self._anchor) >= QUOTED:
            return True
        fair = weight(fold(self._anchor).letters) >= FAIR
        return fair and exact_overlap(self._text, self._anchor).proof >= Proof.LIKELY

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        if not self._text:
            return Joint(0, Seam("blank", verified=True))
        if self._telling and new.startswith(self._anchor):
            proved = is_distinct(self._anchor)
            return Joint(len(self._anchor), Seam("anchor", len(self._anchor), verified=proved))
        if not final and len(new) < WINDOW:
            return More(len(self._anchor) if self._anchor.startswith(new) else WINDOW)
        before = self._preface(new)
        before = self._without_echoes(before, new)
        fresh = fold(new)
        offsets = self._offsets(fresh, before)
        if not final and len(new) < max(offsets) + WINDOW <= 3 * WINDOW:
            return More(max(offsets) + WINDOW)
        coming = [still_to_come(self._known, fresh, offset) for offset in offsets]
        if not final and (left := [count for count in coming if count]):
            return More(len(new) + min(len(new), *left))
        joint = self._repeated(fresh, before, offsets)
        if isinstance(joint, Joint) and not final and len(new) < joint.skip + self._lookahead:
            return More(joint.skip + self._lookahead)
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
        line = self._text[self._text.rfind("\n") + 1 :]
        quoted = line[-1] in "\"'" and line.count(line[-1]) % 2 == 1
        spoken = quoted or line[-1] in _OPEN_QUOTES
        introduced = line[-1] in ":：" and not (self._fence_open or self._has_break)
        found = preface(new, fence_open=self._fence_open, spoken=spoken, introduced=introduced)
        if spoken or not self._unfinished:
            return found
        length, goes_on = interjected(new[found.certain :])
        end = found.certain + length
        if goes_on:
            return replace(found, certain=end, likely=(end, *found.likely))
        return replace(found, suspect=found.suspect or end > found.certain)

    def _without_echoes(self, before: Preface, new: str) -> Preface:
        """What stands in the released text already is no talk: the text begins before it."""

        def silent(offset: int) -> bool:
            letters = fold(new[:offset]).letters
            return weight(letters) < SENTENCE or letters not in self._known.letters

        return replace(
            before,
            likely=tuple(filter(silent, before.likely)) or (0,),
            certain=before.certain if silent(before.certain) else 0,
        )

    def _offsets(self, fresh: Folded, before: Preface) -> tuple[int, ...]:
        """Where the text may begin: after talk, or after anything where it begins again."""
        found = recalled(self._known, fresh, len(self._text) - len(self._anchor))
        return (*before.likely, *(offset for offset in found if offset not in before.likely))

    def _repeated(
        self, fresh: Folded, before: Preface, offsets: Sequence[int]
    ) -> Joint | Failure | None:
        """The joint after what is repeated; a refusal if that may be the text itself."""
        new = fresh.text
        found = max(self._overlaps(fresh, before, offsets), key=lambda one: one[0], default=None)
        if found is None:
            return None
        (proof, *_), overlap, offset, rule = found
        if proof is Proof.DOUBT:
            return _diverged("may repeat what was released or go on, which cannot be told apart")
        end = _past_frame(new, offset, offset + overlap.length, self._text)
        return Joint(end, Seam(rule, overlap.length, offset, verified=proof is Proof.SURE))

    def _overlaps(
        self, fresh: Folded, before: Preface, offsets: Sequence[int]
    ) -> Iterator[tuple[tuple[Proof, int, bool], Overlap, int, str]]:
        """Repetitions of the end of the released text: how to compare them, and where they are."""
        for offset in offsets:
            if self._asked(fresh.text, offset):
                quote = Overlap(len(self._anchor), Proof.SURE)
                yield (Proof.SURE, len(self._known.letters), True), quote, offset, "anchor"
            exact = exact_overlap(self._text, fresh.text[offset:], gap=self._has_gap)
            folded = folded_overlap(self._known, fresh, offset)
            whole = exact.length == len(self._text)
            for overlap, rule in ((exact, "restart" if whole else "overlap"), (folded, "folded")):
                letters = fresh.letters[fresh.first(offset) : fresh.first(offset + overlap.length)]
                proof = self._believed(overlap, letters, fresh.text[:offset], before)
                if proof is not Proof.CHANCE:
                    yield (proof, len(letters), rule != "folded"), overlap, offset, rule

    def _believed(self, overlap: Overlap, letters: str, talk: str, before: Preface) -> Proof:
        """What an overlap proves after the words `talk`."""
        offset = len(talk)
        if offset == before.certain:
            return overlap.proof
        if overlap.proof is Proof.SURE and (offset in before.likely or weight(letters) >= QUOTED):
            return Proof.SURE
        if offset in before.likely:
            old = self._known.letters[: len(self._known.letters) - len(letters)]
            begins = weight(letters) >= SLIGHT and self._starts_at(len(old))
            return overlap.proof if begins or self._is_whole(overlap) else Proof.CHANCE
        # Unknown words are dropped for a good repetition, or one in a paragraph of its own.
        apart = talk[-1:] == "\n" and not talk[:1].islower() and weight(letters) >= FAIR
        sure = overlap.proof is Proof.SURE and talk[-1:].isspace()
        return overlap.proof if sure or apart else min(overlap.proof, Proof.DOUBT)

    def _is_whole(self, overlap: Overlap) -> bool:
        return 1 < len(self._text) <= overlap.length

    def _starts_at(self, letter: int) -> bool:
        """Whether a sentence or a line begins with that letter of the released text."""
        at = self._known.starts[letter] if letter < len(self._known.starts) else 0
        return at == 0 or any(
            match.end() <= at and not self._text[match.end() : at].strip(_NO_LETTERS + " \t")
            for match in _ENDINGS.finditer(self._text)
        )

    def _asked(self, new: str, offset: int) -> bool:
        """Whether just what was to be repeated stands at `offset`, after words or between marks."""
        if offset == 0 or not new.startswith(self._anchor, offset):
            return False
        long = len(self._anchor) >= QUOTED and any(map(str.isalnum, new[:offset]))
        end = offset + len(self._anchor)
        return long or _past_frame(new, offset, end, self._text) > end

    def _objection(self, new: str, before: Preface) -> str:
        """Why text that repeats nothing is no continuation; "" if it may be one."""
        rest = new[before.certain :]
        if shared_start(self._text, rest) >= RESTART:
            return "began the answer anew in other words"
        if self._began_anew(rest):
            return "began the sentence anew in other words"
        again = new.find(self._anchor) if is_distinct(self._anchor) else -1
        if again > 0 and is_prose(new[:again]):
            return "repeated what was released after words of its own"
        if before.suspect:
            return "begins with words about itself that may be no text"
        glued = self._text[-1].islower() and rest[:1].isupper() and not self._has_gap
        if self._unfinished and (glued or opens_anew(rest.lstrip())):
            return "begins like another answer in the middle of a sentence"
        return ""

    def _began_anew(self, rest: str) -> bool:
        """Whether it begins like one of the last two sentences or lines.

        Whole lines and sentences may begin alike; one begun again in mid-line does not.
        """
        ends = [match.end() for match in _ENDINGS.finditer(self._text)]
        starts = [0, *(end for end in ends if end < len(self._text))][-2:]
        apart = self._has_gap or (rest[:1].isspace() and not rest.startswith("  "))
        for start in starts:
            begun = self._text[start:]
            if not apart and common_prefix(begun, rest) >= SENTENCE:
                return True
            whole = apart and not (self._unfinished and start == starts[-1])
            if shared_start(begun, rest) >= (QUOTED if whole else SENTENCE):
                return True
        return False

    def _with_news(self, joint: Joint | Failure, new: str, *, final: bool) -> Joint | Failure:
        """An answer that adds nothing is whole only if what it repeats proves it."""
        if isinstance(joint, Failure) or joint.seam.verified or not final:
            return joint
        if not new[joint.skip :].strip():
            return _diverged("added nothing to what was released")
        return joint


def _past_frame(new: str, start: int, end: int, text: str) -> int:
    """The end of what is repeated at `start`, with the marks around it if it was quoted."""
    before = new[:start].rstrip()
    quote = _PAIRS.get(before[-1:], "")
    own = text[: start - end].rstrip()[-1:] == before[-1:]
    if quote and not own and new.startswith(quote, end):
        return end + len(quote)
    marker = _MARKER.match(new, end) if _MARKERS.search(before) else None
    return marker.end() if marker else end


def _diverged(detail: str) -> Failure:
    return Failure(Kind.DIVERGED, Phase.STREAM, detail=f"the continuation {detail}")
