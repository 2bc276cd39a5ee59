"""The repetitions in a continuation that may end at the joint, and what each is worth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from .cut import Cut
from .drift import Alignment, align
from .evidence import HEAVY, believed, believed_of_drift
from .frame import is_spoken_of, past_frame
from .letters import Folded, common_prefix, letters_of, weight
from .likeness import Likeness
from .objection import Objector
from .overlap import (
    NONE,
    Overlap,
    Proof,
    ends_in_signs,
    exact_overlap,
    folded_overlap,
    has_same_signs,
    past_marks,
)
from .recall import FEW, Memory, Recollection, beginnings
from .talk import Preface, Voice

_WORD = re.compile(r"\w+")
_BROKEN = re.compile(r"[^\w\n|]*\n")  # a line that ends before any word

FAIR = 8  # weight of a repetition that is hardly found by chance
SENTENCE = 12  # weight of letters that are not
SLIGHT = 5  # weight below which letters that begin alike are chance
ALIKE = 16  # characters by which what follows is compared with what came before
# How many times what differs in a first word that is told again must agree behind it: at once, and
# after other words, where the next line may begin with another one.
FIRST, FIRST_LATER = 2, 5
QUOTED = 24  # length of an anchor that nobody begins with but who quotes it


@dataclass(frozen=True, slots=True)
class Claim:
    """A repetition that may end at the joint."""

    proof: Proof
    overlap: Overlap
    offset: int
    rule: str
    start: int  # in the new text, of what is the same in both
    begin: int  # and in the old
    letters: int
    gain: int  # what it says that so many agree
    free: bool = True  # it is not only spoken of
    whole: bool = False  # the answer from its beginning

    @property
    def end(self) -> int:
        """Where the joint would be."""
        return self.offset + self.overlap.length

    @property
    def exact(self) -> bool:
        """Sign by sign."""
        return self.rule not in ("folded", "drift")

    @property
    def rank(self) -> tuple[Proof, bool, int, bool]:
        return self.proof, self.free, self.gain, self.rule != "folded"


class Claimant:
    """Knows the released text (`known`), where it was `cut`, and the `anchor`, its end that was to
    be repeated.
    """

    def __init__(
        self, cut: Cut, known: Folded, anchor: str, memory: Memory, objector: Objector
    ) -> None:
        self._cut = cut
        self._known = known
        self._anchor = anchor
        self._memory = memory
        self._objector = objector
        self._likeness = Likeness(known.text)

    def claims(self, fresh: Folded, before: Preface) -> list[Claim]:
        """All that the new text (`fresh`) repeats, at once or after the words `before` it."""
        if self._likeness.goes_on(fresh.text[before.certain :]):
            begun = self._begun(fresh, before, [before.certain])
            return [one for one in begun if one.exact or self._begins(one)]
        found = self._all(fresh, before)
        if self._memory.begins_anew(fresh, before.certain):
            return found
        return [one for one in found if not self._goes_on_alike(fresh, one, before.certain)]

    def goes_on_alike(self, rest: str) -> bool:
        """Whether the text goes on with `rest` as it has elsewhere."""
        return self._likeness.goes_on(rest)

    def _all(self, fresh: Folded, before: Preface) -> list[Claim]:
        offsets = [offset for offset in before.likely if self._may_begin(fresh, before, offset)]
        begun = list(self._begun(fresh, before, offsets))
        found = [*begun, *self._remembered(fresh, before, offsets)]
        if any(claim.proof is Proof.SURE or self._explains(claim) for claim in begun):
            return found
        clear = any(claim.proof >= Proof.LIKELY for claim in found)
        told = list(self._drifted(fresh, before, offsets, after_talk=not clear))
        if any(one.exact and one.gain >= FAIR for one in begun):  # in doubt
            told = [replace(one, proof=min(one.proof, Proof.DOUBT)) for one in told]
        return [*found, *(one for one in told if all(one.end != claim.end for claim in begun))]

    def _begins(self, claim: Claim) -> bool:
        """Whether it begins with a sentence or a line of the old text."""
        return self._memory.begins(len(self._known.letters) - claim.letters)

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
                gain = self._weight(count)
                yield Claim(Proof.SURE, quote, offset, "anchor", offset, begin, count, gain)
            for overlap, rule in self._overlaps(fresh, offset):
                count = fresh.first(offset + overlap.length) - fresh.first(offset)
                proof = overlap.proof
                if rule == "folded" and self._is_broken(fresh, before, offset, count):
                    continue
                if self._is_refrain(fresh, before, offset, overlap.length):
                    proof = min(proof, Proof.DOUBT)
                if offset != before.certain and proof is not Proof.SURE:
                    whole = len(self._known.text) <= overlap.length
                    proof = proof if whole or self._weight(count) >= SLIGHT else Proof.CHANCE
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
                grade = min(proof, overlap.proof)
                claims += self._claim(grade, overlap, fresh, found.offset, rule, found.letters)
        best = max(claims, key=lambda claim: (claim.proof, claim.free), default=None)
        return (one for one in claims if one is best or one.proof is Proof.DOUBT)

    def _believed(self, found: Recollection, fresh: Folded, before: Preface) -> Proof:
        """How far a repetition is, after the words before it."""
        talk = fresh.text[: _past_space(fresh.text, found.offset)]
        on = self._cut.completes_a_word(fresh.text[before.certain :])
        return believed(
            found,
            talk,
            Voice.ON if on else self._objector.voice(talk[before.certain :]),
            fresh.text[len(talk) : len(talk) + 1],
            verbatim=self._quotes(fresh.text, found),
            among_code=self._cut.among_code,
        )

    def _drifted(
        self, fresh: Folded, before: Preface, offsets: Sequence[int], *, after_talk: bool
    ) -> Iterator[Claim]:
        """Repetitions in nearly the same words, at once, after words known for talk, or any."""
        old, begins = self._known.letters, {fresh.first(offset): offset for offset in offsets}
        rest = fresh.text[before.certain :]
        anew = self._memory.begins_anew(fresh, before.certain)
        alike = self._cut.among_likes
        spaced = rest[:1] == " " and rest[1:2] != " "  # two words
        anew = rest[:1].isspace() and (anew or not (alike or spaced))
        if self._objector.voice(rest) is Voice.ON and not anew:
            return
        if not before.certain and self._cut.among_lines and _BROKEN.match(rest):
            return  # nobody repeats from there, and lines are like one another
        closing = self._known.text[self._known.ends[-1] :] if old else ""
        glued = self._cut.is_glued(rest)
        for end in self._memory.ends(fresh):
            near = self._with_first_word(
                align(old[::-1], fresh.letters[:end][::-1]), fresh, begins, end
            )
            first = end - near.new
            offset = begins.get(first, fresh.starts[first])
            begin = len(old) - near.old
            if not (after_talk or first in begins):
                continue
            if not self._memory.begins(begin, line=alike):
                continue
            usual, whole = self._memory.likeness(near.old), begin == 0
            stop = past_marks(self._known, fresh, end)
            if alike and not has_same_signs(closing, fresh.text[fresh.ends[end - 1] : stop]):
                continue  # signs are what tells one line from the next
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
                start, begin = fresh.starts[first], self._known.starts[begin]
                start, begin = self._with_marks(fresh.text, start, begin)
                yield Claim(
                    proof, overlap, offset, "drift", start, begin, near.old, gain, whole=whole
                )

    def _with_first_word(
        self, near: Alignment, fresh: Folded, begins: Mapping[int, int], end: int
    ) -> Alignment:
        """The same from the beginning of a sentence or line on, if little of the first word
        differs: the next line begins with another one.
        """
        first, begin = end - near.new, len(self._known.letters) - near.old
        start = self._memory.beginning_before(begin)
        if self._memory.begins(begin) or self._cut.among_likes:
            return near
        at_once = max((at for at in begins if at <= first), default=0)
        later = max(at for at in beginnings(fresh) if at <= first)
        for at, least in ((later, FIRST_LATER), (at_once, FIRST)):
            told = near.extended(
                self._known.letters[start:begin][::-1], fresh.letters[at:first][::-1]
            )
            heavy = told.gain - self._memory.likeness(told.old) >= HEAVY
            alone = not near.missed or heavy  # verses differ in more than one word
            if alone and least * (told.missed - near.missed) <= near.matched:
                return told
        return near

    def _claim(
        self, proof: Proof, overlap: Overlap, fresh: Folded, offset: int, rule: str, letters: int
    ) -> Iterator[Claim]:
        if proof is not Proof.CHANCE:
            end = offset + overlap.length
            start, begin = offset, len(self._known.text) - overlap.length
            if rule == "folded":
                start = fresh.starts[fresh.first(offset)]
                begin = self._known.starts[len(self._known.letters) - letters]
            start, begin = self._with_marks(fresh.text, start, begin)
            free = not is_spoken_of(self._known.text, begin, fresh.text, start, end)
            gain = self._weight(letters)
            yield Claim(proof, overlap, offset, rule, start, begin, letters, gain, free)

    def _with_marks(self, new: str, start: int, begin: int) -> tuple[int, int]:
        """Both moved back over marks before the first letter that stand there in both texts."""
        old = self._known.text
        while start and begin and new[start - 1] == old[begin - 1] != "\n":
            start, begin = start - 1, begin - 1
        return start, begin

    def _weight(self, letters: int) -> int:
        """What the last so many letters say."""
        return weight(self._known.letters[len(self._known.letters) - letters :])

    def _quotes(self, new: str, found: Recollection) -> bool:
        """Whether just what was asked for stands there, and is long enough to prove it."""
        return len(self._anchor) >= QUOTED and new.startswith(self._anchor, found.offset)

    def _overlaps(self, fresh: Folded, offset: int) -> Sequence[tuple[Overlap, str]]:
        exact = exact_overlap(self._known.text, fresh.text[offset:], gap=self._cut.gap != "")
        whole = exact.length == len(self._known.text)
        folded = folded_overlap(self._known, fresh, offset)
        if exact.proof >= Proof.LIKELY and self._tells(fresh, offset, exact.length):
            count = fresh.first(offset + folded.length) - fresh.first(offset)
            begin = self._known.starts[-count] if count else 0
            start = fresh.starts[fresh.first(offset)]
            again = fresh.text[start : offset + folded.length]
            if not has_same_signs(self._known.text[begin:], again):
                folded = NONE  # one that is longer is not as good
        return (exact, "restart" if whole else "overlap"), (folded, "folded")

    def _is_refrain(self, fresh: Folded, before: Preface, offset: int, length: int) -> bool:
        """Whether it is a line after a break, as those that the text has twice in a row."""
        at_once = fresh.first(before.certain) == fresh.first(offset)
        piece = fresh.text[before.certain : offset + length]
        broken = at_once and "\n" in piece[: len(piece) - len(piece.lstrip("\r\n,.;，。；"))]
        return broken and self._likeness.is_twice(piece, fresh.text)

    def _tells(self, fresh: Folded, offset: int, length: int) -> bool:
        """Whether so many characters from `offset` on say enough by themselves."""
        count = fresh.first(offset + length) - fresh.first(offset)
        begins = self._memory.begins(len(self._known.letters) - count)
        return self._weight(count) >= (SLIGHT if begins else FAIR)

    def _is_broken(self, fresh: Folded, before: Preface, offset: int, count: int) -> bool:
        """Whether few letters come again on the next line that began none in the old text: only
        what is told again at length has line breaks before it.
        """
        first = fresh.first(offset)
        if not count or self._weight(count) >= SENTENCE or fresh.first(before.certain) != first:
            return False
        lead = fresh.text[before.certain : fresh.starts[first]]
        above = self._known.text[: self._known.starts[len(self._known.letters) - count]]
        if "\n" not in lead:
            return False
        line = lead.rpartition("\n")[2]
        begins = above.rpartition("\n")[2].split() == line.split()
        return not (begins or ends_in_signs(above, lead))

    def _goes_on_alike(self, fresh: Folded, claim: Claim, start: int) -> bool:
        """Whether the new text goes on after what it seems to repeat as it began before that: then
        the text is like itself there, which words of talk are not.
        """
        new = fresh.text
        if fresh.first(claim.offset) == fresh.first(start):
            return False
        end = past_frame(self._known.text[: claim.begin], new, claim.start, claim.end)
        if self._likeness.is_same_form(new[start : claim.offset], new[end:]):
            return True
        same = common_prefix(new[start:], new[end : end + ALIKE])
        return same > 2 or (same == 2 and new[start : start + 2].isalnum())

    def _asked(self, new: str, offset: int) -> bool:
        """Whether just what was to be repeated stands at `offset`, after words or between marks."""
        if offset == 0 or not new.startswith(self._anchor, offset):
            return False
        if not self._anchor.strip("`~"):
            return False  # what would be a mark around it is more of the same
        long = len(self._anchor) >= QUOTED and any(map(str.isalnum, new[:offset]))
        end = offset + len(self._anchor)
        return long or past_frame(self._known.text[: offset - end], new, offset, end) > end


def _form(folded: Folded, begin: int, end: int) -> str:
    """The signs between the words that these letters are of: a row has those of the one before."""
    return "".join(_WORD.sub("w", folded.text[folded.starts[begin] : folded.ends[end - 1]]).split())


def _past_space(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())
