"""The joint of a continuation that was asked for in words: it is where its repetition ends."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

from ..core.anchor import open_fence
from ..core.attempt import Confidence, Seam
from ..core.failure import Failure
from .breaks import past_talk
from .claims import QUOTED, SLIGHT, Claim, Claimant
from .cut import Cut
from .form import interjected, spaced_out
from .frame import past_frame
from .grammar import sounder
from .joint import Divergence, Joint, More, diverged
from .letters import Folded, fold, letters_of, weight
from .objection import Objector
from .overlap import Proof, exact_length, exact_overlap, is_distinct
from .recall import Memory
from .table import is_row, told_again
from .talk import Preface, Voice, denies_a_rest, preface

WINDOW = 160  # weight of new text that settles the joint if it sounds as if it went on
DOUBTFUL = 400  # the same if it does not, or if something speaks against it
REACH = 480  # characters after which talk known as such is waited for no longer
FAIR = 8  # weight of a beginning that is hardly found again by chance
SENTENCE = 12  # the same for the sentence that was cut
# Signs that come again of which the form of what they make is looked at: of a mark, of a cell.
MARK, CELL = 3, 8

_NO_LETTERS = "".join(map(chr, range(33, 48))) + ":;<=>?@[\\]^_`{|}~。，、；：？！…—”’」』）】》"
_MARKUP = frozenset(
    {"astro", "html", "jsx", "plist", "svelte", "svg", "tsx", "vue", "xhtml", "xml"}
)
_TAGS = re.compile(r"</?\w+>")
_OPEN_QUOTES = "“‘「『《"
_DOUBT = diverged(Divergence.DOUBT)


class Instructed:
    """Finds the joint in what a target wrote that was told to go on, beginning with the anchor."""

    def __init__(self, released: str, anchor: str) -> None:
        self._cut = Cut(released)
        self._text = self._cut.text
        self._anchor = anchor
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
        return Objector(self._cut, self._known)

    @cached_property
    def _claimant(self) -> Claimant:
        return Claimant(self._cut, self._known, self._anchor, self._memory, self._objector)

    @cached_property
    def _telling(self) -> bool:
        """Whether nobody begins with these words but who quotes them."""
        if len(self._anchor) >= QUOTED:
            return self._text.count(self._anchor) == 1 and len(set(self._anchor)) > 2
        fair = weight(letters_of(self._anchor)) >= FAIR
        return fair and exact_overlap(self._text, self._anchor).proof >= Proof.LIKELY

    @cached_property
    def _tagged(self) -> bool:
        """Whether tags may stand there as text."""
        markup = open_fence(self._text) in _MARKUP or _TAGS.search(self._text) is not None
        return self._cut.fence_open and markup

    def __call__(self, new: str, *, final: bool) -> Joint | More | Failure:
        if not self._text:
            return Joint(0, Seam("blank", confidence=Confidence.PROVED))
        if final and denies_a_rest(new):
            return diverged(Divergence.NO_NEWS)
        if self._telling and new.startswith(self._anchor):
            sure = is_distinct(self._anchor.lstrip())  # it may begin with a break
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
        if final or not (doubtful or isinstance(found, Failure)):
            return found
        if seen < DOUBTFUL:
            return More(len(new) + 1 + (DOUBTFUL - seen) // 2)  # what comes may prove it yet
        left = isinstance(found, Failure) and self._memory.still_to_come(fresh, drifting=True)
        return More(_next(len(new), left, len(new) // 4)) if left else found

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
                return More(_next(len(new), left, least))
        elif any(map(self._objector.ends_in_the_beginning, (new, new[before.certain :]))):
            return diverged(Divergence.EARLY_END)
        told = self._of_table(new, final=final)
        if isinstance(told, More):
            return told
        joint = told or self._repeated(fresh, before)
        if joint is None or joint == _DOUBT or self._is_slight(joint, before):
            joint = self._by_form(new, before, final=final) or joint
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
        space = self._cut.lost_space(new[before.certain :])
        plain = Joint(before.certain, Seam("plain", dropped=before.certain), space)
        return self._with_news(plain, new, final=final)

    def _of_table(self, new: str, *, final: bool) -> Joint | More | None:
        """The joint after a table that was begun again."""
        if self._cut.fence_open or self._cut.gap.count("\n") > 1:
            return None
        again = told_again(self._text, new, final=final)
        if again is None or isinstance(again, More):
            return again
        length = again.end - again.start
        end = past_frame(self._text[: len(self._text) - length], new, again.start, again.end)
        seam = Seam("overlap", length, again.start, confidence=Confidence.LIKELY)
        return Joint(end, seam)

    def _is_slight(self, joint: Joint | Failure, before: Preface) -> bool:
        """Whether only few signs, at once, are said to come again."""
        if isinstance(joint, Failure) or joint.seam.confidence is not Confidence.LIKELY:
            return False
        in_row = is_row(self._cut.line)
        return joint.seam.overlap <= (CELL if in_row else MARK)

    def _by_form(self, new: str, before: Preface, *, final: bool) -> Joint | None:
        """The joint where a few signs may come again or go on and only one makes sound Markdown."""
        rest = new[before.certain :]
        length = 0 if "\n" in self._cut.gap else exact_length(self._text, rest)
        if not length:
            return None
        again = rest[length:]
        sound = sounder(self._text, again, self._cut.gap + rest, final=final)
        if sound is None:
            return None
        skip = before.certain + (length if sound is again else 0)
        rule, kept = ("overlap", length) if sound is again else ("plain", 0)
        return Joint(skip, Seam(rule, kept, before.certain, confidence=Confidence.LIKELY))

    def _preface(self, new: str) -> Preface:
        if self._cut.goes_on_inside(new):
            return Preface(0, (0,))
        line = self._cut.line
        quoted = line[-1] in "\"'" and line.count(line[-1]) % 2 == 1
        spoken = quoted or line[-1] in _OPEN_QUOTES
        introduced = line.rstrip("*_ ")[-1:] in (":", "：") and not (
            self._cut.fence_open or "\n" in self._cut.gap
        )
        found = preface(
            new,
            fence_open=self._cut.fence_open,
            spoken=spoken,
            introduced=introduced,
            tagged=self._tagged,
        )
        spoken_on = new[:1] == " " and not self._cut.gap  # no message begins with a space
        if spoken_on or self._completed(new[: found.certain]):
            found = replace(found, certain=0, likely=(0, *found.likely))
        found = self._with_breaks(found, new)
        spaced = spaced_out(self._text, new)
        if spaced > found.certain:
            return replace(found, certain=spaced, likely=(spaced, *found.likely))
        if not self._cut.unfinished:
            return found
        length, goes_on = interjected(new[found.certain :])
        end = found.certain + length
        if goes_on:
            return replace(found, certain=end, likely=(end, *found.likely))
        return replace(found, suspect=found.suspect or (end > found.certain and not self._cut.gap))

    def _completed(self, talk: str) -> bool:
        """Whether it may as well be the end of the word that was cut: look, after lo, is no ok."""
        glued = not self._cut.gap and self._text[-1].islower() and talk[:1].islower()
        return glued and not any(sign in talk for sign in "\n:：…")

    def _with_breaks(self, before: Preface, new: str) -> Preface:
        """Of the line breaks after talk, some may be those of the text."""
        fence = new[: before.certain].strip().rpartition("\n")[2].startswith(("```", "~~~"))
        if not before.certain or self._cut.gap or fence:
            return before
        at = past_talk(self._text, new, before.certain, fence_open=self._cut.fence_open)
        return replace(before, certain=at, likely=(at, *before.likely))

    def _without_echoes(self, before: Preface, new: str) -> Preface:
        """What stands in the released text already is no talk: the text begins before it."""

        def silent(offset: int) -> bool:
            letters = letters_of(_TAGS.sub("", new[:offset]))
            return weight(letters) < SENTENCE or letters not in self._known.letters

        return replace(
            before,
            likely=tuple(filter(silent, before.likely)) or (0,),
            certain=before.certain if silent(before.certain) else 0,
        )

    def _ends_inside(self, fresh: Folded, before: Preface) -> bool:
        """Whether all that came, after words of talk, is from inside the released text."""
        if self._objector.voice(fresh.text[before.certain :]) is Voice.ON:
            return False
        pieces = [fresh.letters[fresh.first(offset) :] for offset in before.likely]
        old = self._known.letters
        return any(weight(one) >= QUOTED and one in old for one in pieces)

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
        whole = best.letters == len(self._known.letters)
        proved = best.proof is Proof.SURE and begins > begun
        heavy = weight(self._known.letters[len(self._known.letters) - best.letters :])
        rest = fresh.text[before.certain :]
        if not (whole or proved) and self._objector.restarted(rest, heavy):
            return diverged(Divergence.ANEW)
        length = best.overlap.length
        end = past_frame(self._text[: best.begin], fresh.text, best.start, best.end)
        grade = Confidence.PROVED if best.proof is Proof.SURE else Confidence.LIKELY
        return Joint(end, Seam(best.rule, length, best.offset, confidence=grade))

    def _precedes(self, first: Claim, other: Claim, new: str) -> bool:
        """Whether the text begins at `first`, although the `other` claim may be better."""
        if first.proof < Proof.LIKELY:
            return False
        begin = len(self._known.letters) - first.letters
        heavy = weight(self._known.letters[begin:])
        telling = heavy >= FAIR or (heavy >= SLIGHT and self._memory.begins(begin))
        if self._claimant.goes_on_alike(new[first.overlap.length :]):
            return True
        return other.proof <= first.proof or telling

    def _with_news(self, joint: Joint | Failure, new: str, *, final: bool) -> Joint | Failure:
        """An answer that adds nothing is whole only if what it repeats proves it."""
        if isinstance(joint, Failure) or joint.seam.verified or not final:
            return joint
        if not new[joint.skip :].strip():
            return diverged(Divergence.NO_NEWS)
        return joint


def _next(length: int, left: int, least: int) -> int:
    """The length at which the joint is looked for again while so much is `left` of the old text."""
    return length + min(length, max(left, least))
