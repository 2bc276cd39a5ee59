"""What can be said of a joint: where it is, that more must come first, or that there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..core.attempt import Seam
from ..core.failure import NOTHING_MORE, Failure, Kind, Phase


@dataclass(frozen=True, slots=True)
class Joint:
    """Where in the new text the unseen part begins: `skip` characters are not for the reader,
    and `space` is missing before the others.
    """

    skip: int
    seam: Seam
    space: str = ""


@dataclass(frozen=True, slots=True)
class More:
    """The joint cannot be told before so many characters of new text are there."""

    length: int


def further(new: str, whole: int) -> More:
    """More of what has come again so far, up to its `whole` length.

    Steps grow with it, so that a long text is not read anew for each of its characters.
    """
    return More(max(len(new) + 1, min(whole, len(new) + len(new) // 8)))


class Divergence(Enum):
    """Why a continuation is refused: what it did, in English and in Chinese."""

    NO_NEWS = ("added nothing to what was released", "没有在已给出的内容之后写出新内容")
    ENDED_INSIDE = ("repeated what was released and ended there", "只重复了已给出的内容就结束了")
    EARLY_END = (
        "began the answer anew and ended before the cut",
        "从头重写，却没写到中断处就结束了",
    )
    ANEW = ("began the answer anew in other words", "换了说法从头重写")
    SENTENCE_ANEW = ("began the sentence anew in other words", "换了说法重写中断的那句话")
    DOUBT = (
        "may repeat what was released or go on, which cannot be told apart",
        "可能是重复，也可能是接着写，无法分辨",
    )
    DOUBT_ANEW = (
        "may begin the answer anew or go on, which cannot be told apart",
        "可能是从头重写，也可能是接着写，无法分辨",
    )
    FEW_SIGNS = (
        "has the few signs again that were released",
        "再次出现了已给出的那几个符号，无法分辨",
    )
    ABOUT_ITSELF = (
        "begins with words about itself that may be no text",
        "开头在谈论自己，可能不是正文",
    )
    TO_THE_READER = ("speaks to the reader instead of going on", "在对读者说话，而不是接着写")
    OTHER_ANSWER = (
        "begins like another answer in the middle of a sentence",
        "在句子中间像另一个回答那样开头",
    )
    REFUSED = ("is a refusal", "是拒绝的话")


def diverged(why: Divergence) -> Failure:
    en, zh = why.value
    detail, detail_zh = f"the continuation {en}", f"续写{zh}"
    code = NOTHING_MORE if why is Divergence.NO_NEWS else None
    return Failure(Kind.DIVERGED, Phase.STREAM, detail=detail, detail_zh=detail_zh, code=code)
