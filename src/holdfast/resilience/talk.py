"""Tells talk about continuing ("Sure, here is the rest:") from the text itself.

Models announce themselves although they were asked not to. What only may be talk is cut off
if a proven overlap follows it; without such proof only an announcement beyond doubt is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 120  # characters of one announcement
_SENTENCES = 4

_ANSWER = (
    r"(?:sure(?: thing)?|certainly|of course|ok(?:ay)?|absolutely|alright|got it|understood"
    r"|no problem|(?:i(?:'|’)?m |i am )?(?:so |very )?sorry|(?:my )?apologies|i apologi[sz]e"
    r"|好的|当然(?:可以)?|没问题|明白了?|收到|非常抱歉|抱歉|对不起|不好意思)(?![a-z])"
)
_TURN = (
    r"(?:let me|let(?:'|’)?s|i(?:'|’)ll|i will"
    r"|让我|我来|我(?:将|会)?(?:继续|接着)|换(?:个|一种)说法)"
)
_SHOW = (
    r"(?:here(?:'|’)?s|here (?:is|are)|continuing|continued|resuming|picking up|to continue"
    r"|以下|下面|接下来|继续|接着|接上|续上|续写|承接)"
)
_TOPIC = (
    r"(?:continu|resum|pick(?:ing)? (?:it |this )?up|left off|carry(?:ing)? on|interrupt|cut off"
    r"|where (?:i|we) (?:was|were|stopped)"
    r"|继续|续写|接着(?:上|前|刚|写|说|回答)|接上|接下去|续上|中断|打断|断开|断了|断掉)"
)
_BROKEN = r"(?:interrupt|cut off|disconnect|中断|打断|断开|断了|断掉)"
_REST = r"(?:continu|the rest|the remainder|继续|续写|接着|后续|余下|剩下|剩余|下文)"

_SENTENCE = re.compile(
    r"[^.!?。！？:：…\n]*(?:[.!?。！？:：…]+[\"')」』”]?(?:[^\S\n]*\n){0,2}[^\S\n]?|\n{1,2})"
)
_MAY_BE_TALK = re.compile(rf"\W*(?:{_ANSWER}|{_TURN}|{_SHOW})|.*{_TOPIC}", re.IGNORECASE)
_ANSWERS = re.compile(rf"\W*{_ANSWER}[^\S\n]*[,，、!！.。:：—–-]*\s*", re.IGNORECASE)
_APOLOGY = re.compile(
    rf"\W*(?:.{{0,8}}(?:sorry|apolog)|.{{0,4}}抱歉|对不起).*{_BROKEN}", re.IGNORECASE
)
_ANNOUNCES = re.compile(
    rf"{_ANSWER}.*{_TOPIC}|(?:{_ANSWER}\W*)?(?:"
    rf"(?:here(?:'|’)?s|here (?:is|are))\b.*{_REST}"
    r"|(?:(?:let me|i(?:'|’)ll|i will)\b.{0,20})?(?:continu\w*|resum\w*|pick(?:ing)? (?:it )?up)\W+"
    r"(?:right )?(?:from|where)\b.*(?:left|cut|stopped|above|last|previous|interrupt|was|were)"
    r"|(?:continuing|continued|resuming)\W*$"
    rf"|(?:以下|下面|接下来)(?:是|为|我)?.{{0,12}}{_REST}"
    r"|我?(?:继续|接着|接上文?|续上文?|续写|承接上文)(?:写|说|回答|输出|上文|前文|往下|下去)*\W*$)",
    re.IGNORECASE,
)
_ENDS_OPEN = re.compile(r"[:：…]\s*$|\n")
_ANEW = re.compile(
    r"(?:Sure|Certainly|Of course|OK|Okay|Absolutely|Alright|Got it|Understood|No problem|Sorry"
    r"|I(?:'|’)m sorry|My apologies|Apologies|I apologi[sz]e|Let me|Let(?:'|’)s|Here(?:'|’)s"
    r"|Here is|Here are)\b|(?:好的|抱歉|对不起|没问题|当然可以)[，。！,!]|换(?:个|一种)说法"
)
_DECORATION = re.compile(r"[\s\"'“”‘’「」『』《》>…*_`.-]*")
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})([^\s`]*)[^\S\n]*\n")


@dataclass(frozen=True, slots=True)
class Preface:
    """What stands before the text proper, at the beginning of a continuation.

    `certain` characters are no text whatever follows; at each of the offsets in `possible`
    the text may begin, which only an overlap found there can show.
    """

    certain: int
    possible: tuple[int, ...]


def preface(new: str, *, fence_open: bool) -> Preface:
    """`fence_open`: the text before stopped inside a fenced code block."""
    certain = fence_end(new, _announced(new), reopened=fence_open)
    possible = [certain]
    for end in (0, *_talk_ends(new), _lead_in(new)):
        space = end + len(new[end:]) - len(new[end:].lstrip())
        decorated = _DECORATION.match(new, end)
        past_signs = decorated.end() if decorated else end
        possible += [end, space, fence_end(new, end, reopened=False), past_signs]
    return Preface(certain, tuple(dict.fromkeys(possible)))


def opens_anew(new: str) -> bool:
    """Whether it begins as messages begin, and hardly ever the middle of a sentence."""
    return _ANEW.match(new) is not None


def fence_end(text: str, offset: int, *, reopened: bool) -> int:
    """The end of a fence line at `offset`; `offset` if there is none.

    A block is `reopened` by a line that names a language: one that does not closes it.
    """
    match = _FENCE.match(text, offset)
    return match.end() if match and (match.group(1) or not reopened) else offset


def _announced(new: str) -> int:
    """Length of the announcements that are beyond doubt."""
    end = certain = 0
    for sentence in _sentences(new):
        end += len(sentence)
        open_end = _ENDS_OPEN.search(sentence) and _ANNOUNCES.match(sentence.strip())
        if open_end or _APOLOGY.match(sentence):
            certain = end
        elif not _ANSWERS.fullmatch(sentence):
            break
    return certain


def _talk_ends(new: str) -> list[int]:
    """Offsets after each of the first sentences that may be talk."""
    ends: list[int] = []
    for sentence in _sentences(new):
        if not _MAY_BE_TALK.match(sentence):
            break
        ends.append((ends[-1] if ends else 0) + len(sentence))
    return ends


def _lead_in(new: str) -> int:
    """Length of a first line that ends in a colon, in whatever language it announces."""
    line = new[:_LONGEST].partition("\n")[0]
    colon = max(line.find(":"), line.find("："))
    return colon + 1


def _sentences(new: str) -> list[str]:
    """The first few short sentences."""
    found: list[str] = []
    end = 0
    while len(found) < _SENTENCES:
        match = _SENTENCE.match(new, end, end + _LONGEST)
        if not match or not match.group().strip():
            break
        found.append(match.group())
        end = match.end()
    return found
