"""Tells talk about continuing ("Sure, here is the rest:") from the text itself.

Models announce themselves although they were asked not to. What only may be talk is cut off
if a proven overlap follows it; without such proof only an announcement beyond doubt is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from .form import fence_end, is_prose, thought_end

_LONGEST = 120  # characters of one announcement
_SENTENCES = 4

_ASSENT = (
    r"(?:sure(?: thing)?|certainly|of course|ok(?:ay)?|absolutely|alright|all right|got it"
    r"|understood|right|yes|no (?:problem|worries)|my (?:bad|apologies)|apologies"
    r"|(?:i(?:'|’)?m |i am )?(?:so |very )?sorry|i apologi[sz]e|thank(?:s| you)"
    r"|好(?:的|吧|嘞)?|当然(?:可以)?|没问题|没关系|明白了?|收到|谢谢|感谢|嗯+"
    r"|(?:非常|很)?抱歉|对不起|不好意思)(?![a-z])"
)
_TURN = (
    r"(?:let me|let(?:'|’)?s|i(?:'|’)ll|i will"
    r"|让我|我来|我(?:将|会)?(?:继续|接着)|换(?:个|一种)说法)"
)
_SHOW = (
    r"(?:here(?:'|’)?s|here (?:is|are)|continuing|continued|resuming|picking up|to continue"
    r"|以下|下面|接下来|继续|接着|接上|续上|续写|承接)"
)
_BROKEN = (
    r"(?:interrupt|cut (?:off|short)|disconnect|truncat|incomplete|unfinished|dropped|chopped"
    r"|中断|打断|断开|断了|断掉|断线|截断|没(?:有)?(?:写|说|发|讲|输出)?完|未完|不完整)"
)
_REST = (
    r"(?:continu|the rest|remain(?:der|ing)|missing (?:part|portion|piece)|left off"
    r"|where (?:i|we) w|继续|续写|接着|后续|余下|剩下|剩余|下文|后半|没(?:有)?(?:写|说|讲)完)"
)
_GOING_ON = (
    r"(?:continu|resum|pick(?:ing)? (?:it |this )?up|carry(?:ing)? on|going on|finish|complet"
    r"|继续|续写|接着|接上|接下去|往下|续上|补(?:上|全|完|充)|写完|说完)"
)
_MESSAGE = (
    r"(?:(?:my|your|this|the|last|previous|earlier)\b.{0,16}"
    r"\b(?:message|reply|response|answer|output|post|text|connection|sentence|thought)"
    r"|(?:上|前|刚才?|之前|我|您|你|这).{0,6}(?:消息|回答|回复|输出|内容|部分|说到|写到|网络|连接)|网络)"
)
_TOPIC = rf"(?:{_BROKEN}|{_REST}|{_GOING_ON})"

_SENTENCE = re.compile(
    r"[^.!?。！？:：…\r\n]*"
    r"(?:[.!?。！？:：…]+[\"')」』”\]】）*]*(?:(?:\r\n){1,2}|\n{1,2}|[^\S\n])?|(?:\r\n){1,2}|\n{1,2})"
)
_MAY_BE_TALK = re.compile(rf"\W*(?:{_ASSENT}|{_TURN}|{_SHOW})|.*{_TOPIC}", re.IGNORECASE)
_ABOUT_ITSELF = re.compile(
    rf".*{_MESSAGE}.*{_TOPIC}|.*{_TOPIC}.*{_MESSAGE}|.*\bi\b.{{0,20}}{_GOING_ON}|{_ASSENT}.*{_TOPIC}",
    re.IGNORECASE,
)
_ASSENTS = re.compile(rf"\W*{_ASSENT}[^\S\n]*[,，、!！.。:：—–-]*\s*", re.IGNORECASE)
_APOLOGY = re.compile(
    rf"\W*(?:.{{0,8}}(?:sorry|apolog)|.{{0,4}}抱歉|对不起).*{_BROKEN}", re.IGNORECASE
)
_ANNOUNCES = re.compile(
    rf"{_ASSENT}.*{_TOPIC}|(?:{_ASSENT}\W*)?(?:"
    rf"(?:here(?:'|’)?s|here (?:is|are))\b.*{_REST}"
    r"|(?:(?:let me|i(?:'|’)ll|i will)\b.{0,20})?(?:continu\w*|resum\w*|pick(?:ing)? (?:it )?up)\W+"
    r"(?:right )?(?:from|where)\b.*(?:left|cut|stopped|above|last|previous|interrupt|was|were)"
    r"|(?:continuing|continued|resuming)\W*$"
    rf"|(?:以下|下面|接下来)(?:是|为|我)?.{{0,12}}{_REST}"
    r"|我?(?:继续|接着|接上文?|续上文?|续写|承接上文)(?:写|说|回答|输出|上文|前文|往下|下去)*\W*$)",
    re.IGNORECASE,
)
# Said for itself; an answer to somebody, which no answer says in its middle.
_ALONE = re.compile(
    r"\W*(?:(?:sure(?: thing)?|certainly|absolutely|ok(?:ay)?|alright|got it|understood"
    r"|no problem|of course)[!.]|(?:好的|没问题|明白了?|收到|当然可以)[!！.。])"
    r"(?:(?:\r\n){1,2}|\n{1,2}|[^\S\n])?|(?:好的|没问题|明白了?|收到|当然可以)，",
    re.IGNORECASE,
)
# After a space the sentence goes on, and behind a bracket of its own a comma may follow.
_LABEL = re.compile(
    rf"(?! \S)\s*(?:[\[(（【]|\*\*|__)(?=[^\n\])）】*_]*?(?:{_GOING_ON}|续|接上))"
    r"[^\n\])）】*_]{1,60}(?:[\])）】]|\*\*|__)(?![,.;，。；、])[:：]?"
    r"(?:(?:\r\n){1,2}|\n{1,2}|[^\S\n])?",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*(?:-{3,}|\*{3,}|…+|\.{3,})[^\S\n]*(?:\r?\n){0,2}")
_ENDS_OPEN = re.compile(r"[:：…]\s*$|\n")
_ANEW = re.compile(
    r"(?:Sure|Certainly|Of course|OK|Okay|Absolutely|Alright|Got it|Understood|No problem|Sorry"
    r"|I(?:'|’)m sorry|My apologies|Apologies|I apologi[sz]e|Let me|Let(?:'|’)s|Here(?:'|’)s"
    r"|Here is|Here are)\b|(?:好的|抱歉|对不起|没问题|当然可以)[，。！,!]|换(?:个|一种)说法"
)
_PERSON = re.compile(r"\b(?:I|you|your)\b|[我您你]|抱歉|对不起", re.IGNORECASE)
_UNABLE = re.compile(
    r"\b(?:sorry|apolog\w+|unable|cannot|can(?:'|’)t|don(?:'|’)t (?:have|see)|won(?:'|’)t)\b"
    r"|抱歉|对不起|无法|不能|没(?:有)?(?:看到|找到|收到)|看不到",
    re.IGNORECASE,
)
_NO_HELP = re.compile(
    r"(?:[^\n.!?。！？]{0,60}\b(?:sorry|apolog\w+|unfortunately)\b[^\n.!?。！？]{0,24})?"
    r"\bI(?:(?: am|(?:'|’)m) (?:unable|not able) to"
    r"| (?:can(?:no|(?:'|’))t|can not|won(?:'|’)t)(?: be able to)?)"
    r"(?: \w+){0,2} (?:continue|help|assist|comply|complete|provide|fulfil|discuss|respond)"
    r"|As an? AI\b"
    r"|(?:[^\n.!?。！？]{0,6}(?:抱歉|对不起|不好意思)[^\n.!?。！？]{0,12}|我)"
    r"(?:无法|不能|没法|没办法)(?:再|[为帮][您你])?"
    r"(?:继续|协助|帮助|提供|完成|回答|处理|讨论)"
    r"|作为(?:一个|一名)?(?:AI|人工智能)",
    re.IGNORECASE,
)
# All of it says that there is nothing to go on with.
_OWN = r"(?:(?:my|your|the|this|that|previous|last|above|earlier) ){1,3}"
_DENIAL = (
    r"(?:it (?:appears|seems|looks)(?: like| that)? )?"
    rf"(?:{_OWN}(?:answer|response|reply|message)(?: above)?"
    r" (?:is|was) (?:already |actually |in fact |now )?(?:complete|finished)"
    r"|(?:(?:there(?:'|’)?s|there (?:is|was)|i have) )?nothing (?:more |else |further |left )?"
    r"to (?:add|continue|complete)(?: to it| here)?"
    r"|(?:(?:我|您|你)的)?(?:上面|上述|以上|之前|前面|上一条|刚才)?的?(?:回答|回复|答复|消息)"
    r"(?:其实|已经|已|就|是)*(?:完整|写完|完成|结束|说完)(?:了|的)?"
    r"|(?:已经|已)?没有(?:更多|其他|别的|什么)?(?:的?内容)?(?:需要|要|可以|可)?"
    r"(?:补充|继续|添加|续写)(?:的|了)?(?:内容|地方)?了?)"
)
_DENIALS = re.compile(
    rf"\W*{_DENIAL}(?:[.!;,—–。！；，、\s-]+(?:so |and )?{_DENIAL})?\W*", re.IGNORECASE
)
_DECORATION = re.compile(r"[\s\"'“”‘’「」『』《》>…*_`.-]*")
_MARKER = re.compile(r"\s*-{3,}[^\S\n]*\n")
_QUOTE = re.compile(r"\s*[\"'“‘「『`*]")


class Voice(IntEnum):
    """What words sound like that may be talk."""

    ON = 0  # as nothing but what goes on: it begins with the space between two words
    TEXT = 1  # as what goes on in the middle of a text
    EITHER = 2
    TALK = 3  # as what speaks of itself
    APART = 4  # as nothing that can stand there


@dataclass(frozen=True, slots=True)
class Preface:
    """What stands before the text proper, at the beginning of a continuation.

    `certain` characters are no text whatever follows. The text may begin at each of the
    offsets in `likely`, after words of talk: only an overlap found there can show it.
    `suspect` says that the beginning speaks of itself.
    """

    certain: int
    likely: tuple[int, ...]
    suspect: bool = False


def preface(
    new: str,
    *,
    fence_open: bool,
    spoken: bool = False,
    introduced: bool = False,
    tagged: bool = False,
) -> Preface:
    """`fence_open`: the text before stopped inside a fenced code block; `spoken`: inside a
    quotation, so that no words are talk beyond doubt; `introduced`: after a colon, where
    somebody in the text may say yes; `tagged`: among tags, so that any tag may be text.
    """
    thought = thought_end(new, tagged=tagged)
    certain = thought if spoken else _announced(new, thought, assent=not introduced)
    talk = [certain, *_talk_ends(new)]
    if fence_open:
        certain = fence_end(new, certain, reopened=True)
    likely = [certain, *_beginnings(new, [0, *talk])]
    return Preface(
        certain,
        tuple(dict.fromkeys(likely)),
        suspect=any(map(_ABOUT_ITSELF.match, _sentences(new, certain)[:1])),
    )


def speaks_of_itself(new: str) -> bool:
    """Whether the first words are words of talk. Few texts begin with them, but some do."""
    first = next(iter(_sentences(new)), new[:_LONGEST])
    return _MAY_BE_TALK.match(first) is not None


def opens_anew(new: str) -> bool:
    """Whether it begins as messages begin, and hardly ever the middle of a sentence."""
    return _ANEW.match(new) is not None


def declines(new: str) -> bool:
    """Whether its first sentence says that no more will come."""
    return _NO_HELP.match(new) is not None


def addresses(new: str) -> bool:
    """Whether all of it is a word to the reader: who speaks cannot, is sorry, or asks back."""
    said = new.strip()
    if len(said) > _LONGEST or not _PERSON.search(said):
        return False
    return said.endswith(("?", "？")) or _UNABLE.search(said) is not None


def denies_a_rest(new: str) -> bool:
    """Whether all of it says that the answer lacks nothing."""
    return len(new) <= _LONGEST and _DENIALS.fullmatch(new) is not None


def _announced(new: str, start: int, *, assent: bool) -> int:
    """The end of the announcements from `start` on that are beyond doubt."""
    label = _LABEL.match(new, start)
    end = certain = label.end() if label else start
    for sentence in _sentences(new, end):
        end += len(sentence)
        open_end = _ENDS_OPEN.search(sentence) and _ANNOUNCES.match(sentence.strip())
        alone = assent and _ALONE.fullmatch(sentence)
        if open_end or alone or _APOLOGY.match(sentence):
            certain = end
        elif not _ASSENTS.fullmatch(sentence):
            break
    yes = _ALONE.match(new, certain)
    # No line ends after a comma, so nobody in the text says it.
    broken = yes and new[yes.end() - 1] == "，" and new.startswith(("\n", "\r\n"), yes.end())
    return yes.end() if yes and (assent or broken) else certain


def _talk_ends(new: str) -> Iterator[int]:
    """Offsets after the first words of assent and each of the first sentences of talk."""
    for opening in (_ASSENTS.match(new), _LABEL.match(new), _RULE.match(new)):
        if opening:
            yield opening.end()
    end = 0
    for sentence in _sentences(new):  # who has begun to talk may go on with any words
        if not (_MAY_BE_TALK.match(sentence) or (end and is_prose(sentence))):
            break
        end += len(sentence)
        yield end


def _beginnings(new: str, ends: list[int]) -> list[int]:
    """Where a quotation may begin after each of the ends: past space, fences and marks."""
    found: list[int] = []
    for end in ends:
        space = end + len(new[end:]) - len(new[end:].lstrip())
        marks = (_MARKER.match(new, end), _QUOTE.match(new, end), _DECORATION.match(new, end))
        fence = fence_end(new, end, reopened=False)
        found += [end, space, fence, *(match.end() for match in marks if match)]
    return found


def _sentences(new: str, start: int = 0) -> list[str]:
    """The first few short sentences."""
    found: list[str] = []
    end = start
    while len(found) < _SENTENCES:
        match = _SENTENCE.match(new, end, end + _LONGEST)
        if not match or not match.group().strip():
            break
        found.append(match.group())
        end = match.end()
    return found
