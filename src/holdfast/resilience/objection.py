"""What speaks against text that repeats nothing: that it begins anew, or is no continuation."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise

from .breaks import kind_of
from .drift import align
from .form import is_prose
from .joint import Divergence
from .overlap import Folded, common_prefix, letters_of, shared_start, weight
from .recall import code_like
from .talk import Preface, Voice, addresses, opens_anew, speaks_of_itself

RESTART = 40  # weight of equal first letters that mean: the answer was begun anew
SENTENCE = 12  # the same for the sentence or line that was cut
FAIR = 10  # the same for one that is whole, if half of it agrees
LETTERS = 3  # of an answer that was begun anew and is over
SLIGHT = 5  # below this, letters that begin alike are chance
ALIKE = 12  # characters by which lines that begin alike are known
DRIFT = 0.3  # share of an answer that may differ if it is begun anew in nearly the same words
LAST = 3  # sentences that are looked for once more
OFTEN = 16  # lines and sentences that are compared with the first
REACH = 480  # characters of new text in which they are
LINE = 24  # the same for a line or sentence after a whole one: they may begin alike

_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
_WIDE_ENDS = "。！？…"  # after these the next sentence follows at once
_ENDINGS = re.compile(r"[.!?]\s+|[。！？]|\n")
_GOES_ON = re.compile(r"[a-z]|[,;:!?)\]}，。、；：！？）】」』”’]|\.(?!\.)|…(?!…)")
_MARKED = re.compile(
    r"#{1,6} |>|(?:-{3,}|\*{3,})\s*\n|[<\[【（(][^\n]{1,40}[>\])】）]\s*\n|[#*_]+[^\n]{1,60}[*_]+\n"
)
_WORD_DOT = re.compile(r"(?<![\w./:@-])[A-Za-z]*[a-z]{2}[.!?][\"'”’)*]*\Z")
_BLOCK = re.compile(r"#{1,6} |> |(?:-{3,}|\*{3,}) *\n|<[\w ]{1,40}>\s*\n")
_COMMENT = re.compile(r"#|//|--|\"\"\"|^\s*\*")
_SPACE_BETWEEN = re.compile(r" (?! )")  # two words
_FIGURES = re.compile(r"[\d|{}<>=$\\;\[\]/+%&@#^_]")
_LONG_COMMENTS = (("/*", "*/"), ("<!--", "-->"), ("{-", "-}"))
_CHINESE_SIGN = re.compile(r"[\u4e00-\u9fff]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]{3}")
_OPENS_SENTENCE = re.compile(r"(?:[A-Z][a-z'’]*|[AI])(?=[\s,])")


def _is_foreign(line: str) -> bool:
    """Whether a line of words stands there, and no code and no cells of a table."""
    words = line.strip("#>*_ -")
    begins = words[:1].isupper() or words[:1] >= "\u2e80"
    return begins and "|" not in line and is_prose(words)


def _begins_in_chinese(line: str, before: str) -> bool:
    """Whether it begins with words of Chinese, and the code `before` has none."""
    return _CHINESE.match(line) is not None and not _CHINESE_SIGN.search(before)


def _is_refrain(text: str, rest: str) -> bool:
    """Whether `rest` has the first lines of `text` again on lines of its own, and then others: who
    begins anew in other words does not do so line by line.
    """
    again = rest.lstrip("\r\n")
    shared = common_prefix(text, again)
    own = len(again) < len(rest) and shared < min(len(again), len(text))
    return own and again[shared - 1 : shared] == "\n"


class Objector:
    """Knows the released text and what the new one would stand next to."""

    def __init__(self, text: str, gap: str, known: Folded, *, fence_open: bool) -> None:
        self._text = text
        self._gap = gap
        self._known = known
        self._fence_open = fence_open
        self._unfinished = text[-1:] not in _ENDS and not fence_open and "\n" not in gap

    @cached_property
    def _line(self) -> str:
        """The line that was cut."""
        return self._text[self._text.rfind("\n") + 1 :]

    def voice(self, new: str) -> Voice:
        """What the first words sound like, where they would stand."""
        sound = self._sound(new)
        certain = sound in (Voice.ON, Voice.APART)
        return Voice.TALK if not certain and speaks_of_itself(new) else sound

    def _sound(self, new: str) -> Voice:
        first = new.lstrip()
        if kind_of(self._line) and "\n" in new[:2]:
            return Voice.TEXT  # an item or a row ends without a mark
        if new[:1] == " " and new[1:2].strip():
            return Voice.ON
        if not first or (new[:1].isspace() and not (self._unfinished and "\n" in new[:2])):
            return Voice.TEXT
        line = first.partition("\n")[0]
        if self._in_code and (_is_foreign(line) or _begins_in_chinese(line, self._line)):
            return Voice.APART
        if _BLOCK.match(new) and self._in_line:
            return Voice.APART
        if not self._unfinished:
            going = self._fence_open and _GOES_ON.match(first)
            return Voice.TEXT if going or self._begins_alike(first) else Voice.EITHER
        if _GOES_ON.match(first):
            return Voice.TEXT
        if self._text[-1].isdigit() and first[0].isdigit():
            return Voice.TEXT
        after_comma = self._text[-1] in ",;" and new[0].isupper() and not self._gap
        if self._glued(new) or after_comma or _MARKED.match(first):
            return Voice.APART
        return Voice.TEXT if self._begins_alike(first) else Voice.EITHER

    def is_glued(self, rest: str) -> bool:
        """Whether `rest` would stand on the line that was cut, or break a sentence or a row."""
        if "\n" in self._gap or _SPACE_BETWEEN.match(rest):
            return False
        if not self.among_likes:
            return self._unfinished
        open_row = self._line.startswith("|") and not self._line.endswith("|")
        return open_row or rest[:1] not in "\r\n"

    @cached_property
    def among_likes(self) -> bool:
        """Whether lines are like one another there: in code, tables, formulas and figures."""
        signs = "".join(self._line.split())
        figures = 4 * len(_FIGURES.findall(signs)) > len(signs)
        return self._fence_open or self._line.startswith("|") or figures

    @cached_property
    def among_code(self) -> bool:
        """Whether lines may repeat themselves there: in code, tables and formulas."""
        return self._fence_open or self._line.startswith("|") or code_like(self._line)

    @cached_property
    def _in_line(self) -> bool:
        """Whether it was cut in a line of prose, where no heading or quotation can begin."""
        return not self._fence_open and "\n" not in self._gap and self._text[-1] not in "-=<|>#"

    @cached_property
    def _in_code(self) -> bool:
        """Whether it was cut in code or in a row of a table, where no sentence can begin."""
        line = self._line
        if "\n" in self._gap:
            return self._fence_open and self._only_code
        if line.startswith("|"):
            return True
        quoted = line.count('"') % 2 or line.count("'") % 2 or _COMMENT.search(line)
        return self._fence_open and not quoted and not is_prose(line)

    @property
    def _only_code(self) -> bool:
        """Whether the lines before are code, and no comment or text is open that they began."""
        lines = [line for line in self._text.rsplit("\n", 6)[-5:] if line.strip()]
        block = self._text[max(self._text.rfind(mark) for mark in ("```", "~~~")) :]
        opened = any(block.count(one) % 2 for one in ('"""', "'''"))
        opened = opened or any(block.rfind(one) > block.rfind(end) for one, end in _LONG_COMMENTS)
        words = any(is_prose(line) or _COMMENT.search(line) for line in lines)
        return code_like("\n".join(lines)) and not (opened or words or lines[-1].endswith(">"))

    def objection(self, new: str, before: Preface, *, final: bool = False) -> Divergence | None:
        """Why it is no continuation; None if it may be one. `final`: nothing comes after `new`."""
        rest = new[before.certain :]
        if self.restarted(rest):
            return Divergence.ANEW
        if final and self._says_goodbye(rest) and not addresses(self._text):
            return Divergence.TO_THE_READER
        pieces = [rest, *(new[at:] for at in before.likely if self._is_said(new, before, at))]
        if any(map(self._began_anew, pieces)):
            return Divergence.SENTENCE_ANEW
        if before.suspect:
            return Divergence.ABOUT_ITSELF
        if self._says_again(rest):
            return Divergence.DOUBT
        apart = self._sound(rest) is Voice.APART if rest else False
        if apart or (self._unfinished and opens_anew(rest.lstrip())):
            return Divergence.OTHER_ANSWER
        return None

    def _says_goodbye(self, rest: str) -> bool:
        """Whether it is a word to the reader and nothing else: an answer may end in one."""
        first, broken, _ = rest.strip().partition("\n\n")
        return addresses(rest) and (not broken or self.voice(first) >= Voice.TALK)

    def has_few_signs_again(self, rest: str) -> bool:
        """Whether the signs without letters that were released may come again in `rest`."""
        few = not self._known.letters and len(self._text) > 1
        return few and self._text in rest[1:] and not _GOES_ON.match(rest)

    def ends_in_the_beginning(self, rest: str) -> bool:
        """Whether all of it is the beginning of the answer once more."""
        letters = letters_of(rest)
        known = self._known.letters
        short = len(letters) < len(known) or weight(letters) < SENTENCE
        return len(letters) >= LETTERS and short and known.startswith(letters)

    def restarted(self, rest: str, repeated: int = 0) -> bool:
        """Whether it begins like the whole answer for longer than by chance, and than what it has
        `repeated` (its weight) of the end, if anything.
        """
        if _is_refrain(self._text, rest):
            return False
        least = min(RESTART, max(LINE, 3 * repeated)) if repeated else RESTART
        if shared_start(self._text, rest) >= least:
            return True
        told = align(self._known.letters, letters_of(rest))
        if (repeated or told.run < SLIGHT) and self._begins_often:
            return False
        sound = told.run >= SLIGHT and rest[:1] not in "\r\n"
        least = max(RESTART if sound else 2 * RESTART, 3 * repeated)
        return told.matched >= least and told.share <= DRIFT

    @cached_property
    def _begins_often(self) -> bool:
        """Whether the text is like its own beginning elsewhere too, so that nothing follows of
        what comes and is.
        """
        old = self._known.letters
        later = (align(old, old[at : at + REACH]) for at in self._first_letters[1 : OFTEN + 1])
        return any(told.matched >= RESTART and told.share <= DRIFT for told in later)

    def _is_said(self, new: str, before: Preface, offset: int) -> bool:
        """Whether words of talk stand between what is certain to be talk and `offset`."""
        said = new[before.certain : offset]
        return bool(letters_of(said)) and self.voice(said) > Voice.TEXT

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
            if shared < SLIGHT or self._common(begun, rest) or _is_refrain(begun, rest):
                continue
            if next_line and self.among_code:
                continue  # lines of code and rows may begin alike
            cut = start == self._starts[-1] and (self._unfinished or self._fence_open)
            cut |= start == 0 and self._unfinished
            half = 2 * shared >= weight(letters_of(begun))
            if next_line or spaced:
                least = RESTART  # who begins anew does not begin with the space before it
            elif cut and "\n" not in self._gap:
                least = SLIGHT if half else SENTENCE
            else:
                least = FAIR if half else LINE
            if shared >= least:
                return True
        return self._indented_anew(rest) or self._line_anew(rest)

    def _says_again(self, rest: str) -> bool:
        """Whether one of the last sentences stands there once more, that the text has only once.

        What goes on with the space before it may come to it again, and so may code.
        """
        if self.among_likes or rest[:1].isspace():
            return False
        letters = letters_of(rest[:REACH])
        ends = [*self._first_letters[-LAST:], len(self._known.letters)]
        pieces = (self._known.letters[at:end] for at, end in pairwise(ends))
        return any(
            weight(piece) >= LINE and piece in letters and self._known.letters.count(piece) == 1
            for piece in pieces
        )

    def _line_anew(self, rest: str) -> bool:
        """Whether the line begins again in the middle of itself, sign by sign."""
        least = max(SENTENCE, len(self._line) // 2)
        again = common_prefix(self._line, rest) >= least and "\n" not in self._gap
        return again and 3 * len(set(rest[:least])) > least

    def _indented_anew(self, rest: str) -> bool:
        """Whether a line of code begins again in the middle of itself."""
        line = self._line
        code = line.lstrip()
        indented = len(line) - len(code) > 1 and "\n" not in self._gap
        return indented and rest.startswith(line[: len(line) - len(code) + 3])

    def _common(self, begun: str, rest: str) -> bool:
        """Whether the text begins so more than once anyway."""
        one, other = letters_of(begun), letters_of(rest)
        return self._often(one[: common_prefix(one, other)])
