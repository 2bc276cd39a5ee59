"""What speaks against text that repeats nothing: that it begins anew, or is no continuation."""

from __future__ import annotations

import re
from functools import cached_property

from .overlap import Folded, common_prefix, fold, shared_start, weight
from .recall import code_like
from .talk import Preface, Voice, is_prose, opens_anew, speaks_of_itself

RESTART = 40  # weight of equal first letters that mean: the answer was begun anew
SENTENCE = 12  # the same for the sentence or line that was cut
FAIR = 10  # the same for one that is whole, if half of it agrees
SLIGHT = 5  # below this, letters that begin alike are chance
LINE = 24  # the same for a line or sentence after a whole one: they may begin alike

_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
_ENDINGS = re.compile(r"[.!?]\s+|[。！？]|\n")
_GOES_ON = re.compile(r"[a-z]|[,;:!?)\]}，。、；：！？）】」』”’]|\.(?!\.)|…(?!…)")
_MARKED = re.compile(
    r"#{1,6} |>|(?:-{3,}|\*{3,})\s*\n|[<\[【（(][^\n]{1,40}[>\])】）]\s*\n|[#*_]+[^\n]{1,60}[*_]+\n"
)
_WORD_DOT = re.compile(r"(?<![\w./:@-])[A-Za-z]*[a-z]{2}[.!?][\"'”’)*]*\Z")
_BLOCK = re.compile(r"#{1,6} |> |(?:-{3,}|\*{3,}) *\n|<[\w ]{1,40}>\s*\n")
_COMMENT = re.compile(r"#|//|--|\"\"\"|^\s*\*")
_OPENS_SENTENCE = re.compile(r"(?:[A-Z][a-z'’]*|[AI])(?=[\s,])")


def _is_foreign(line: str) -> bool:
    """Whether a line of words stands there, and no code and no cells of a table."""
    words = line.strip("#>*_ -")
    begins = words[:1].isupper() or words[:1] >= "\u2e80"
    return begins and "|" not in line and is_prose(words)


class Objector:
    """Knows the released text and what the new one would stand next to."""

    def __init__(self, text: str, gap: str, known: Folded, *, fence_open: bool) -> None:
        self._text = text
        self._gap = gap
        self._known = known
        self._fence_open = fence_open
        self._unfinished = text[-1:] not in _ENDS and not fence_open

    def voice(self, new: str) -> Voice:
        """What the first words sound like, where they would stand."""
        sound = self._sound(new)
        certain = sound in (Voice.ON, Voice.APART)
        return Voice.TALK if not certain and speaks_of_itself(new) else sound

    def _sound(self, new: str) -> Voice:
        first = new.lstrip()
        if new[:1] == " " and new[1:2].strip():
            return Voice.ON
        if not first or (new[:1].isspace() and not (self._unfinished and "\n" in new[:2])):
            return Voice.TEXT
        if self._in_code and _is_foreign(first.partition("\n")[0]):
            return Voice.APART
        if _BLOCK.match(new) and self._in_line:
            return Voice.APART
        if not self._unfinished:
            return Voice.TEXT if self._fence_open and _GOES_ON.match(first) else Voice.EITHER
        if _GOES_ON.match(first):
            return Voice.TEXT
        if self._text[-1].isdigit() and first[0].isdigit():
            return Voice.TEXT
        after_comma = self._text[-1] in ",;" and new[0].isupper() and not self._gap
        if self._glued(new) or after_comma or _MARKED.match(first):
            return Voice.APART
        return Voice.EITHER

    @cached_property
    def among_code(self) -> bool:
        """Whether lines may repeat themselves there: in code, tables and formulas."""
        line = self._text[self._text.rfind("\n") + 1 :]
        return self._fence_open or line.startswith("|") or code_like(line)

    @cached_property
    def _in_line(self) -> bool:
        """Whether it was cut in a line of prose, where no heading or quotation can begin."""
        return not self._fence_open and "\n" not in self._gap and self._text[-1] not in "-=<|>#"

    @cached_property
    def _in_code(self) -> bool:
        """Whether it was cut in a line of code or of a table, where no sentence can begin."""
        line = self._text[self._text.rfind("\n") + 1 :]
        if "\n" in self._gap:
            return False
        if line.startswith("|"):
            return True
        quoted = line.count('"') % 2 or line.count("'") % 2 or _COMMENT.search(line)
        return self._fence_open and not quoted and not is_prose(line)

    def objection(self, new: str, before: Preface) -> str:
        """Why it is no continuation; "" if it may be one."""
        rest = new[before.certain :]
        if self.restarted(rest):
            return "began the answer anew in other words"
        pieces = [rest, *(new[at:] for at in before.likely if self._is_said(new, before, at))]
        if any(map(self._began_anew, pieces)):
            return "began the sentence anew in other words"
        if before.suspect:
            return "begins with words about itself that may be no text"
        apart = self._sound(rest) is Voice.APART if rest else False
        if apart or (self._unfinished and opens_anew(rest.lstrip())):
            return "begins like another answer in the middle of a sentence"
        return ""

    def restarted(self, rest: str) -> bool:
        """Whether it begins like the whole answer for longer than by chance."""
        return shared_start(self._text, rest) >= RESTART

    def _is_said(self, new: str, before: Preface, offset: int) -> bool:
        """Whether words of talk stand between what is certain to be talk and `offset`."""
        said = new[before.certain : offset]
        return bool(fold(said).letters) and self.voice(said) > Voice.TEXT

    def lost_space(self, rest: str) -> str:
        """The space that is missing where one sentence ends and `rest` begins the next."""
        if self._gap or self._fence_open or self._text.count("`") % 2:
            return ""
        ends = _WORD_DOT.search(self._text)
        return " " if ends and _OPENS_SENTENCE.match(rest) else ""

    def _glued(self, rest: str) -> bool:
        """Whether a capital letter would stand in the middle of a word that has none there."""
        if not (self._text[-1].islower() and rest[:1].isupper()) or self._gap:
            return False
        word = re.search(r"\w*\Z", self._text)
        head = re.match(r"\w+", rest)
        assert word
        assert head
        return f"{word.group()}{head.group()}" not in self._text

    @cached_property
    def _starts(self) -> list[int]:
        ends = [match.end() for match in _ENDINGS.finditer(self._text)]
        return [0, *(end for end in ends if end < len(self._text))]

    def _began_anew(self, rest: str) -> bool:
        """Whether it begins like the answer, or like one of its last two sentences or lines.

        Whole lines and sentences may begin alike; one begun again in mid-line does not.
        """
        next_line = "\n" in rest[: len(rest) - len(rest.lstrip())]
        spaced = rest[:1] == " " and rest[1:2] != " "
        for start in {0, *self._starts[-2:]}:
            begun = self._text[start:]
            shared = shared_start(begun, rest)
            if shared < SLIGHT or self._common(begun, rest):
                continue
            cut = start == self._starts[-1] and (self._unfinished or self._fence_open)
            half = 2 * shared >= weight(fold(begun).letters)
            if next_line or spaced:
                least = RESTART  # who begins anew does not begin with the space before it
            elif cut and "\n" not in self._gap:
                least = SLIGHT if half else SENTENCE
            else:
                least = FAIR if half else LINE
            if shared >= least:
                return True
        return self._indented_anew(rest)

    def _indented_anew(self, rest: str) -> bool:
        """Whether a line of code begins again in the middle of itself."""
        line = self._text[self._text.rfind("\n") + 1 :]
        code = line.lstrip()
        indented = len(line) - len(code) > 1 and "\n" not in self._gap
        return indented and rest.startswith(line[: len(line) - len(code) + 3])

    def _common(self, begun: str, rest: str) -> bool:
        """Whether the text begins so more than once anyway."""
        one, other = fold(begun).letters, fold(rest).letters
        letters = one[: common_prefix(one, other)]
        starts = {self._known.first(start) for start in self._starts}
        return sum(self._known.letters.startswith(letters, start) for start in starts) > 1
