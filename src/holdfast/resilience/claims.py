"""The repetitions in a continuation that may end at the joint, and what each is worth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .drift import align
from .evidence import believed, believed_of_drift
from .frame import is_spoken_of, past_frame
from .objection import Objector
from .overlap import (
    Folded,
    Overlap,
    Proof,
    exact_overlap,
    folded_overlap,
    letters_of,
    past_marks,
    weight,
)
from .recall import FEW, Memory, Place, Recollection
from .talk import Preface, Voice

_WORD = re.compile(r"\w+")

SLIGHT = 5  # weight below which letters that begin alike are chance
QUOTED = 24  # length of an anchor that nobody begins with but who quotes it


@dataclass(frozen=True, slots=True)
class Claim:
    """A repetition that may end at the joint."""

    proof: Proof
    overlap: Overlap
    offset: int
    rule: str
    begin: int  # in the old text
    letters: int
    gain: int  # what it says that so many agree
    free: bool = True  # it is not only spoken of
    whole: bool = False  # the answer from its beginning

    @property
    def end(self) -> int:
        """Where the joint would be."""
        return self.offset + self.overlap.length

    @property
    def rank(self) -> tuple[Proof, bool, int, bool]:
        return self.proof, self.free, self.gain, self.rule != "folded"


class Claimant:
    """Knows the released text (`known`), which has white space behind it (`gap`) or not, and the
    `anchor`, its end that was to be repeated.
    """

    def __init__(
        self, known: Folded, anchor: str, memory: Memory, objector: Objector, *, gap: bool
    ) -> None:
        self._known = known
        self._anchor = anchor
        self._memory = memory
        self._objector = objector
        self._gap = gap

    def claims(self, fresh: Folded, before: Preface) -> list[Claim]:
        """All that the new text (`fresh`) repeats, at once or after the words `before` it."""
        offsets = [offset for offset in before.likely if self._may_begin(fresh, before, offset)]
        begun = list(self._begun(fresh, before, offsets))
        found = [*begun, *self._remembered(fresh, before, offsets)]
        if any(claim.proof is Proof.SURE or self._explains(claim) for claim in begun):
            return found
        clear = any(claim.proof >= Proof.LIKELY for claim in found)
        told = self._drifted(fresh, before, offsets, after_talk=not clear)
        return [*found, *(one for one in told if all(one.end != claim.end for claim in begun))]

    def _explains(self, claim: Claim) -> bool:
        """Whether it leaves nothing to be explained by words that drift."""
        begins = claim.gain >= SLIGHT and self._memory.begins(
            len(self._known.letters) - claim.letters
        )
        exact = begins and claim.rule != "folded"
        return claim.proof is Proof.LIKELY and (exact or claim.gain >= FEW)

    def _may_begin(self, fresh: Folded, before: Preface, offset: int) -> bool:
        """Whether only talk stands before it: words of talk may be followed by text."""
        said = fresh.text[before.certain : offset]
        return not letters_of(said) or self._objector.voice(said) > Voice.TEXT

    def _begun(self, fresh: Folded, before: Preface, offsets: Sequence[int]) -> Iterator[Claim]:
        """Repetitions that begin at once or after words that are known for talk."""
        for offset in offsets:
            if self._asked(fresh.text, offset):
                quote = Overlap(len(self._anchor), Proof.SURE)
                count = len(self._known.letters)
                begin = len(self._known.text) - len(self._anchor)
                yield Claim(Proof.SURE, quote, offset, "anchor", begin, count, self._weight(count))
            for overlap, rule in self._overlaps(fresh, offset):
                count = fresh.first(offset + overlap.length) - fresh.first(offset)
                proof = overlap.proof
                if offset != before.certain and proof is not Proof.SURE:
                    heavy = self._weight(count)
                    whole = len(self._known.text) <= overlap.length
                    begins = heavy >= SLIGHT and self._memory.begins(
                        len(self._known.letters) - count
                    )
                    begins |= heavy >= FEW
                    proof = proof if begins or whole else Proof.CHANCE
                yield from self._claim(proof, overlap, fresh, offset, rule, count)

    def _remembered(
        self, fresh: Folded, before: Preface, offsets: Sequence[int]
    ) -> Iterator[Claim]:
        """Repetitions after any words. Where several are as good, the text goes on after the
        first one, and repeats itself later.
        """
        claims: list[Claim] = []
        for found in self._memory.recalled(fresh):
            if found.offset in offsets:
                continue
            proof = self._believed(found, fresh, before)
            if proof is Proof.CHANCE:
                continue
            for overlap, rule in self._overlaps(fresh, found.offset):
                end = fresh.first(found.offset + overlap.length)
                if end - fresh.first(found.offset) < found.letters:
                    continue
                grade = min(proof, overlap.proof) if overlap.proof <= Proof.DOUBT else proof
                claims += self._claim(grade, overlap, fresh, found.offset, rule, found.letters)
        best = max(claims, key=lambda claim: (claim.proof, claim.free), default=None)
        return (one for one in claims if one is best or one.proof is Proof.DOUBT)

    def _believed(self, found: Recollection, fresh: Folded, before: Preface) -> Proof:
        """How far a repetition is, after the words before it."""
        talk = fresh.text[: _past_space(fresh.text, found.offset)]
        return believed(
            found,
            talk,
            self._objector.voice(talk[before.certain :]),
            fresh.text[len(talk) : len(talk) + 1],
            verbatim=self._quotes(fresh.text, found),
            among_code=self._objector.among_code,
        )

    def _drifted(
        self, fresh: Folded, before: Preface, offsets: Sequence[int], *, after_talk: bool
    ) -> Iterator[Claim]:
        """Repetitions in nearly the same words, at once, after words known for talk, or any."""
        old, begins = self._known.letters, {fresh.first(offset): offset for offset in offsets}
        alike = self._objector.among_likes
        glued = self._objector.is_glued(fresh.text[before.certain :])
        for end in self._memory.ends(fresh):
            near = align(old[::-1], fresh.letters[:end][::-1])
            first = end - near.new
            offset = begins.get(first, fresh.starts[first] if near.new else 0)
            begin = len(old) - near.old
            if not near.new or not (after_talk or first in begins):
                continue
            if not self._memory.begins(begin, line=alike):
                continue
            usual, whole = self._memory.likeness(near.old), begin == 0
            stop = past_marks(self._known, fresh, end)
            like_item = alike and _form(self._known, begin, len(old)) == _form(
                fresh, end - near.new, end
            )
            proof = believed_of_drift(near, usual, whole=whole, glued=glued, like_item=like_item)
            if first not in begins:
                place = self._memory.place(begin)
                said = Recollection(offset, place, near.new, near.gain - usual, common=False)
                proof = min(proof, self._believed(said, fresh, before))
            overlap = Overlap(stop - offset, proof)
            if proof is not Proof.CHANCE:
                gain = max(near.gain, near.run + 1)  # of the same end, it explains more
                begin = self._known.starts[begin]
                yield Claim(proof, overlap, offset, "drift", begin, near.old, gain, whole=whole)

    def _claim(
        self, proof: Proof, overlap: Overlap, fresh: Folded, offset: int, rule: str, letters: int
    ) -> Iterator[Claim]:
        if proof is not Proof.CHANCE:
            start = fresh.starts[fresh.first(offset)] if letters else offset
            end = offset + overlap.length
            begin = len(self._known.text) - (end - start)
            free = not is_spoken_of(self._known.text, begin, fresh.text, start, end)
            gain = self._weight(letters)
            yield Claim(proof, overlap, offset, rule, begin, letters, gain, free)

    def _weight(self, letters: int) -> int:
        """What the last so many letters say."""
        return weight(self._known.letters[len(self._known.letters) - letters :])

    def _quotes(self, new: str, found: Recollection) -> bool:
        """Whether just what was asked for stands there, and is long enough to prove it."""
        quoted = found.place is Place.QUOTE and new.startswith(self._anchor, found.offset)
        return quoted and len(self._anchor) >= QUOTED

    def _overlaps(self, fresh: Folded, offset: int) -> Sequence[tuple[Overlap, str]]:
        exact = exact_overlap(self._known.text, fresh.text[offset:], gap=self._gap)
        whole = exact.length == len(self._known.text)
        folded = folded_overlap(self._known, fresh, offset)
        return (exact, "restart" if whole else "overlap"), (folded, "folded")

    def _asked(self, new: str, offset: int) -> bool:
        """Whether just what was to be repeated stands at `offset`, after words or between marks."""
        if offset == 0 or not new.startswith(self._anchor, offset):
            return False
        long = len(self._anchor) >= QUOTED and any(map(str.isalnum, new[:offset]))
        end = offset + len(self._anchor)
        return long or past_frame(self._known.text[: offset - end], new, offset, end) > end


def _form(folded: Folded, begin: int, end: int) -> str:
    """The signs between the words that these letters are of: a row has those of the one before."""
    return "".join(_WORD.sub("w", folded.text[folded.starts[begin] : folded.ends[end - 1]]).split())


def _past_space(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())
