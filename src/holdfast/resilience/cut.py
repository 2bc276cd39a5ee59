"""Where the released text was cut: what kind of line that is, and what may go on there."""

from __future__ import annotations

import re
from functools import cached_property

from ..core.anchor import open_fence
from .form import is_prose
from .recall import code_like

_CAPITALS = re.compile(r"(?!(?:I|A|OK)\b)[A-Z]+(?![a-z'’])")
_ENDS = ".!?。！？…:：;；\n\"'”’」』)）】]}`|>*_"  # after these a new sentence may begin
# Signs that close what stands before them: nobody begins with them who does not go on.
_CLOSES = re.compile(r"[,;:!?)\]}，。、；：！？）】」』”’]|\.(?!\.)")
_BRACKETS = tuple(zip("([{（「『“《【", ")]}）」』”》】", strict=True))
_NO_END = re.compile(r"[^.!?:…。！？：\n]{0,80}")
_WORD_DOT = re.compile(r"(?<![\w./:@-])[A-Za-z]*[a-z]{2}[.!?][\"'”’)*]*\Z")
_TAG = re.compile(r"<[^\W\d][^<>]*>\Z")
_OPERATOR = re.compile(r"[->=|](?![->=|]{2})")
_COMMENT = re.compile(r"#|//|--|\"\"\"|^\s*\*")
_SPACE_BETWEEN = re.compile(r" (?! )")  # two words
_FIGURES = re.compile(r"[\d|{}<>=$\\;\[\]/+%&@#^_]")
_LONG_COMMENTS = (("/*", "*/"), ("<!--", "-->"), ("{-", "-}"))
_WIDE = "\u2e80"  # from here on words are not told apart by spaces
_WORD_ENDS = re.compile(r"[^\W\u2e80-\U0003ffff]+['’]?\Z")
_WORD_BEGINS = re.compile(r"[^\W\u2e80-\U0003ffff]+")
_OPENS_SENTENCE = re.compile(r"(?:[A-Z][a-z'’]*|[AI])(?=[\s,])")


class Cut:
    """The end of the released `text`, with white space behind it (`gap`) or not; `fence_open`: in a
    block of code; `unfinished`: in a sentence.
    """

    def __init__(self, released: str) -> None:
        self.text = text = released.rstrip()
        self.gap = released[len(text) :]
        last_line = released[released.rfind("\n") + 1 :].lstrip()
        inside = open_fence(released) is not None
        self.fence_open = inside and not last_line.startswith(("```", "~~~"))
        ended = text[-1:] in _ENDS or "\n" in self.gap
        self.unfinished = not (ended or self.fence_open)

    @cached_property
    def line(self) -> str:
        """The line that was cut."""
        return self.text[self.text.rfind("\n") + 1 :]

    def is_glued(self, rest: str) -> bool:
        """Whether `rest` would stand on the line that was cut, or break a sentence or a row."""
        if "\n" in self.gap or _SPACE_BETWEEN.match(rest):
            return False
        if not self.among_likes:
            return self.unfinished
        return rest[:1] not in "\r\n"

    @cached_property
    def among_likes(self) -> bool:
        """Whether lines are like one another there: in code, tables, formulas and figures."""
        signs = "".join(self.line.split())
        figures = 4 * len(_FIGURES.findall(signs)) > len(signs)
        return self.fence_open or figures

    @property
    def among_lines(self) -> bool:
        """Whether each line stands for itself there: in code and in tables."""
        return self.fence_open or self.line.startswith("|")

    @cached_property
    def among_code(self) -> bool:
        """Whether lines may repeat themselves there: in code, tables and formulas."""
        return self.among_lines or code_like(self.line)

    @cached_property
    def in_line(self) -> bool:
        """Whether it was cut in a line of prose, where no heading or quotation can begin."""
        return not self.fence_open and "\n" not in self.gap and self.text[-1] not in "-=<|>#"

    @cached_property
    def in_code(self) -> bool:
        """Whether it was cut in code or in a row of a table, where no sentence can begin."""
        line = self.line
        if "\n" in self.gap:
            return self.fence_open and self._only_code
        if line.startswith("|"):
            return True
        quoted = line.count('"') % 2 or line.count("'") % 2 or _COMMENT.search(line)
        tagged = _TAG.search(line)  # after it there is text
        return self.fence_open and not (quoted or tagged or is_prose(line))

    @property
    def _only_code(self) -> bool:
        """Whether the lines before are code, and no comment or text is open that they began."""
        lines = [line for line in self.text.rsplit("\n", 6)[-5:] if line.strip()]
        block = self.text[max(self.text.rfind(mark) for mark in ("```", "~~~")) :]
        opened = any(block.count(one) % 2 for one in ('"""', "'''"))
        opened = opened or any(block.rfind(one) > block.rfind(end) for one, end in _LONG_COMMENTS)
        words = any(is_prose(line) or _COMMENT.search(line) for line in lines)
        return code_like("\n".join(lines)) and not (opened or words or lines[-1].endswith(">"))

    def goes_on_inside(self, rest: str) -> bool:
        """Whether its first signs are of the sentence that was cut, or of the word in capitals."""
        closes = self.unfinished and _CLOSES.match(rest) is not None
        return closes or self.goes_on_surely(rest)

    def goes_on_surely(self, rest: str) -> bool:
        """The same, where what goes on is nothing that was said before: lines that are like one
        another begin so, and what begins with such a sign elsewhere may say it again.
        """
        if not self.text or "\n" in self.gap:
            return False
        capitals = self.text[-1].isupper() and _CAPITALS.match(rest) is not None
        return capitals or self._closes_bracket(rest)

    def _closes_bracket(self, rest: str) -> bool:
        """Whether the first words close what is open on the line that was cut."""
        begun = _NO_END.match(rest)
        assert begun
        for opening, closing in _BRACKETS:
            open_still = self.line.count(opening) > self.line.count(closing)
            at = rest.find(closing, 0, begun.end() + 1)
            if open_still and at >= 0 and opening not in rest[:at]:
                return True
        return False

    def completes_a_word(self, rest: str) -> bool:
        """Whether what was cut and `rest` make up a word that stands elsewhere, too."""
        if self.gap:
            return False
        head = _WORD_BEGINS.match(rest)
        if self._cut_word and head:
            words = [self._cut_word + head.group()]
        elif rest[:1] >= _WIDE and self.text[-1] >= _WIDE and (self.text[-1] + rest[0]).isalnum():
            words = [self.text[-2:] + rest[0], self.text[-1] + rest[:2]]  # Chinese has no spaces
        else:
            return False
        return any(_has_word(text, word) for word in words for text in (self.text, rest))

    @cached_property
    def _cut_word(self) -> str:
        found = _WORD_ENDS.search(self.line)
        return found.group() if found else ""

    def completes_an_operator(self, rest: str) -> bool:
        """Whether it begins with the other half of => and the like."""
        return not self.gap and self.text[-1] in "-=<|" and bool(_OPERATOR.match(rest))

    def breaks_a_word(self, rest: str) -> bool:
        """Whether a capital letter would stand in the middle of a word that has none there."""
        if not (self.text[-1].islower() and rest[:1].isupper()) or self.gap:
            return False
        word = re.search(r"\w*\Z", self.text)
        head = re.match(r"\w+", rest)
        assert word
        assert head
        return f"{word.group()}{head.group()}" not in self.text

    def lost_space(self, rest: str) -> str:
        """The space that is missing where one sentence ends and `rest` begins the next."""
        if self.gap or self.fence_open or self.text.count("`") % 2:
            return ""
        ends = _WORD_DOT.search(self.text)
        return " " if ends and _OPENS_SENTENCE.match(rest) else ""


def _has_word(text: str, word: str) -> bool:
    """Whether `word` stands there, and is no part of a longer one of Latin letters."""
    at = text.find(word)
    while at >= 0:
        around = text[max(0, at - 1) : at] + text[at + len(word) : at + len(word) + 1]
        if word[0] >= _WIDE or not any(map(str.isalnum, around)):
            return True
        at = text.find(word, at + 1)
    return False
