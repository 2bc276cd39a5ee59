"""What speaks against text that repeats nothing: that it begins anew, or is no continuation."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise

from .cut import Cut
from .drift import align, shared_words
from .form import is_prose
from .joint import Divergence
from .letters import Folded, common_prefix, letters_of, shared_start, weight
from .talk import Preface, Voice, addresses, opens_anew, speaks_of_itself

RESTART = 40  # weight of equal first letters that mean: the answer was begun anew
SENTENCE = 12  # the same for the sentence or line that was cut
FAIR = 10  # the same for one that is whole, if half of it agrees
LETTERS = 3  # of an answer that was begun anew and is over
SLIGHT = 5  # below this, letters that begin alike are chance
ALIKE = 12  # characters by which lines that begin alike are known
LAST = 3  # sentences that are looked for once more
OFTEN = 16  # lines and sentences that are compared with the first
REACH = 480  # characters of new text in which they are
RETOLD = 16  # weight of words that are said again
SAME = 0.7  # share of them in a sentence that is
MORE = 0.15  # by how much that must be more than is usual in the text
LINE = 24  # the same for a line or sentence after a whole one: they may begin alike

_ENDINGS = re.compile(r"[.!?]\s+|[。！？]|\n")
_GOES_ON = re.compile(r"[a-z]|[,;:!?)\]}，。、；：！？）】」』”’]|\.(?!\.)|…(?!…)")
_MARKED = re.compile(
    r"#{1,6} |>|(?:-{3,}|\*{3,})\s*\n|[<\[【（(][^\n]{1,40}[>\])】）]\s*\n|[#*_]+[^\n]{1,60}[*_]+\n"
)
_BLOCK = re.compile(r"#{1,6} |> |(?:-{3,}|\*{3,}) *\n|<[\w ]{1,40}>\s*\n")
_CHINESE_SIGN = re.compile(r"[\u4e00-\u9fff]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{3}")


def _is_foreign(line: str) -> bool:
    """Whether a line of words stands there, and no code and no cells of a table."""
    words = line.strip("#>*_ -")
    begins = words[:1].isupper() or words[:1] >= "\u2e80"
    return begins and is_prose(words)


def _begins_in_chinese(line: str, before: str) -> bool:
    """Whether it begins with words of Chinese, and the code `before` has none."""
    return _CHINESE.match(line) is not None and not _CHINESE_SIGN.search(before)


def _is_refrain(text: str, rest: str) -> bool:
    """Whether `rest` has the first lines of `text` again on lines of its own, and then others: who
    begins anew in other words does not do so line by line.
    """
    again = rest.lstrip("\r\n")
    shared = common_prefix(text, again)
    return len(again) < len(rest) and again[shared - 1 : shared] == "\n"


class Objector:
    """Knows the released text and what the new one would stand next to."""

    def __init__(self, cut: Cut, known: Folded) -> None:
        self._cut = cut
        self._known = known

    def voice(self, new: str) -> Voice:
        """What the first words sound like, where they would stand."""
        sound = self._sound(new)
        certain = sound in (Voice.ON, Voice.APART)
        return Voice.TALK if not certain and speaks_of_itself(new) else sound

    def _sound(self, new: str) -> Voice:
        first = new.lstrip()
        if not first:
            return Voice.TEXT
        if new[0].isspace() or self._cut.goes_on_surely(new) or self._cut.completes_a_word(new):
            return Voice.ON
        line = first.partition("\n")[0]
        if self._cut.completes_an_operator(new):
            return Voice.TEXT
        if self._cut.in_code and (_is_foreign(line) or _begins_in_chinese(line, self._cut.line)):
            return Voice.APART
        if _BLOCK.match(new) and self._cut.in_line:
            return Voice.APART
        if not self._cut.unfinished:
            going = self._cut.fence_open and _GOES_ON.match(first)
            return Voice.TEXT if going or self._begins_alike(first) else Voice.EITHER
        if _GOES_ON.match(first):
            return Voice.TEXT
        after_comma = self._cut.text[-1] in ",;" and new[0].isupper()
        if self._cut.breaks_a_word(new) or after_comma or _MARKED.match(first):
            return Voice.APART
        return Voice.EITHER

    def objection(self, new: str, before: Preface, *, final: bool = False) -> Divergence | None:
        """Why it is no continuation; None if it may be one. `final`: nothing comes after `new`."""
        rest = new[before.certain :]
        if self.restarted(rest):
            return Divergence.ANEW
        if self._cut.goes_on_inside(rest):
            return None
        if self._told_from_a_line(rest):
            return Divergence.ANEW
        if final and self._says_goodbye(rest) and not addresses(self._cut.text):
            return Divergence.TO_THE_READER
        pieces = [rest, *(new[at:] for at in before.likely if self._is_said(new, before, at))]
        if any(map(self._began_anew, pieces)):
            return Divergence.SENTENCE_ANEW
        if before.suspect:
            return Divergence.ABOUT_ITSELF
        if self._says_again(rest, final=final):
            return Divergence.DOUBT
        if self._sound(rest) is Voice.APART or (self._cut.unfinished and opens_anew(rest.lstrip())):
            return Divergence.OTHER_ANSWER
        return None

    def _says_goodbye(self, rest: str) -> bool:
        """Whether it is a word to the reader and nothing else: an answer may end in one."""
        first, broken, _ = rest.strip().partition("\n\n")
        return addresses(rest) and (not broken or self.voice(first) >= Voice.TALK)

    def has_few_signs_again(self, rest: str) -> bool:
        """Whether the signs without letters that were released may come again in `rest`."""
        if self._known.letters:
            return False
        again = re.search(rf"(?<=\s){re.escape(self._cut.text.lstrip())}", rest[1:])
        return again is not None and not _GOES_ON.match(rest)

    def ends_in_the_beginning(self, rest: str) -> bool:
        """Whether all of it is the beginning of the answer once more."""
        letters = letters_of(rest)
        known = self._known.letters
        return LETTERS <= len(letters) < len(known) and known.startswith(letters)

    def restarted(self, rest: str, repeated: int = 0) -> bool:
        """Whether it begins like the whole answer for longer than by chance, and than what it has
        `repeated` (its weight) of the end, if anything.
        """
        if _is_refrain(self._cut.text, rest):
            return False
        least = min(RESTART, max(LINE, 3 * repeated)) if repeated else RESTART
        if shared_start(self._cut.text, rest) >= least:
            return True
        told = align(self._known.letters, letters_of(rest))
        if (repeated or told.run < SLIGHT) and self._begins_often:
            return False
        return told.matched >= max(RESTART if told.run >= SLIGHT else 2 * RESTART, 3 * repeated)

    def _told_from_a_line(self, rest: str) -> bool:
        """Whether it begins, on the line that was cut, with one further up that the text has once,
        and goes on for as long as that does by no chance.
        """
        begun = next((rest[:n] for n in range(REACH) if weight(letters_of(rest[:n])) >= LINE), "")
        if not begun or rest[0].isspace() or "\n" in self._cut.gap:
            return False
        at = self._cut.text.find(begun)
        first = self._known.first(at)
        if first not in self._first_letters or self._cut.text.find(begun, at + 1) >= 0:
            return False  # signs tell the lines of one format from those of another
        return align(self._known.letters[first:], letters_of(rest[:REACH])).matched >= 2 * RESTART

    @cached_property
    def _begins_often(self) -> bool:
        """Whether the text is like its own beginning elsewhere too, so that nothing follows of
        what comes and is.
        """
        old = self._known.letters
        later = (align(old, old[at : at + REACH]) for at in self._first_letters[1 : OFTEN + 1])
        return any(told.matched >= RESTART for told in later)

    def _is_said(self, new: str, before: Preface, offset: int) -> bool:
        """Whether words of talk stand between what is certain to be talk and `offset`."""
        said = new[before.certain : offset]
        return bool(letters_of(said)) and self.voice(said) > Voice.TEXT

    def _begins_alike(self, rest: str) -> bool:
        """Whether more than one line or sentence of the text begins like that, as in a dialogue
        or a list.
        """
        letters = letters_of(rest[:ALIKE])
        piece = next((letters[:n] for n in range(len(letters) + 1) if weight(letters[:n]) >= 4), "")
        return bool(piece) and self._often(piece)

    def _often(self, piece: str) -> bool:
        """Whether more than one line or sentence of the text begins with these letters."""
        found = (at for at in self._first_letters if self._known.letters.startswith(piece, at))
        return next(found, None) is not None and next(found, None) is not None

    @cached_property
    def _first_letters(self) -> list[int]:
        return sorted({self._known.first(start) for start in self._starts})

    @cached_property
    def _starts(self) -> list[int]:
        ends = [match.end() for match in _ENDINGS.finditer(self._cut.text)]
        return [0, *(end for end in ends if end < len(self._cut.text))]

    def _began_anew(self, rest: str) -> bool:
        """Whether it begins like the answer, or like one of its last two sentences or lines.

        Whole lines and sentences may begin alike; one begun again in mid-line does not.
        """
        next_line = "\n" in rest[: len(rest) - len(rest.lstrip())]
        spaced_out = rest[:1] in (" ", "\t")
        spaced = rest[:1] == " " and rest[1:2] != " "
        for start in {0, *self._starts[-2:]}:
            begun = self._cut.text[start:]
            shared = shared_start(begun, rest)
            if shared < SLIGHT or self._common(begun, rest) or _is_refrain(begun, rest):
                continue
            if self._cut.among_code and spaced_out and not begun[:1].isspace():
                continue  # lines of code and rows may begin alike
            cut = start == self._starts[-1] and (self._cut.unfinished or self._cut.fence_open)
            half = 2 * shared >= weight(letters_of(begun))
            if next_line or spaced:
                least = RESTART  # who begins anew does not begin with the space before it
            elif cut and "\n" not in self._cut.gap:
                least = SLIGHT if half else SENTENCE
            else:
                least = FAIR if half else LINE
            if shared >= least:
                return True
        return self._indented_anew(rest) or self._line_anew(rest)

    def _says_again(self, rest: str, *, final: bool) -> bool:
        """Whether it begins with one of the last sentences once more, in whatever order of its
        words, and those of the text before are less like one another; or has one later as it was.

        What goes on with the space before it may come to it again, or with the rest of a word, and
        so may code.
        """
        in_word = self._cut.text[-1].isalpha() and not self._cut.gap and rest[:1].islower()
        if self._cut.among_likes or in_word or self._sound(rest) is Voice.ON:
            return False
        new, letters = rest.lstrip(), letters_of(rest[:REACH])
        return any(
            self._is_said_again(one, new[: len(one)], to_come=len(new) < len(one) and not final)
            or letters_of(one) in letters
            for one in self._last_said
        )

    @cached_property
    def _last_said(self) -> list[str]:
        """Its last sentences, one by one and together, that say enough."""
        text, starts = self._cut.text, self._starts[-LAST:]
        pieces = {text[start:] for start in starts} | {text[a:b] for a, b in pairwise(starts)}
        return [one for one in pieces if len(one) <= REACH and weight(letters_of(one)) >= LINE]

    def _is_said_again(self, piece: str, new: str, *, to_come: bool) -> bool:
        shared = shared_words(piece, new)
        likeness = shared.of_second if to_come else shared.of_both
        return shared.weight >= RETOLD and likeness >= max(SAME, self._usual + MORE)

    @cached_property
    def _usual(self) -> float:
        """How much the words of any sentence of the text are those of one soon after it."""
        text, starts = self._cut.text, self._starts[-OFTEN - 1 :]
        pairs = (
            (text[start:end], text[later : later + end - start])
            for at, (start, end) in enumerate(pairwise(starts))
            for later in starts[at + 1 : at + 1 + LAST]
        )
        return max((shared_words(*pair).of_both for pair in pairs), default=0.0)

    def _line_anew(self, rest: str) -> bool:
        """Whether the line begins again in the middle of itself, sign by sign."""
        least = max(SENTENCE, len(self._cut.line) // 2)
        again = common_prefix(self._cut.line, rest) >= least and "\n" not in self._cut.gap
        return again and 3 * len(set(rest[:least])) > least

    def _indented_anew(self, rest: str) -> bool:
        """Whether a line of code begins again in the middle of itself."""
        line = self._cut.line
        code = line.lstrip()
        indented = len(line) - len(code) > 1 and "\n" not in self._cut.gap
        return indented and rest.startswith(line[: len(line) - len(code) + 3])

    def _common(self, begun: str, rest: str) -> bool:
        """Whether the text begins so more than once anyway."""
        one, other = letters_of(begun), letters_of(rest)
        return self._often(one[: common_prefix(one, other)])
