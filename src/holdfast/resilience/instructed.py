"""The joint of a continuation that was asked for in words: it is where its repetition ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from ..core.anchor import anchor, open_fence
from ..core.attempt import Confidence, Seam
from ..core.failure import Failure
from .breaks import past_talk
from .evidence import believed
from .frame import is_spoken_of, past_frame
from .joint import Divergence, Joint, More, diverged
from .objection import Objector
from .overlap import (
    Folded,
    Overlap,
    Proof,
    exact_overlap,
    fold,
    folded_overlap,
    is_distinct,
    weight,
)
from .recall import Memory, Place, Recollection
from .talk import Preface, Voice, interjected, preface, spaced_out

WINDOW = 160  # weight of new text that settles the joint if it sounds as if it went on
DOUBTFUL = 400  # the same if it does not, or if something speaks against it
REACH = 480  # characters after which talk known as such is waited for no longer
FAIR = 8  # weight of a beginning that is hardly found again by chance
SLIGHT = 5  # below this, letters that begin alike are chance
SENTENCE = 12  # the same for the sentence that was cut
QUOTED = 24  # length of an anchor that nobody begins with but who quotes it

_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
_NO_LETTERS = "".join(map(chr, range(33, 48))) + ":;<=>?@[\\]^_`{|}~。，、；：？！…—”’」』）】》"
_OPEN_QUOTES = "“‘「『《"


@dataclass(frozen=True, slots=True)
class Claim:
    """A repetition that may end at the joint."""

    proof: Proof
    overlap: Overlap
    offset: int
    rule: str
    letters: int
    free: bool = True  # it is not only spoken of

    @property
    def rank(self) -> tuple[Proof, bool, int, bool]:
        return self.proof, self.free, self.letters, self.rule != "folded"


class Instructed:
    """Finds the joint in what a target wrote that was told to go on."""

    def __init__(self, released: str) -> None:
        self._text = released.rstrip()
        self._has_gap = len(self._text) < len(released)
        self._anchor = anchor(released)
        last_line = released[released.rfind("\n") + 1 :].lstrip()
        inside = open_fence(released) is not None
        self._fence_open = inside and not last_line.startswith(("```", "~~~"))
        self._gap = released[len(self._text) :]
        self._unfinished = self._text[-1:] not in _ENDS and not self._fence_open
        self._unfinished &= "\n" not in self._gap
        # Signs that end the text and what may close a quotation of it must be there to be skipped.
        self._lookahead = len(self._text) - len(self._text.rstrip(_NO_LETTERS)) + 8

    @cached_property
    def _known(self) -> Folded:
        return fold(self._text)

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self._known, len(self._text) - len(self._anchor))

    @cached_property
    def _objector(self) -> Objector:
        return Objector(self._text, self._gap, self._known, fence_open=self._fence_open)

    @cached_property
    def _telling(self) -> bool:
        """Whether nobody begins with these words but who quotes them."""
        if len(self._anchor) >= QUOTED:
            return self._text.count(self._anchor) == 1
        fair = weight(fold(self._anchor).letters) >= FAIR
        return fair and exact_overlap(self._text, self._anchor).proof >= Proof.LIKELY

    @cached_property
    def _tagged(self) -> bool:
        """Whether tags may stand there as text."""
        return self._fence_open and "</" in self._text

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        if not self._text:
            return Joint(0, Seam("blank", confidence=Confidence.PROVED))
        if self._telling and new.startswith(self._anchor):
            sure = is_distinct(self._anchor)
            if not sure and new == self._anchor:
                added_nothing = diverged(Divergence.NO_NEWS)
                return added_nothing if final else More(len(new) + 1)
            grade = Confidence.PROVED if sure else Confidence.LIKELY
            return Joint(len(self._anchor), Seam("anchor", len(self._anchor), confidence=grade))
        if not final and new != self._anchor and self._anchor.startswith(new):
            return More(len(self._anchor))
        before = self._without_echoes(self._preface(new), new)
        fresh = fold(new)
        seen = weight(fresh.letters)
        if not final and seen < WINDOW:
            return More(len(new) + 1 + (WINDOW - seen) // 2)
        found = self._found(new, fresh, before, final=final)
        assumed = isinstance(found, Joint) and found.seam.confidence is Confidence.ASSUMED
        doubtful = assumed and self._objector.voice(new[before.certain :]) > Voice.TEXT
        if not final and (doubtful or isinstance(found, Failure)) and seen < DOUBTFUL:
            return More(len(new) + 1 + (DOUBTFUL - seen) // 2)  # what comes may prove it yet
        return found

    def _found(
        self, new: str, fresh: Folded, before: Preface, *, final: bool
    ) -> Joint | More | Failure:
        left = self._memory.still_to_come(fresh)
        if not final:
            reach = max(before.likely) + WINDOW
            if len(new) < reach <= REACH:
                return More(reach)
            if left:
                return More(len(new) + min(len(new), left))
        elif any(map(self._objector.ends_in_the_beginning, (new, new[before.certain :]))):
            return diverged(Divergence.EARLY_END)
        joint = self._repeated(fresh, before)
        if isinstance(joint, Joint) and not final and len(new) < joint.skip + self._lookahead:
            return More(joint.skip + self._lookahead)
        if joint is not None:
            return self._with_news(joint, new, final=final)
        if left and self._ends_inside(fresh, before):
            return diverged(Divergence.ENDED_INSIDE)
        if self._objector.has_few_signs_again(new[before.certain :]):
            return diverged(Divergence.FEW_SIGNS)
        objection = self._objector.objection(new, before, final=final)
        if objection:
            return diverged(objection)
        space = self._objector.lost_space(new[before.certain :])
        plain = Joint(before.certain, Seam("plain", dropped=before.certain), space)
        return self._with_news(plain, new, final=final)

    def _preface(self, new: str) -> Preface:
        line = self._text[self._text.rfind("\n") + 1 :]
        quoted = line[-1] in "\"'" and line.count(line[-1]) % 2 == 1
        spoken = quoted or line[-1] in _OPEN_QUOTES
        introduced = line[-1] in ":：" and not (self._fence_open or "\n" in self._gap)
        found = preface(
            new,
            fence_open=self._fence_open,
            spoken=spoken,
            introduced=introduced,
            tagged=self._tagged,
        )
        found = self._with_breaks(found, new)
        spaced = 0 if self._gap or self._objector.among_code else spaced_out(self._text, new)
        if spaced > found.certain and self._objector.voice(new[found.certain :]) > Voice.TEXT:
            return replace(found, certain=spaced, likely=(spaced, *found.likely))
        if spoken or not self._unfinished:
            return found
        length, goes_on = interjected(new[found.certain :])
        end = found.certain + length
        if goes_on:
            return replace(found, certain=end, likely=(end, *found.likely))
        return replace(found, suspect=found.suspect or (end > found.certain and not self._gap))

    def _with_breaks(self, before: Preface, new: str) -> Preface:
        """Of the line breaks after talk, some may be those of the text."""
        fence = new[: before.certain].strip().rpartition("\n")[2].startswith(("```", "~~~"))
        if not before.certain or self._gap or fence:
            return before
        at = past_talk(self._text, new, before.certain, fence_open=self._fence_open)
        return replace(before, certain=at, likely=(at, *before.likely))

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

    def _ends_inside(self, fresh: Folded, before: Preface) -> bool:
        """Whether all that came, after words of talk, is from inside the released text."""
        pieces = [fresh.letters[fresh.first(offset) :] for offset in before.likely]
        return any(weight(one) >= QUOTED and one in self._known.letters for one in pieces)

    def _repeated(self, fresh: Folded, before: Preface) -> Joint | Failure | None:
        """The joint after what is repeated; a refusal if that may be the text itself."""
        offsets = [offset for offset in before.likely if self._may_begin(fresh, before, offset)]
        claims = [*self._begun(fresh, before, offsets), *self._remembered(fresh, before, offsets)]
        begun = fresh.first(before.certain)
        at_once = [one for one in claims if fresh.first(one.offset) == begun]
        first = max(at_once, key=lambda claim: claim.rank, default=None)
        best = max(claims, key=lambda claim: claim.rank, default=None)
        if best is None:
            return None
        if first and first.proof >= Proof.LIKELY and first.free and self._precedes(first, best):
            best = first  # the text has begun there, and repeats itself later
        begins = fresh.first(best.offset)
        doubts = (one for one in claims if one.proof is Proof.DOUBT and one.free)
        doubtful = any(fresh.first(one.offset) < begins for one in doubts)
        if best.proof is Proof.DOUBT or (best.proof is Proof.LIKELY and doubtful):
            return diverged(Divergence.DOUBT)
        whole = best.letters == len(self._known.letters)
        proved = best.proof is Proof.SURE and begins > begun
        if not (whole or proved) and self._objector.restarted(fresh.text[before.certain :]):
            return diverged(Divergence.ANEW)
        length = best.overlap.length
        end = past_frame(self._text, fresh.text, best.offset, best.offset + length)
        grade = Confidence.PROVED if best.proof is Proof.SURE else Confidence.LIKELY
        return Joint(end, Seam(best.rule, length, best.offset, confidence=grade))

    def _precedes(self, first: Claim, other: Claim) -> bool:
        begin = len(self._known.letters) - first.letters
        begins = self._memory.begins(begin) and weight(self._known.letters[begin:]) >= SLIGHT
        return other.proof <= first.proof or begins

    def _may_begin(self, fresh: Folded, before: Preface, offset: int) -> bool:
        """Whether only talk stands before it: words of talk may be followed by text."""
        said = fresh.text[before.certain : offset]
        return not fold(said).letters or self._objector.voice(said) > Voice.TEXT

    def _begun(self, fresh: Folded, before: Preface, offsets: Sequence[int]) -> Iterator[Claim]:
        """Repetitions that begin at once or after words that are known for talk."""
        for offset in offsets:
            if self._asked(fresh.text, offset):
                quote = Overlap(len(self._anchor), Proof.SURE)
                yield Claim(Proof.SURE, quote, offset, "anchor", letters=len(self._known.letters))
            for overlap, rule in self._overlaps(fresh, offset):
                count = fresh.first(offset + overlap.length) - fresh.first(offset)
                proof = overlap.proof
                if offset != before.certain and proof is not Proof.SURE:
                    begin = len(self._known.letters) - count
                    heavy = weight(self._known.letters[begin:]) >= SLIGHT
                    whole = len(self._text) <= overlap.length
                    begins = heavy and self._memory.begins(begin)
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
            talk = fresh.text[: _past_space(fresh.text, found.offset)]
            voice = self._objector.voice(talk[before.certain :])
            verbatim = self._quotes(fresh.text, found)
            code = self._objector.among_code
            first = fresh.text[len(talk) : len(talk) + 1]
            proof = believed(found, talk, voice, first, verbatim=verbatim, among_code=code)
            for overlap, rule in self._overlaps(fresh, found.offset):
                end = fresh.first(found.offset + overlap.length)
                if end - fresh.first(found.offset) < found.letters:
                    continue
                grade = min(proof, overlap.proof) if overlap.proof <= Proof.DOUBT else proof
                claims += self._claim(grade, overlap, fresh, found.offset, rule, found.letters)
        best = max(claims, key=lambda claim: (claim.proof, claim.free), default=None)
        return (one for one in claims if one is best or one.proof is Proof.DOUBT)

    def _claim(
        self, proof: Proof, overlap: Overlap, fresh: Folded, offset: int, rule: str, letters: int
    ) -> Iterator[Claim]:
        if proof is not Proof.CHANCE:
            start = fresh.starts[fresh.first(offset)] if letters else offset
            end = offset + overlap.length
            free = not is_spoken_of(self._text, fresh.text, start, end)
            yield Claim(proof, overlap, offset, rule, letters, free)

    def _quotes(self, new: str, found: Recollection) -> bool:
        """Whether just what was asked for stands there, and is long enough to prove it."""
        quoted = found.place is Place.QUOTE and new.startswith(self._anchor, found.offset)
        return quoted and len(self._anchor) >= QUOTED

    def _overlaps(self, fresh: Folded, offset: int) -> Sequence[tuple[Overlap, str]]:
        exact = exact_overlap(self._text, fresh.text[offset:], gap=self._has_gap)
        whole = exact.length == len(self._text)
        folded = folded_overlap(self._known, fresh, offset)
        return (exact, "restart" if whole else "overlap"), (folded, "folded")

    def _asked(self, new: str, offset: int) -> bool:
        """Whether just what was to be repeated stands at `offset`, after words or between marks."""
        if offset == 0 or not new.startswith(self._anchor, offset):
            return False
        long = len(self._anchor) >= QUOTED and any(map(str.isalnum, new[:offset]))
        end = offset + len(self._anchor)
        return long or past_frame(self._text, new, offset, end) > end

    def _with_news(self, joint: Joint | Failure, new: str, *, final: bool) -> Joint | Failure:
        """An answer that adds nothing is whole only if what it repeats proves it."""
        if isinstance(joint, Failure) or joint.seam.verified or not final:
            return joint
        if not new[joint.skip :].strip():
            return diverged(Divergence.NO_NEWS)
        return joint


def _past_space(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip())
