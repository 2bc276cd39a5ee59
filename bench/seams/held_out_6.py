"""The sixth held-out set, with the texts in `heldout6/`: written as a tester from outside would,
after reports of what agents and chat pages do with cut answers, and before any failure on it or on
the other sets was looked at. What is said again is reworded: by synonyms, short forms, numbers in
words, clauses in another order, or summed up; code begins at its definition or after a comment.
Only its sums are looked at; two of its continuers were run on older texts, too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from holdfast.core.anchor import anchor, open_fence
from holdfast.resilience.letters import weight

from .continuers import BEHAVIOURS as KNOWN
from .continuers import Behaviour, Right, Said, opening_of
from .cuts import Cut
from .drifting import PROOF, repeats
from .phrasings import Phrasings
from .retelling import changes

TALK: Phrasings = {
    "en": (
        "Certainly! Continuing from where I left off:\n\n",
        "Sure thing, here's the continuation:\n\n",
        "Continuing from the previous message…\n\n",
        "Apologies for the cut-off. Continuing:\n\n",
        "My response got truncated. Here is the rest of it, starting from the last line:\n\n",
        "(Continued)\n\n",
        "*(continuing from above)*\n\n",
        "**Part 2**\n\n",
        "---\n\n**Continuation:**\n\n",
        "Of course. To avoid any gap, I'll repeat the last few words.\n\n",
        "Let me continue from exactly where the output stopped.\n\n",
        "Understood. No preamble, just the continuation:\n\n",
        "Resuming output...\n\n",
        "It looks like we lost the connection for a moment, so let me pick it up here.\n\n",
        "As I was saying: ",
        "Right. ",
        "OK — ",
        "Continuing: ",
        "Here's the rest of the file:\n\n",
        "Below I continue the list from the item at which it broke off.\n\n",
        "[Resumed after network error]\n\n",
        "<continuation>\n",
        "Assistant: ",
        "Got it! 👍\n\n",
        "Thanks for letting me know! Here is the remaining part of my answer:\n\n",
        "I notice that my last message ended abruptly. Let me complete it.\n\n",
        "Picking up mid-sentence:\n\n",
        "The answer continues:\n\n",
        "> continue\n\n",
        "Hier geht es weiter:\n\n",
    ),
    "zh": (
        "当然可以！从上次中断的地方继续：\n\n",
        "好的，以下是后续内容：\n\n",
        "接上条消息……\n\n",
        "抱歉被截断了，继续：\n\n",
        "我的回复被截断了，下面从最后一行开始补全：\n\n",
        "（续）\n\n",
        "*（接上文继续）*\n\n",
        "**第二部分**\n\n",
        "---\n\n**续写：**\n\n",
        "没问题。为了衔接，我先重复最后几个字。\n\n",
        "我从输出停止的位置继续。\n\n",
        "明白，不写开场白，直接续写：\n\n",
        "正在恢复输出……\n\n",
        "刚才网络好像断了一下，我从这里接着说。\n\n",
        "刚才说到：",
        "好。",
        "嗯，",
        "继续：",
        "文件剩余的部分如下：\n\n",
        "下面从断开的那一条开始，继续列出。\n\n",
        "【网络恢复，继续输出】\n\n",
        "<续写>\n",
        "助手：",
        "收到！👍\n\n",
        "谢谢提醒！回答的剩余部分是：\n\n",
        "我注意到上一条消息突然结束了，我来把它补完。\n\n",
        "从句子中间接上：\n\n",
        "回答继续：\n\n",
        "> 继续\n\n",
        "Sure, here is the rest:\n\n",
    ),
}

CLOSING: Phrasings = {
    "en": ("\n\nLet me know if anything is missing!", "\n\n*(end of the answer)*"),
    "zh": ("\n\n如果还有遗漏请告诉我！", "\n\n*（回答结束）*"),
}

FRAMES = ("“…{}” → ", "[…]{}", "> {}\n\n", "`{}`", "<last>{}</last>", "«{}» ")

_REFUSED: Phrasings = {
    "en": (
        "I'm sorry, but I can't help with that.",
        "The request was rejected because it was considered high risk.",
        "It seems there was no previous message. Could you tell me what to continue?",
        "My previous answer was complete. Is there anything else you would like to know?",
    ),
    "zh": (
        "抱歉，我无法协助处理这个请求。",
        "该请求因存在风险而被拒绝。",
        "我没有看到之前的内容，请问需要我继续写什么？",
        "上一条回答已经写完了，您还有别的问题吗？",
    ),
}

_SYNONYMS = (
    ("small", "little"), ("large", "big"), ("quick", "fast"), ("start", "begin"), ("get", "obtain"),
    ("but", "however"), ("about", "roughly"), ("because", "since"), ("until", "till"),
    ("also", "too"), ("before", "ahead of"), ("only", "just"), ("needs", "requires"),
    ("need", "require"), ("has", "possesses"), ("said", "replied"), ("make", "build"),
    ("use", "employ"), ("put", "place"), ("same", "identical"), ("whole", "entire"),
    ("every", "each"), ("which", "that"), ("still", "yet"), ("should", "ought to"),
    ("out", "outside"), ("over", "above"), ("them", "these"), ("then", "afterwards"),
    ("this", "that"), ("would", "might"), ("when", "once"), ("with", "using"), ("in", "within"),
    ("但是", "不过"), ("因为", "由于"), ("所以", "因此"), ("如果", "要是"), ("可以", "能够"),
    ("需要", "要"), ("时候", "时"), ("没有", "没"), ("已经", "早已"), ("一定", "务必"),
    ("不要", "别"), ("就是", "即"), ("大约", "大概"), ("建议", "推荐"), ("原来", "其实"),
    ("上", "上面"), ("里", "里面"), ("很", "非常"), ("也", "同样"), ("都", "全都"), ("再", "然后"),
    ("说", "讲"), ("看", "瞧"), ("等", "等待"), ("和", "与"), ("把", "将"), ("我", "本人"),
    ("要", "得"), ("是", "为"), ("的", "之"), ("了", "啦"), ("不", "没"), ("一", "某"),
)  # fmt: skip
_SHORT = (
    ("don't", "do not"), ("didn't", "did not"), ("can't", "cannot"), ("couldn't", "could not"),
    ("it's", "it is"), ("I'm", "I am"), ("that's", "that is"), ("I'll", "I will"),
    ("there's", "there is"), ("you're", "you are"), ("won't", "will not"), ("I'd", "I would"),
    ("doesn't", "does not"), ("let's", "let us"), ("for example", "e.g."), ("and", "&"),
    ("为什么", "为何"), ("什么", "啥"), ("怎么", "如何"), ("这样", "如此"), ("一下", "下"),
    ("时间", "时"), ("公司", "单位"), ("个", "位"),
)  # fmt: skip
_NUMBERS = (
    ("two", "2"), ("three", "3"), ("four", "4"), ("five", "5"), ("six", "6"), ("seven", "7"),
    ("eight", "8"), ("nine", "9"), ("ten", "10"), ("twelve", "12"), ("one", "1"),
    ("两", "2"), ("三", "3"), ("四", "4"), ("五", "5"), ("六", "6"), ("七", "7"), ("八", "8"),
)  # fmt: skip

_SENTENCES = re.compile(r"(?<=[。！？\n])|(?<=[.!?]\s)")
_CLAUSES = re.compile(r"([,;，；、:：] ?)")
_DEFINITIONS = re.compile(
    r"^(?=[ \t]*(?:def |class |func |fn |pub |impl |instance |type "
    r"|#\[|@@|\[\[|\w+:\s*$|[A-Z]{4,} ))",
    re.MULTILINE,
)


def _exchanged(pairs: tuple[tuple[str, str], ...]) -> Callable[[str, random.Random], str]:
    """Every word of the pairs for its fellow, either way."""
    fellow = dict(pairs) | {other: one for one, other in pairs}
    words = sorted(fellow, key=len, reverse=True)
    latin = "|".join(re.escape(word) for word in words if word.isascii())
    wide = "|".join(word for word in words if not word.isascii())
    pattern = re.compile(rf"(?<![\w.])(?:{latin})(?![\w.])|{wide}")

    def change(text: str, dice: random.Random) -> str:
        return pattern.sub(lambda found: fellow[found.group()], text)

    return change


_synonyms = _exchanged(_SYNONYMS)
_short = _exchanged(_SHORT)
_counted = _exchanged(_NUMBERS)


def _thousands(text: str, dice: random.Random) -> str:
    """Numbers with commas or without, and signs as a keyboard has them."""
    apart = re.sub(r"(?<=\d)(?=(?:\d{3})+(?![\d.:-]))(?<![.:-]\d)", ",", text)
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    signs = str.maketrans({"×": "x", "–": "-", "…": "...", "→": "->", "½": "1/2", "€": "EUR "})
    return (plain if plain != text else apart).translate(signs)


def _plain(text: str, dice: random.Random) -> str:
    """Without marks of Markdown and without smileys."""
    bare = re.sub(r"\*\*|`|(?m:^\s*(?:[-*>]|#+) )", "", text)
    return re.sub(r"[\U0001F300-\U0001FAFF\u2600-\u27bf\ufe0f\u200d] ?", "", bare)


def _doubled(text: str, dice: random.Random) -> str:
    return re.sub(r"(?<!\n)\n(?!\n)", "\n\n", text)


def _renumbered(text: str, dice: random.Random) -> str:
    return re.sub(r"(?m)^(\s*)\d+(?=[.、)])", r"\g<1>1", text)


def _sentence(cut: Cut) -> str:
    return cut.shown[opening_of(_SENTENCES, cut.shown)[-1] :]


def _sentences(count: int) -> Callable[[Cut], str]:
    return lambda cut: cut.shown[opening_of(_SENTENCES, cut.shown)[-count:][0] :]


def _half(cut: Cut) -> str:
    """From a paragraph or line near the middle of what was shown."""
    begins = opening_of(re.compile(r"\n+"), cut.shown)
    return cut.shown[begins[len(begins) // 2] :]


def _definition(cut: Cut, dice: random.Random) -> str:
    if open_fence(cut.shown) is None:
        return _half(cut)
    return cut.shown[opening_of(_DEFINITIONS, cut.shown)[-1] :]


def _restarting(behaviour: Behaviour) -> Behaviour:
    return lambda cut, dice: replace(behaviour(cut, dice), restart=True)


def _told_otherwise(change: Callable[[str, random.Random], str]) -> Behaviour:
    """The sentence again in other words to its very end: there is a joint, but nothing equal
    stands before it.
    """

    def say(cut: Cut, dice: random.Random) -> Said:
        begun = _sentence(cut)
        again = change(begun, dice)
        changed = again != begun and weight([sign for sign in again if sign.isalnum()]) >= PROOF
        return Said((again if changed else "") + cut.rest, Right.FREE, echo=again.strip())

    return say


def _turned(text: str, dice: random.Random) -> str:
    """Its clauses the other way round."""
    parts = _CLAUSES.split(text)
    return "".join(reversed(parts)) if len(parts) > 2 else text


def _summed_up(cut: Cut, then: Callable[[Cut], str]) -> str:
    """What was said, in the first words of its sentences, and then the text."""
    begun = [cut.shown[at:].split("\n")[0] for at in opening_of(_SENTENCES, cut.shown)]
    said = [re.match(r"\W*((?:\w+\W+){0,3}\w+)", piece) for piece in begun if piece.strip()]
    heads = [found.group(1)[:16] for found in said if found][-3:]
    form = {"en": "So far: {}. Now the rest.\n\n", "zh": "前面讲了：{}。接下来：\n\n"}
    comma = {"en": ", ", "zh": "、"}[cut.language]
    return form[cut.language].format(comma.join(heads)) + then(cut)


def _summary(cut: Cut, dice: random.Random) -> Said:
    words = anchor(cut.shown)
    told = weight([sign for sign in words if sign.isalnum()]) >= PROOF
    said = _summed_up(cut, lambda cut: words + cut.rest)
    return Said(said, Right.JOIN if told else Right.GUESS)


def _retitled(cut: Cut, dice: random.Random) -> Said:
    """The last heading with a word that it goes on, and then the last line."""
    heads = re.findall(r"^(?:#+ .*|\*\*.*\*\*)$", cut.shown, re.MULTILINE)
    line = cut.shown[cut.shown.rfind("\n") + 1 :]
    word = {"en": " (continued)", "zh": "（续）"}[cut.language]
    title = f"{heads[-1]}{word}\n\n" if heads and heads[-1] != line else ""
    told = weight([sign for sign in line if sign.isalnum()]) >= PROOF or not title
    right = repeats(lambda cut, dice: line)(cut, dice).right
    return Said(title + line + cut.rest, right if told else Right.GUESS)


def _reopened(cut: Cut, dice: random.Random) -> Said:
    """Closes the block of code, talks, and opens it again."""
    language = open_fence(cut.shown)
    line = cut.shown[cut.shown.rfind("\n") + 1 :]
    inside = language is not None and not line.lstrip().startswith("```")
    talk = dice.choice(TALK[cut.language])
    fence = f"```\n\n{talk.strip()}\n\n```{language}\n" if inside else talk
    told = weight([sign for sign in line if sign.isalnum()]) >= PROOF
    return Said(fence + line + cut.rest, Right.JOIN if told else Right.GUESS)


def _commented(cut: Cut, dice: random.Random) -> Said:
    """In code a comment that it goes on, and then the line."""
    line = cut.shown[cut.shown.rfind("\n") + 1 :]
    inside = open_fence(cut.shown) is not None and not line.lstrip().startswith("```")
    mark = dice.choice(("// ... (continued)\n", "# ... rest of the code\n", "// ...\n", "...\n"))
    told = weight([sign for sign in line if sign.isalnum()]) >= PROOF
    return Said((mark if inside else "... ") + line + cut.rest, _if(told))


def _if(told: bool) -> Right:
    return Right.JOIN if told else Right.GUESS


def _ellipsis(cut: Cut, dice: random.Random) -> Said:
    words = anchor(cut.shown)
    said = repeats(lambda cut, dice: words)(cut, dice)
    return replace(said, text=dice.choice(("...", "…", "……")) + said.text)


def _echo_only(cut: Cut, dice: random.Random) -> Said:
    words = _sentence(cut)
    return Said(words, Right.FREE, echo=words)


def _refusing(cut: Cut, dice: random.Random) -> Said:
    said = dice.choice(_REFUSED[cut.language])
    return Said(said, Right.FREE, echo=said)


def _decapitalised(text: str, dice: random.Random) -> str:
    return text[:1].swapcase() + text[1:]


BEHAVIOURS: Mapping[str, Behaviour] = {
    "exact": KNOWN["exact"],
    "synonyms": changes(_synonyms),
    "synonyms, three sentences": changes(_synonyms, _sentences(3)),
    "short forms": changes(_short, _sentences(2)),
    "numbers in words": changes(_counted, _sentences(3)),
    "thousands and signs": changes(_thousands, _half),
    "marks and smileys lost": changes(_plain, _half),
    "line breaks doubled": changes(_doubled, _half),
    "items renumbered": changes(_renumbered, _half),
    "first letter's case": changes(_decapitalised, _sentence),
    "talk, synonyms": changes(_synonyms, talk=TALK),
    "talk, half of it": repeats(lambda cut, dice: _half(cut), TALK),
    "half of it": repeats(lambda cut, dice: _half(cut)),
    "the definition": repeats(_definition),
    "talk, the definition": repeats(_definition, TALK),
    "everything, synonyms": _restarting(changes(_synonyms, lambda cut: cut.shown)),
    "everything, short forms": _restarting(changes(_short, lambda cut: cut.shown)),
    "everything, marks lost": _restarting(changes(_plain, lambda cut: cut.shown)),
    "talk, everything, synonyms": _restarting(changes(_synonyms, lambda cut: cut.shown, TALK)),
    "in synonyms to its end": _told_otherwise(_synonyms),
    "clauses turned round": _told_otherwise(_turned),
    "summed up, anchor": _summary,
    "the heading, continued": _retitled,
    "closes and reopens the fence": _reopened,
    "a comment, the line": _commented,
    "ellipsis, anchor": _ellipsis,
    "the sentence and no more": _echo_only,
    "refuses": _refusing,
}
