"""The seventh held-out set, with the texts in `heldout7/`: kinds that chat answers have (headings,
nested steps, code of ten languages, forms, classical and traditional Chinese, pinyin, long lines),
gone on with as models do that were told to. Written before anything was changed for it; half of
its texts, those of an even digest (`may_be_read`), may be read, of the others only sums.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from zlib import crc32

from holdfast.core.anchor import anchor, open_fence
from holdfast.resilience.letters import weight

from .continuers import Behaviour, Right, Said, opening_of
from .cuts import Cut
from .drifting import PROOF, Piece, repeats
from .phrasings import Phrasings
from .retelling import changes

TALK: Phrasings = {
    "en": (
        "Sure, continuing:\n\n",
        "Sure! Here's where we left off:\n\n",
        "Absolutely, here you go:\n\n",
        "Continuing from the cut-off point:\n\n",
        "Picking this back up — ",
        "Here is the remaining text.\n\n",
        "Sorry about that! The rest of the answer:\n\n",
        "I'll resume mid-sentence, starting with the words you quoted.\n\n",
        "**Continuation**\n\n",
        "### Continued\n\n",
        "(cont.) ",
        "[…continued from the previous message…]\n\n",
        "Okay, so, where were we? Ah yes:\n\n",
        "No problem at all. Repeating the tail first, then new material:\n\n",
        "Text resumes:\n",
        "Final part:\n\n",
        "Great, let's finish this one.\n\n",
        "As requested, without any introduction:\n\n",
        "```\n[resumed]\n```\n\n",
        "The connection was lost at this point. Resuming now:\n\n",
        "Of course. I will not repeat what has been said, only the last line:\n\n",
        "Voici la suite :\n\n",
        "Aquí continúo:\n\n",
        "🔄 Resuming…\n\n",
        "AI: ",
        "Answer (part 2/2):\n\n",
        "Understood — the last bit again, and then on:\n\n",
        "Let me pick up the thread.\n\n",
        "<!-- continued -->\n",
        "...continuing...\n\n",
    ),
    "zh": (
        "好的，接着上文：\n\n",
        "好的，接着上文继续写：",
        "没问题，这就接上。\n\n",
        "从断点处继续：\n\n",
        "接上文——",
        "以下是剩余的文字。\n\n",
        "不好意思，刚才断了！剩下的回答：\n\n",
        "我从您引用的那几个字开始，往下续写。\n\n",
        "**续**\n\n",
        "### 接上\n\n",
        "（接前）",
        "【……接上一条消息……】\n\n",
        "嗯，刚才讲到哪儿了？对了：\n\n",
        "没关系。先重复结尾，再写新的内容：\n\n",
        "正文继续：\n",
        "最后一部分：\n\n",
        "好，我们把它写完。\n\n",
        "按您的要求，不加任何开场白：\n\n",
        "```\n[继续]\n```\n\n",
        "连接在这里断开了，现在恢复：\n\n",
        "当然，已经说过的不再重复，只重复最后一行：\n\n",
        "繼續上文：\n\n",
        "以下接續：\n\n",
        "🔄 正在续写……\n\n",
        "AI：",
        "回答（第 2 部分，共 2 部分）：\n\n",
        "了解，先把最后一点再写一遍，然后往下：\n\n",
        "我把话头接起来。\n\n",
        "<!-- 续 -->\n",
        "……继续……\n\n",
    ),
}

CLOSING: Phrasings = {
    "en": (
        "\n\nThat concludes the answer.",
        "\n\nIs there anything you'd like me to expand on?",
    ),
    "zh": ("\n\n以上就是全部内容。", "\n\n还有什么需要我展开的吗？😊"),
}

FRAMES = ("… {}", "“{}”\n\n", "**{}** ", "```\n{}\n```\n\n", "【{}】", "[last words: {}]\n")

_REFUSED: Phrasings = {
    "en": (
        "I'm sorry, but I can't continue with this request.",
        "I cannot see the beginning of this text, so I can't go on with it. Could you paste it?",
        "As an AI language model, I do not have access to earlier messages.",
        "There is nothing left to add; the text above is complete.",
        "I won't be able to help with that.",
    ),
    "zh": (
        "很抱歉，我不能继续这个请求。",
        "我看不到这段文字的开头，所以没办法往下写，能再发一遍吗？",
        "作为人工智能语言模型，我无法访问之前的消息。",
        "没有什么需要补充的了，上面的内容已经完整。",
        "这个我帮不上忙。",
    ),
}  # fmt: skip

_OTHER_TONGUE: Phrasings = {
    "en": (
        "接下来的部分讲的是另外一些需要注意的地方，总的来说和前面的意思差不多。",
        "以上是前半部分的内容，后半部分主要是补充说明和一些例子，大家可以自己对照。",
    ),
    "zh": (
        "The remaining part covers a few more points, which are much the same as those before.",
        "What follows is a summary of the other half, with some examples to look at by yourself.",
    ),
}

_SENTENCES = re.compile(r"(?<=[。！？\n])|(?<=[.!?]\s)")
_MARKS = str.maketrans({"，": ",", "。": ".", "：": ":", "；": ";", "！": "!", "？": "?"})
_WIDE_MARKS = str.maketrans({",": "，", ":": "：", ";": "；", "!": "！", "?": "？"})
_BRACKETS = str.maketrans("（）“”‘’「」", '()""\'\'""')
_HAN = str.maketrans(
    "两时间东车边级电话处过们个还这样里买试张树进开门总统认为从对画线网线钱头义务众",
    "兩時間東車邊級電話處過們個還這樣裡買試張樹進開門總統認為從對畫線網線錢頭義務眾",
)
_SOFTER = (
    ("really", "truly"), ("often", "frequently"), ("nobody", "no one"), ("everybody", "everyone"),
    ("if", "when"), ("must", "have to"), ("can", "may"), ("a few", "some"), ("then", "next"),
    ("is", "'s"), ("the", "that"), ("and", "as well as"), ("for", "in order to have"),
    ("可以", "可"), ("一个", "一"), ("因为", "既然"), ("然后", "接着"), ("没有", "沒有"),
    ("就", "便"), ("在", "于"), ("都", "均"), ("而", "且"), ("这", "该"), ("以后", "之后"),
)  # fmt: skip


def may_be_read(name: str) -> bool:
    """Whether single failures on the text of that name may be looked at."""
    return crc32(name.encode()) % 2 == 0


def _sentence(cut: Cut) -> str:
    return cut.shown[opening_of(_SENTENCES, cut.shown)[-1] :]


def _line(cut: Cut) -> str:
    return cut.shown[cut.shown.rfind("\n") + 1 :]


def _paragraph(cut: Cut) -> str:
    return cut.shown[opening_of(re.compile(r"\n\s*\n"), cut.shown)[-1] :]


def _lines(count: int) -> Callable[[Cut], str]:
    return lambda cut: cut.shown[opening_of(re.compile("\n"), cut.shown)[-count:][0] :]


def _softer(text: str, dice: random.Random) -> str:
    """A word here and there for another."""
    for word, other in dice.sample(_SOFTER, len(_SOFTER)):
        pattern = rf"\b{word}\b" if word.isascii() else word
        text = re.sub(pattern, other, text) if dice.random() < 0.5 else text
    return text


def _narrow(text: str, dice: random.Random) -> str:
    return text.translate(_MARKS)


def _widened(text: str, dice: random.Random) -> str:
    return re.sub(r"[,;:!?](?= |\Z)", lambda mark: mark.group().translate(_WIDE_MARKS), text)


def _straight(text: str, dice: random.Random) -> str:
    return text.translate(_BRACKETS)


def _lowered(text: str, dice: random.Random) -> str:
    return text.lower()


def _starred(text: str, dice: random.Random) -> str:
    """Other bullets, and numbers with another sign behind them."""
    text = re.sub(r"(?m)^(\s*)[-•] ", r"\1* ", text)
    return re.sub(r"(?m)^(\s*\d+)\. ", r"\1、", text)


def _emphasised(text: str, dice: random.Random) -> str:
    """Emphasis where there was none, or none where there was some."""
    if "*" in text:
        return text.replace("*", "")
    words = list(re.finditer(r"[A-Za-z]{4,}|[\u4e00-\u9fff]{2}", text))
    if not words:
        return text
    word = dice.choice(words)
    return f"{text[: word.start()]}**{word.group()}**{text[word.end() :]}"


def _reindented(text: str, dice: random.Random) -> str:
    return re.sub(r"(?m)^( +)", lambda blanks: blanks.group() * 2, text)


def _flattened(text: str, dice: random.Random) -> str:
    """Without indentation and with single blanks."""
    return re.sub(r"(?m)^[ \t]+", "", re.sub(r"(?<=\S) {2,}", " ", text))


def _told(text: str) -> bool:
    return weight([sign for sign in text if sign.isalnum()]) >= PROOF


def _piece(piece: Callable[[Cut], str]) -> Piece:
    return lambda cut, dice: piece(cut)


def _wrapped(before: str, after: str, piece: Callable[[Cut], str]) -> Behaviour:
    """What is repeated stands between marks; the text goes on behind them."""

    def say(cut: Cut, dice: random.Random) -> Said:
        again = piece(cut)
        return Said(
            f"{before}{again}{after}{cut.rest}", Right.JOIN if _told(again) else Right.GUESS
        )

    return say


def _in_fence(piece: Callable[[Cut], str], *, everything: bool = False) -> Behaviour:
    """All of it in a fence of its own; whether its end is shown is free."""

    def say(cut: Cut, dice: random.Random) -> Said:
        mark = "````" if "```" in cut.text else "```"
        again = piece(cut)
        told = _told(again)
        return Said(
            f"{mark}{dice.choice(('', 'markdown', 'text'))}\n{again}{cut.rest}\n{mark}",
            Right.FREE,
            restart=everything,
            echo=again.strip() if told else "",
        )

    return say


def _fence_again(piece: Callable[[Cut], str], talk: Phrasings | None = None) -> Behaviour:
    """Opens the block of code again, with its language, if it was cut in one."""

    def say(cut: Cut, dice: random.Random) -> Said:
        language = open_fence(cut.shown)
        line = _line(cut)
        inside = language is not None and not line.lstrip().startswith(("```", "~~~"))
        said = dice.choice(talk[cut.language]) if talk else ""
        again = piece(cut)
        fence = f"```{language}\n" if inside else ""
        known = _told(again) if again or talk else inside or not talk
        return Said(said + fence + again + cut.rest, Right.JOIN if known else Right.GUESS)

    return say


def _under_its_header(cut: Cut) -> str:
    """The head of the table, and the row that was cut."""
    line = _line(cut)
    head = re.findall(r"^\|.*\|\n\|[-: |]+\|\n", cut.shown, re.MULTILINE)
    return head[-1] + line if head and line.startswith("|") and len(line) > 1 else line


def _item(cut: Cut) -> str:
    """The item of a list, from its mark, with those above it or without."""
    marks = re.compile(r"^(?=[ \t]*(?:[-*] |\d+\. |（.）|[一二三]、))", re.MULTILINE)
    begins = [match.start() for match in marks.finditer(cut.shown)]
    return cut.shown[begins[-1] :] if begins else _line(cut)


def _summary(then: Callable[[Cut], str]) -> Behaviour:
    """Says first in its own words what there was, and goes on."""

    def say(cut: Cut, dice: random.Random) -> Said:
        heads = re.findall(r"^(?:#+ |\*\*)?([^\n|`*]{4,24})", cut.shown, re.MULTILINE)
        about = dice.choice(heads).strip() if heads else cut.name[3:]
        told = {
            "en": f"To recap: the answer so far was about {about}. Going on from there.\n\n",
            "zh": f"先回顾一下：前面讲的是{about}。下面接着写。\n\n",
        }
        again = then(cut)
        right = Right.JOIN if _told(again) else Right.GUESS
        return Said(told[cut.language] + again + cut.rest, right)

    return say


def _everything(
    change: Callable[[str, random.Random], str] | None = None, talk: Phrasings | None = None
) -> Behaviour:
    """The answer from its beginning; what is changed stays as it was at its end."""

    def say(cut: Cut, dice: random.Random) -> Said:
        behaviour = (
            changes(change, lambda cut: cut.shown, talk)
            if change
            else repeats(_piece(lambda cut: cut.shown), talk)
        )
        said = behaviour(cut, dice)
        return replace(said, restart=True, right=Right.JOIN if not change else said.right)

    return say


def _reworded_to_its_end(cut: Cut, dice: random.Random) -> Said:
    """The answer from its beginning in other words here and there: nothing shows the joint."""
    again = _softer(cut.text, dice)
    return Said(again, Right.FREE, restart=again != cut.text, echo=again[:40].strip())


def _other_tongue(cut: Cut, dice: random.Random) -> Said:
    said = dice.choice(_OTHER_TONGUE[cut.language])
    return Said(said, Right.FREE)


def _talk_in_other_tongue(cut: Cut, dice: random.Random) -> Said:
    other = {"en": "zh", "zh": "en"}[cut.language]
    words = anchor(cut.shown)
    right = Right.JOIN if _told(words) else Right.GUESS
    return Said(dice.choice(TALK[other]) + words + cut.rest, right)


def _refusing(cut: Cut, dice: random.Random) -> Said:
    said = dice.choice(_REFUSED[cut.language])
    return Said(said, Right.FREE, echo=said)


def _repeating_to_the_end(piece: Callable[[Cut], str]) -> Behaviour:
    """The piece again, and nothing more."""

    def say(cut: Cut, dice: random.Random) -> Said:
        again = piece(cut)
        return Said(again, Right.FREE, echo=again.strip() if _told(again) else "")

    return say


def _twice(cut: Cut, dice: random.Random) -> Said:
    """The last sentence twice over."""
    again = _sentence(cut)
    right = Right.JOIN if _told(again) else Right.GUESS
    return Said(f"{again}\n\n{again}{cut.rest}", right)


def _dots(cut: Cut, dice: random.Random) -> Said:
    words = _sentence(cut)
    right = Right.JOIN if _told(words) else Right.GUESS
    return Said(dice.choice(("...", "…", "…… ", "[...] ")) + words + cut.rest, right)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "exact": repeats(lambda cut, dice: ""),
    "the sentence": repeats(_piece(_sentence)),
    "the line": repeats(_piece(_line)),
    "the paragraph": repeats(_piece(_paragraph)),
    "two lines": repeats(_piece(_lines(2))),
    "five lines": repeats(_piece(_lines(5))),
    "the item": repeats(_piece(_item)),
    "row under its header": repeats(_piece(_under_its_header)),
    "talk, the line": repeats(_piece(_line), TALK),
    "talk, the paragraph": repeats(_piece(_paragraph), TALK),
    "talk, five lines": repeats(_piece(_lines(5)), TALK),
    "talk, the item": repeats(_piece(_item), TALK),
    "talk, row under its header": repeats(_piece(_under_its_header), TALK),
    "sentence, narrow marks": changes(_narrow, _sentence),
    "sentence, wide marks": changes(_widened, _sentence),
    "lines, straight quotes": changes(_straight, _lines(3)),
    "lines, lower case": changes(_lowered, _lines(2)),
    "lines, other bullets": changes(_starred, _lines(3)),
    "lines, other emphasis": changes(_emphasised, _lines(2)),
    "lines, indented twice": changes(_reindented, _lines(3)),
    "lines, not indented": changes(_flattened, _lines(3)),
    "paragraph, softer words": changes(_softer, _paragraph),
    "sentence, softer words": changes(_softer, _sentence),
    "paragraph, traditional": changes(lambda text, dice: text.translate(_HAN), _paragraph),
    "talk, lines, other bullets": changes(_starred, _lines(3), TALK),
    "talk, sentence, narrow marks": changes(_narrow, _sentence, TALK),
    "talk, paragraph, softer words": changes(_softer, _paragraph, TALK),
    "quoted sentence": _wrapped("> ", "\n\n", _sentence),
    "sentence in quotes": _wrapped("“", "”", _sentence),
    "line in back-ticks": _wrapped("`", "`\n", _line),
    "anchor in bold": _wrapped("**", "**", lambda cut: anchor(cut.shown)),
    "in a fence, the sentence": _in_fence(_sentence),
    "in a fence, everything": _in_fence(lambda cut: cut.shown, everything=True),
    "fence again": _fence_again(lambda cut: ""),
    "fence again, line": _fence_again(_line),
    "fence again, two lines": _fence_again(_lines(2)),
    "talk, fence again, line": _fence_again(_line, TALK),
    "summary, the sentence": _summary(_sentence),
    "summary, anchor": _summary(lambda cut: anchor(cut.shown)),
    "dots, the sentence": _dots,
    "the sentence twice": _twice,
    "everything": _everything(),
    "talk, everything anew": _everything(None, TALK),
    "everything, softer words": _everything(_softer),
    "everything, narrow marks": _everything(_narrow),
    "everything, other bullets": _everything(_starred),
    "everything, straight quotes": _everything(_straight),
    "talk, everything, softer": _everything(_softer, TALK),
    "everything, softer to its end": _reworded_to_its_end,
    "other tongue": _other_tongue,
    "talk in another tongue, anchor": _talk_in_other_tongue,
    "refuses in words": _refusing,
    "the paragraph and no more": _repeating_to_the_end(_paragraph),
    "the line and no more": _repeating_to_the_end(_line),
}
