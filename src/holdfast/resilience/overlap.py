"""How far the start of one text repeats the end of another. Text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLOSERS = ".,;:!?。，；：！？、…\"')]}」』”*_`"
_SENTENCE_ENDS = ".!?。！？…:：\n"
_HEAD = 120  # an announcement is no longer than this
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_FIRST_SENTENCE = re.compile(r"[^.!?。！？:：…\n]*(?:[.!?。！？:：…]+[\"')」』”]?\s*|\n\s*)")
_FENCE = re.compile(r"\s*```([\w+#.-]*)[^\S\n]*\n")
_OPENER = re.compile(
    r"\W*(?:(?:sure|certainly|of course|okay|ok|absolutely|here(?:'s| is| are)|continuing"
    r"|resuming|picking up|i apologi[sz]e|sorry|my apologies)\b"
    r"|好的|当然|没问题|可以|以下|下面|继续|接着|接上|抱歉|对不起|我)",
    re.IGNORECASE,
)
_ABOUT_CONTINUING = re.compile(
    r"continu|resum|pick(?:ing)? up|left off|carry on|interrupt|apologi|sorry|cut off"
    r"|继续|接着|接上|续写|中断|抱歉|对不起|下文|断开",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Folded:
    """The letters and digits of a text, case and width folded, and where each ends in it."""

    letters: str
    ends: tuple[int, ...]

    def end_of(self, count: int, old: str, text: str) -> int:
        """The offset in `text` after `count` letters and the punctuation that closes `old`."""
        end = self.ends[count - 1]
        closing = old[len(old.rstrip(_CLOSERS)) :]
        return end + common_prefix(closing, text[end:])


@dataclass(frozen=True, slots=True)
class Fence:
    language: str
    end: int


def common_prefix(one: str, other: str) -> int:
    """Length of the common prefix."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


def exact_overlap(tail: str, new: str) -> int:
    """The longest k with tail[-k:] == new[:k], in linear time (the prefix function)."""
    head = new[: len(tail)]
    if not head:
        return 0
    text = f"{head}\0{tail}"
    borders = [0] * len(text)
    for i in range(1, len(text)):
        k = borders[i - 1]
        while k and text[i] != text[k]:
            k = borders[k - 1]
        borders[i] = k + (text[i] == text[k])
    return borders[-1]


def is_meant(tail: str, length: int) -> bool:
    """Whether an overlap is a repetition and not chance: long, or whole words, or a whole line."""
    if not length:
        return False
    shared = tail[-length:]
    letters = [char for char in shared if char.isalnum()]
    if length >= 12 or len(_CJK.findall(shared)) >= 3:
        return len(set(letters)) >= 3  # a run of one sign or digit proves nothing
    before = tail[: len(tail) - length]
    if not before or before[-1] in "\n。！？；":
        return len(letters) >= 2
    starts_word = not before[-1].isalnum() and shared[0].isalpha()
    return starts_word and shared[0].isascii() and sum(map(str.isalpha, shared)) >= 2


def folded_overlap(tail: str, new: str) -> int:
    """Like `exact_overlap`, blind to case, width, punctuation and space; 0 if too short."""
    old, fresh = fold(tail), fold(new)
    count = exact_overlap(old.letters, fresh.letters)
    shared = fresh.letters[:count]
    if count + len(_CJK.findall(shared)) < 12 or len(set(shared)) < 3:
        return 0
    return fresh.end_of(count, tail, new)


def fold(text: str) -> Folded:
    letters: list[str] = []
    ends: list[int] = []
    for index, char in enumerate(text):
        if char.isalnum():
            folded = _narrow(char).casefold()
            letters.append(folded)
            ends.extend([index + 1] * len(folded))
    return Folded("".join(letters), tuple(ends))


def starts(new: str) -> tuple[int, ...]:
    """Offsets at which a continuation proper may begin: 0, past space, a fence, an announcement."""
    offsets: list[int] = []
    for talk in (0, _talk(new)):
        space = talk + len(new[talk:]) - len(new[talk:].lstrip())
        fence = fence_line(new, talk)
        offsets += [talk, space, fence.end if fence else talk]
    return tuple(dict.fromkeys(offsets))


def fence_line(text: str, offset: int) -> Fence | None:
    """The line at `offset` that opens (or closes) a fenced code block, if there is one."""
    match = _FENCE.match(text, offset)
    return Fence(match.group(1), match.end()) if match else None


def announced(released: str, new: str) -> int:
    """Length of talk about continuing ("Sure, I'll go on:") that is safe to drop unproven."""
    end = 0
    complete = not released.strip() or released.rstrip()[-1] in _SENTENCE_ENDS
    while (head := _FIRST_SENTENCE.match(new, end, end + _HEAD)) and head.group().strip():
        sentence = head.group()
        about = _ABOUT_CONTINUING.search(sentence)
        opens = _OPENER.match(sentence)
        # In the middle of a sentence an opener alone gives it away; after one it needs the topic.
        if not (opens and (about or not complete)):
            break
        end = head.end()
    return end


def _talk(new: str) -> int:
    """Length of the first sentences that may be talk; only an overlap after them decides."""
    end = 0
    while (head := _FIRST_SENTENCE.match(new, end, end + _HEAD)) and head.group().strip():
        if not (_OPENER.match(head.group()) or _ABOUT_CONTINUING.search(head.group())):
            break
        end = head.end()
    return end


def _narrow(char: str) -> str:
    """Full-width Latin letters and digits (U+FF01 to U+FF5E) as their ASCII twins."""
    code = ord(char)
    return chr(code - 0xFEE0) if 0xFF01 <= code <= 0xFF5E else char
