"""Why something was decided, as a value: a row of one table and what it follows from.

A record keeps the sentence in both languages, so that whoever reads it later, in whatever
language, reads what was meant at the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from .failure import RULES, Kind
from .verdict import Language


class Why(Enum):
    """The rows of `REASONS`."""

    FIRST = "first"
    BEGUN = "begun"
    AGAIN = "again"
    REWORDED = "reworded"
    OTHER_KEY = "other_key"
    OTHER_TARGET = "other_target"
    UNTOLD = "untold"
    NATIVE = "native"
    PREFILL = "prefill"
    INSTRUCT = "instruct"
    ANEW = "anew"
    AGAIN_WHOLE = "again_whole"
    TWIN = "twin"
    OUTRUN = "outrun"
    WHOLE = "whole"
    SILENCE = "silence"
    LEFT = "left"
    FINAL = "final"
    SEALED = "sealed"
    STRUCTURED = "structured"
    CHOICES = "choices"
    REFUSED = "refused"
    FRUITLESS = "fruitless"
    MANY = "many"
    NOBODY = "nobody"
    TOO_LATE = "too_late"
    TOO_FAR = "too_far"
    ALL_OUT = "all_out"


REASONS: Mapping[Why, tuple[str, str]] = {
    Why.FIRST: ("the first that is ready", "排在最前且可用"),
    Why.BEGUN: ("the answer was begun before", "这个回答之前已经开始"),
    Why.AGAIN: ("the same target may work", "同一个目标再问一次可能成功"),
    Why.REWORDED: ("the same target, in words that it knows", "同一个目标，换成它认识的写法"),
    Why.OTHER_KEY: ("another key of the same target may work", "同一目标的另一个密钥可能可用"),
    Why.OTHER_TARGET: ("another target may work", "换一个目标可能成功"),
    Why.UNTOLD: (
        "its dialect has no words for a part of the request; a target of another may be asked",
        "它的方言说不出请求中的某一项；可以询问另一种方言的目标",
    ),
    Why.NATIVE: (
        "read the very stream on from the released text",
        "由上游重放原来的流，接着已给出的内容",
    ),
    Why.PREFILL: ("go on from the released text by prefill", "用预填的方式接着已给出的内容"),
    Why.INSTRUCT: ("tell the model to go on from the released text", "要求模型接着已给出的内容"),
    Why.AGAIN_WHOLE: (
        "ask the whole question again and go on where the answer is the same",
        "重新提问，若回答相同则从中断处接着写",
    ),
    Why.ANEW: ("the whole answer anew", "重新给出整个回答"),
    Why.TWIN: ("another attempt is under way", "另一次尝试还在进行"),
    Why.OUTRUN: ("another attempt answered first", "另一次尝试先有了回答"),
    Why.WHOLE: ("the answer is whole", "回答完整"),
    Why.SILENCE: (
        "the text ends as texts do and who was asked to go on had nothing to add: it is whole",
        "文字已收尾，被要求续写的模型也没有更多要说的：回答完整",
    ),
    Why.LEFT: ("the reader left", "读者已离开"),
    Why.FINAL: ("another attempt would meet the same", "再问一次也不会有别的结果"),
    Why.SEALED: (
        "output was released that cannot be continued",
        "已给出的内容无法续写",
    ),
    Why.STRUCTURED: (
        "structured output was begun, which cannot be continued",
        "结构化输出已经开始，无法续写",
    ),
    Why.CHOICES: (
        "several choices were begun, which cannot be continued",
        "多个候选回答已经开始，无法续写",
    ),
    Why.REFUSED: (
        "a refusal was begun, which cannot be continued",
        "拒绝的话已经说出，无法续写",
    ),
    Why.FRUITLESS: ("{count} attempts brought nothing", "{count} 次尝试都没有结果"),
    Why.MANY: ("{count} attempts were made", "已经尝试了 {count} 次"),
    Why.NOBODY: ("no target is left that could help", "没有还能帮上忙的目标了"),
    Why.TOO_LATE: ("the next attempt would pass the deadline", "再试一次就会超过时限"),
    Why.TOO_FAR: (
        "the soonest target is ready in {seconds:.0f} s",
        "最早可用的目标还要等 {seconds:.0f} 秒",
    ),
    Why.ALL_OUT: (
        "every target is taken out; the soonest is ready in {seconds:.0f} s",
        "所有目标都暂时停用，最早的还要等 {seconds:.0f} 秒",
    ),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """`after` is what it follows from: the kind of a failure, or another reason."""

    why: Why
    after: Kind | Reason | None = None
    count: int = 0
    seconds: float = 0.0

    def say(self, language: Language) -> str:
        text = REASONS[self.why][language == "zh"].format(count=self.count, seconds=self.seconds)
        before = _said(self.after, language)
        return f"{before}{'；' if language == 'zh' else '; '}{text}" if before else text


def _said(before: Kind | Reason | None, language: Language) -> str:
    match before:
        case Kind():
            rule = RULES[before]
            return rule.meaning_zh if language == "zh" else rule.meaning
        case Reason():
            return before.say(language)
        case None:
            return ""
