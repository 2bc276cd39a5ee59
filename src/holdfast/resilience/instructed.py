"""The joint of a continuation that was asked for in words: it is where its repetition ends."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from ..core.anchor import anchor, open_fence
from ..core.attempt import Confidence, Seam
from ..core.failure import Failure
from .breaks import past_talk
from .claims import QUOTED, SLIGHT, Claim, Claimant
from .form import interjected, spaced_out
from .frame import past_frame
from .joint import Divergence, Joint, More, diverged
from .objection import Objector
from .overlap import Folded, Proof, exact_overlap, fold, is_distinct, letters_of, weight
from .recall import Memory
from .talk import Preface, Voice, preface

WINDOW = 160  # weight of new text that settles the joint if it sounds as if it went on
DOUBTFUL = 400  # the same if it does not, or if something speaks against it
REACH = 480  # characters after which talk known as such is waited for no longer
FAIR = 8  # weight of a beginning that is hardly found again by chance
SENTENCE = 12  # the same for the sentence that was cut

_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
_NO_LETTERS = "".join(map(chr, range(33, 48))) + ":;<=>?@[\\]^_`{|}~。，、；：？！…—”’」』）】》"
_OPEN_QUOTES = "“‘「『《"


class Instructed:
    """Finds the joint in what a target wrote that was told to go on."""

    def __init__(self, released: str) -> None:
        self._text = released.rstrip()
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
    def _claimant(self) -> Claimant:
        gap = self._gap != ""
        return Claimant(self._known, self._anchor, self._memory, self._objector, gap=gap)

    @cached_property
    def _telling(self) -> bool:
        """Whether nobody begins with these words but who quotes them."""
        if len(self._anchor) >= QUOTED:
            return self._text.count(self._anchor) == 1
        fair = weight(letters_of(self._anchor)) >= FAIR
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
                # A text that repeats itself says at every line that little is left.
                least = 1 if self._known.letters.startswith(fresh.letters) else len(new) // 4
                return More(len(new) + min(len(new), max(left, least)))
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
            letters = letters_of(new[:offset])
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
        claims = self._claimant.claims(fresh, before)
        begun = fresh.first(before.certain)
        at_once = [one for one in claims if fresh.first(one.offset) == begun]
        first = max(at_once, key=lambda claim: claim.rank, default=None)
        best = max(claims, key=lambda claim: claim.rank, default=None)
        if best is None:
            return None
        if first and self._precedes(first, best, fresh.text[before.certain :]):
            best = first  # the text has begun there, and repeats itself later
        begins = fresh.first(best.offset)
        others = (one for one in claims if one.end != best.end)  # the same joint is no other
        doubts = (one for one in others if one.proof is Proof.DOUBT and one.free)
        doubtful = any(fresh.first(one.offset) < begins for one in doubts)
        if best.proof is Proof.DOUBT or (best.proof is Proof.LIKELY and doubtful):
            return diverged(Divergence.DOUBT)
        whole = best.whole or best.letters == len(self._known.letters)
        proved = best.proof is Proof.SURE and begins > begun
        heavy = weight(self._known.letters[len(self._known.letters) - best.letters :])
        rest = fresh.text[before.certain :]
        if not (whole or proved) and self._objector.restarted(rest, heavy):
            return diverged(Divergence.ANEW)
        length = best.overlap.length
        end = past_frame(self._text[: best.begin], fresh.text, best.offset, best.end)
        grade = Confidence.PROVED if best.proof is Proof.SURE else Confidence.LIKELY
        return Joint(end, Seam(best.rule, length, best.offset, confidence=grade))

    def _precedes(self, first: Claim, other: Claim, new: str) -> bool:
        """Whether the text begins at `first`, although the `other` claim may be better."""
        if first.proof < Proof.LIKELY or not first.free:
            return False
        begin = len(self._known.letters) - first.letters
        heavy = weight(self._known.letters[begin:])
        telling = heavy >= FAIR or (heavy >= SLIGHT and self._memory.begins(begin))
        said = heavy < SENTENCE and self._objector.voice(new) >= Voice.TALK
        return other.proof <= first.proof or (telling and not said)

    def _with_news(self, joint: Joint | Failure, new: str, *, final: bool) -> Joint | Failure:
        """An answer that adds nothing is whole only if what it repeats proves it."""
        if isinstance(joint, Failure) or joint.seam.verified or not final:
            return joint
        if not new[joint.skip :].strip():
            return diverged(Divergence.NO_NEWS)
        return joint
