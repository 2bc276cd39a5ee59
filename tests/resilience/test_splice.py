"""Joining continued answers: transcripts in Chinese and English, refusals, and properties."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest
from hypothesis import assume
from hypothesis import given as holds
from hypothesis import strategies as st

from holdfast.core.anchor import anchor
from holdfast.core.attempt import Confidence, How
from holdfast.core.failure import NOTHING_MORE, Failure, Kind
from holdfast.resilience.joint import Joint, More
from holdfast.resilience.letters import fold, weight
from holdfast.resilience.prefilled import Prefilled
from holdfast.resilience.retold import Retold
from holdfast.resilience.splice import Splicer
from holdfast.sim.library import NOTHING_MISSING, TEXTS

ALL_TEXTS = [text for name, kinds in TEXTS.items() if name != "json" for text in kinds.values()]
LONG = " ".join(map(str, range(40_000)))


def join(
    released: str, pieces: str | Sequence[str], how: How = How.INSTRUCT, *, echoes: bool = False
) -> tuple[str | Failure, Splicer]:
    """The text that the reader has in the end, or why it was refused."""
    splicer = Splicer(released, how, echoes=echoes)
    joined = [released]
    for piece in [pieces] if isinstance(pieces, str) else pieces:
        out = splicer.feed(piece)
        if isinstance(out, Failure):
            return out, splicer
        joined.append(out)
    out = splicer.finish()
    if isinstance(out, Failure):
        return out, splicer
    return "".join([*joined, out]), splicer


# What was released, what comes, and what the reader is given of it.
JOINED = [
    # Lines that are alike go on as those before them did.
    (
        "```\n07:15:01.102 INFO [one] http - GET /items/381 200\n07:15:01.118 INFO [two] http"
        " - GET /items/3",
        "82 200\n07:15:01.377 INFO [two] http - GET /items/384 502\n```\n",
        "82 200\n07:15:01.377 INFO [two] http - GET /items/384 502\n```\n",
    ),
    (
        "```\n2026-03-04 07:15:01.1",
        "02 INFO [w-1] GET /381 200\n2026-03-04 07:15:01.118 INFO [w-2] GET /382 200\n```\n",
        "02 INFO [w-1] GET /381 200\n2026-03-04 07:15:01.118 INFO [w-2] GET /382 200\n```\n",
    ),
    (
        "There'll be 4 green bottles hanging on the wall.\n\n4 green bott",
        "les hanging on the wall,\n4 green bottles hanging on the wall,\nAnd if 1 should fall,\n",
        "les hanging on the wall,\n4 green bottles hanging on the wall,\nAnd if 1 should fall,\n",
    ),
    (
        "There'll be 4 green bottles hanging on the wall.\n\n4 green bott",
        "4 green bottles hanging on the wall,\n4 green bottles hanging on the wall,\nAnd if\n",
        "les hanging on the wall,\n4 green bottles hanging on the wall,\nAnd if\n",
    ),
    (
        "风把芦苇吹低了，\n船家还没有来。\n我在渡口等",
        "一个人，\n他说他春天回来。\n\n水把月亮揉碎了，\n船家还没有来。\n我在渡口等一封信。\n",
        "一个人，\n他说他春天回来。\n\n水把月亮揉碎了，\n船家还没有来。\n我在渡口等一封信。\n",
    ),
    # A word of the line above on the next line, and the other half of an operator.
    ("Here is the patch:\n\n```diff", "\ndiff --git a/x b/x\n", "\ndiff --git a/x b/x\n"),
    (
        "```html\n<!DOCTYPE html",
        '>\n<html lang="zh-CN">\n</html>\n```\n',
        '>\n<html lang="zh-CN">\n</html>\n```\n',
    ),
    ("The last arm, `(state, _) =", "> state`, ignores events.", "> state`, ignores events."),
    (
        '```html\n<label for="name">',
        "用户名</label>\n<input>\n```\n",
        "用户名</label>\n<input>\n```\n",
    ),
    (
        "```diff\n-    return sum + price;\n+",
        "    return sum + price * count;\n }\n```\n",
        "    return sum + price * count;\n }\n```\n",
    ),
    # In a dialogue somebody may say yes.
    (
        "**B:** A flat white, please?\n\n**A:**",
        " Sure. Small or large?\n",
        " Sure. Small or large?\n",
    ),
    # It goes on exactly.
    (
        "He brought two things",
        " (a rope and a lamp), and then continued.",
        " (a rope and a lamp), and then continued.",
    ),
    ("可以准备两个东西", "（蓝与绿），接着把流量切过去。", "（蓝与绿），接着把流量切过去。"),
    (
        "ok so first of all: you're N",
        "OT being silly.\n\nHere is why.",
        "OT being silly.\n\nHere is why.",
    ),
    ("Two details are worth a second lo", "ok. It runs at once.", "ok. It runs at once."),
    ("add it slowly, otherwise you'l", "l end up with soup.", "l end up with soup."),
    ("So we have\n\n$", "$\nx^2 = 4\n$$\n", "$\nx^2 = 4\n$$\n"),
    ("The keeper's rules\n\n*", "*Lamp** · **Rope**\n\n- oil\n", "*Lamp** · **Rope**\n\n- oil\n"),
    (
        "The sum is in the `ON` clause and not in the `WHERE` clause",
        ". In the `WHERE` clause it would drop all who ordered nothing.",
        ". In the `WHERE` clause it would drop all who ordered nothing.",
    ),
    (
        "```xml\n<deps>\n  <dep>",
        "\n    <groupId>org.junit</groupId>\n  </dep>\n</deps>\n```\n",
        "\n    <groupId>org.junit</groupId>\n  </dep>\n</deps>\n```\n",
    ),
    (
        "```\n02:13:07Z INFO gate[412]: 3 targets, 3 healthy",
        "\n02:14:07Z INFO gate[412]: 3 targets, 3 healthy\n02:15:07Z INFO gate[412]: closed\n```",
        "\n02:14:07Z INFO gate[412]: 3 targets, 3 healthy\n02:15:07Z INFO gate[412]: closed\n```",
    ),
    (
        '```py\n    for number in count(a):\n        print(f"{name}: {number',
        '}")\n    for number in count(b):\n        print(f"{name}: {number}")\n```\n',
        '}")\n    for number in count(b):\n        print(f"{name}: {number}")\n```\n',
    ),
    ("The lamp was lit at du", "sk, and put out at dawn.", "sk, and put out at dawn."),
    ("先写日期，再写风", "向，然后是点灯的时刻。", "向，然后是点灯的时刻。"),
    # Few letters from the middle of a word, after words of talk.
    ("The keeper lit the old lantern", "I'll keep going.\n\nntern at dusk.", " at dusk."),
    # It begins with its own line break, and comes to a refrain.
    (
        "Hold fast, my lads, hold fast, and do not let it go!",
        "\nWe were cold.\nHold fast, my lads, hold fast, and do not let it go!\nThe end.",
        "\nWe were cold.\nHold fast, my lads, hold fast, and do not let it go!\nThe end.",
    ),
    # It goes on after the same words as it did before: the lines are like one another.
    (
        "```c\n#define TAG_SET 0x11\n#define TAG_REAL_TI",
        "ME 0x17\n#define TAG_REAL_TIMER 0x18\n```\n",
        "ME 0x17\n#define TAG_REAL_TIMER 0x18\n```\n",
    ),
    (
        "错误：我们为会餐准备了香蕉、",
        "苹果、梨…等水果。\n\n正确：我们为会餐准备了香蕉、苹果、梨等水果。\n",
        "苹果、梨…等水果。\n\n正确：我们为会餐准备了香蕉、苹果、梨等水果。\n",
    ),
    # It completes a word that the text has, and says the last line again with another value.
    (
        "policy-store-id PSEXAMPLEabc\npolicy-store-id PSEXAM",
        "PLEdef\n\nOutput:\n\n  policyStoreId: PSEXAMPLEdef, policy-store-id PSEXAM no more.\n",
        "PLEdef\n\nOutput:\n\n  policyStoreId: PSEXAMPLEdef, policy-store-id PSEXAM no more.\n",
    ),
    # The end of the released text stands at the beginning once more.
    ("He turned the lens by hand", "turned the lens by hand until daylight.", " until daylight."),
    ("光束停了多久，以及他怎样", "以及他怎样用手推着透镜转到天亮。", "用手推着透镜转到天亮。"),
    ("The keeper cli", "climbed the stairs.", "mbed the stairs."),
    ("The keeper went up t", "the stairs.", "he stairs."),
    # Few letters, but a piece of code or of a table to the sign.
    ("def f():\n    out = []\n", "    out = []\n    while a:", "    while a:"),
    ("| a | 15,388,000 | 1,171 |", "00 | 1,171 |\n| b | 2 | 3 |", "\n| b | 2 | 3 |"),
    # Only one of two joints makes sound Markdown.
    ("`", "``py\nx = 1\n```", "``py\nx = 1\n```"),
    ("`", "```py\nx = 1\n```", "``py\nx = 1\n```"),
    ("| a | b |\n|---", "|---|\n| 1 | 2 |", "|---|\n| 1 | 2 |"),
    ("| a | b |\n|---", "|---|---|\n| 1 | 2 |", "|---|\n| 1 | 2 |"),
    ("1. Lift.\n2", "2. Turn.\n3. Wait.", ". Turn.\n3. Wait."),
    ("So:\n\n$", "$x = 1.$$", "$x = 1.$$"),
    # With other signs, cases and widths.
    ("It was lit, as always, at dusk", "IT WAS LIT, AS ALWAYS, AT DUSK and left.", " and left."),
    ("先写日期，再写风向，然后点灯", "先写日期,再写风向,然后点灯。", "。"),
    # With a word left out, changed or put in.
    (
        "The pump was idle for most of the night, as its log",
        "The pump idle for most of the night, as its log shows, and dry.",
        " shows, and dry.",
    ),
    ("A small cache that forgets th", "A small indeed that forgets the rest.", "e rest."),
    (
        "先停写入。不会的题先说思路，",
        "不会的 really题先说思路，再说哪里不确定。",
        "再说哪里不确定。",
    ),
    (
        "Take the bus. By the tenth I had stopped measuring, and that is all.",
        "\nBy the tenth I had indeed stopped measuring, and that is all. Eat it warm.",
        " Eat it warm.",
    ),
    (
        "```python\ndef limit(rate: float) -> None:\n    self.rate = rate\n    self.tok",
        "    self.rate really = rate\n    self.tokens = 0\n",
        "ens = 0\n",
    ),
    # The same after words that nobody listed.
    (
        "Nobody came. The lamp was lit at dusk, and the keeper wrote down the ho",
        "Ha, the train went into a tunnel.\n\nThe lamp was just lit at dusk, and the keeper"
        " wrote down the hour. He slept.",
        "ur. He slept.",
    ),
    # The next item, and the next sentence, are like the last one.
    ("他喜欢春天的花。", "他喜欢秋天的花。她不喜欢。", "他喜欢秋天的花。她不喜欢。"),
    (
        '```json\n[\n  {"sku": "LAMP-02", "price": "49.00", "currency": "EUR"},',
        '\n  {"sku": "LAMP-03", "price": "49.00", "currency": "EUR"}\n]\n```\n',
        '\n  {"sku": "LAMP-03", "price": "49.00", "currency": "EUR"}\n]\n```\n',
    ),
    # The sentence, the paragraph, the answer from the beginning.
    ("One. Two went up. Three went do", "Three went down. Four.", "wn. Four."),
    ("一是光。二是影。三是风，", "三是风，四是雨。", "四是雨。"),
    # It announces itself first.
    (
        "The wheel had cracked, so he",
        "Sure, here is the continuation:\n\n turned it by hand.",
        " turned it by hand.",
    ),
    ("齿轮裂了，于是他用手", "好的，接着上文继续：\n\n推着透镜转到天亮。", "推着透镜转到天亮。"),
    ("齿轮裂了，于是他用手", "好的，于是他用手推着透镜转到天亮。", "推着透镜转到天亮。"),
    # A code block is open: it is not opened twice, and closed where it ends.
    ("Run:\n```python\nx = 1\n", "```python\ny = 2\n```\nDone.", "y = 2\n```\nDone."),
    ("Run:\n```python\nx = 1", "\n```\nDone.", "\n```\nDone."),
    ("Run:\n``", "```sh\nls\n```", "`sh\nls\n```"),
    # A new code block after a closed one, or after prose, is text.
    ("Run this:\n\n", "```sh\nls\n```", "```sh\nls\n```"),
    # Tables, lists, formulas.
    (
        "| a | b |\n|---|---|\n| one | tw",
        "| one | two |\n| three | four |",
        "o |\n| three | four |",
    ),
    ("|---|---|", "---|---|\n| 1 | 2 | 3 | 4 |", "---|---|\n| 1 | 2 | 3 | 4 |"),
    ("1. Oil the wheel.\n2. Light", "2. Light the lamp.\n3. Sleep.", " the lamp.\n3. Sleep."),
    ("$\\int_{-\\infty}^", "{\\infty} e^{-x^2} dx$", "{\\infty} e^{-x^2} dx$"),
    ("    if self.tokens >= 1:\n", "\n        self.tokens -= 1\n", "        self.tokens -= 1\n"),
    # Numbers.
    ("It is 10.4", "4 fathoms deep.", "4 fathoms deep."),
    ("on 127.0", ".0.1:80", ".0.1:80"),
    # White space at the end was not sent to the target: it comes again, or not.
    ("He lit the lamp. ", " Then he slept.", "Then he slept."),
    ("He lit the lamp. ", "Then he slept.", "Then he slept."),
    ("One.\n\n", "\n\nTwo.", "Two."),
    ("One.\r\n\r", "\r\n\r\nTwo.", "\nTwo."),
    ("One.\r\n\r", "\nTwo.", "\nTwo."),
    ("One.\r\n", "\nTwo.", "Two."),
    # Signs of several code points.
    ("the family 👨‍👩‍", "👧‍👦 went home", "👧‍👦 went home"),
    ("the cafe", "\u0301 was open", "\u0301 was open"),
    ("say it: 🍕", "🍕🍕!", "🍕🍕!"),
    # What was asked for, in quotation marks or between the marker lines.
    (
        "He never looks at the clock, only at the leaves",
        "“He never looks at the clock, only at the leaves” in the pot.",
        " in the pot.",
    ),
    # Words that nobody listed, and then what was asked for, or the sentence, or all of it.
    (
        "He never looks at the clock, only at the leaves",
        "Zweiter Teil:\n\nHe never looks at the clock, only at the leaves in the pot.",
        " in the pot.",
    ),
    (
        "他从来不看表，只看叶子。茶凉了，他就把叶子倒在",
        "👌 茶凉了，他就把叶子倒在花盆里。",
        "花盆里。",
    ),
    (
        "One. The keeper went up the st",
        "<think>\nIt stops in a word.\n</think>\n\nThe keeper went up the stairs.",
        "airs.",
    ),
    (
        "He never looks at the clock, only at the leaves",
        "You have it up to “only at the leaves”. From there:\n\nHe never looks at the clock,"
        " only at the leaves in the pot.",
        " in the pot.",
    ),
    # A refrain is text, and so is what stands before it.
    (
        "The wind is high,\n  Hold fast, my lads!\nThe rope is wet,\n  Hold fast, my lads",
        "!\nWe cannot see the shore,\n  Hold fast, my lads!\n",
        "!\nWe cannot see the shore,\n  Hold fast, my lads!\n",
    ),
    (
        "Hold fast, my lads, hold fast, and do not let it go!",
        " We were cold. Hold fast, my lads, hold fast, and do not let it go! The end.",
        " We were cold. Hold fast, my lads, hold fast, and do not let it go! The end.",
    ),
    # A capital letter in the middle of its words begins what is said again.
    (
        "One. The lamp was lit by Amal Haddad, who",
        "Well, the place was The lamp was lit by Amal Haddad, who slept.",
        " slept.",
    ),
    # What it quotes of the end in its talk is not the repetition.
    (
        "To find out whic",
        "You have it up to “find out whic”. From there:\n\nTo find out which one.",
        "h one.",
    ),
    # The word before the repetition ends like the one before it in the text.
    (
        "| hardly any atmosphere |\n| Venus | 6,052 | 8.87 | 5,832 ",
        "You have it up to “5,832”. From there:\n\nVenus | 6,052 | 8.87 | 5,832 h |",
        "h |",
    ),
    # Of what begins alike by chance, the rest of the repetition tells.
    (
        "2. **Start replication.** The",
        "The following picks up the thread.\n\n**Start replication.** The new server follows.",
        " new server follows.",
    ),
    # It is told again in nearly the same words, and in full from where it was cut.
    (
        "One. The keeper went up the narrow stairs and lit the la",
        "The keeper went up the steep stairs and lit the lamp.",
        "mp.",
    ),
    (
        "一。看守人提着油桶走上窄窄的石阶，点亮了",
        "看守人提着油桶走上陡峭的石阶，点亮了那盏灯。",
        "那盏灯。",
    ),
    # A quotation in marks of more than one kind, or on a line of its own.
    (
        "He never looks at the clock, only at the leaves",
        "**“…looks at the clock, only at the leaves”** in the pot.",
        " in the pot.",
    ),
    (
        "He never looks at the clock, only at the leaves",
        "> He never looks at the clock, only at the leaves\n\n in the pot.",
        " in the pot.",
    ),
    # The marks of a chat's turns are no text.
    ("The lamp was lit at", "<|im_start|>assistant\n dusk, as always.", " dusk, as always."),
    # Full width, and accents that stand alone.
    (
        "See the note in `log.txt`, which is",
        "Ｓｅｅ ｔｈｅ ｎｏｔｅ ｉｎ ｀ｌｏｇ．ｔｘｔ｀， ｗｈｉｃｈ ｉｓ short.",
        " short.",
    ),
    (
        "Order the xi\u0101 ji\u01ceo and the d\u00e0n t\u00e0",
        "Order the xia\u0304 jia\u030co and the da\u0300n ta\u0300 first.",
        " first.",
    ),
    # A row that is like the last one is the next one.
    (
        "| Mon | early | Ana | 8 |\n| Mon | late | Ben | 8 |\n",
        "| Tue | early | Ana | 8 |\n| Tue | late | Ben | 8 |\n",
        "| Tue | early | Ana | 8 |\n| Tue | late | Ben | 8 |\n",
    ),
    # A tag of the same letters and other signs is another line.
    (
        "```xml\n  <dependency>\n    <scope>test</scope>\n  </dependency>\n",
        "  <dependency>\n    <scope>run</scope>\n  </dependency>\n",
        "  <dependency>\n    <scope>run</scope>\n  </dependency>\n",
    ),
    # The first lines once more, and then others: a refrain.
    (
        "The tide comes in, the tide goes out,\nAnd nobody asks it why;\nThe gulls go by.",
        "\n\nThe tide comes in, the tide goes out,\nAnd nobody asks it why;\nI asked it once.",
        "\n\nThe tide comes in, the tide goes out,\nAnd nobody asks it why;\nI asked it once.",
    ),
    # It goes on, and ends with a word to the reader.
    (
        "This is fine for two hosts;",
        " for one it is not.\n\nWould you like to know more?",
        " for one it is not.\n\nWould you like to know more?",
    ),
    # Hardly anything was released.
    ("A ", "Thanks for letting me know. A small cache that forgets.", "small cache that forgets."),
    ("```", "```yaml\nhost: here\n```", "yaml\nhost: here\n```"),
    ("```", "yaml\nhost: here\n```\nDone.", "yaml\nhost: here\n```\nDone."),
    # Thoughts in tags that no text has, and tags of the text.
    ("The lamp was lit at", "<plan>\nGo on.\n</plan>\n\n dusk, as always.", " dusk, as always."),
    ("Water is H", "<sub>2</sub>O, and ice floats.", "<sub>2</sub>O, and ice floats."),
    # No line begins with the space between two words.
    (
        "The wheel cracked. He slept.",
        "Back to it now.\n\nHere you are.\n\n Then he woke.",
        " Then he woke.",
    ),
    # Line breaks after talk: an item, a line of a dialogue, a paragraph after a quotation.
    ("1. Oil the wheel.", "Continuing...\n\n2. Light the lamp.", "\n2. Light the lamp."),
    (
        "问：银行在哪里？\n答：往右拐。\n\n问：车站在哪里？\n答：往左拐。",
        "继续：\n\n问：邮局呢？",
        "\n问：邮局呢？",
    ),
    ("> 倒过来做一遍。", "继续：\n\n\n全部打勾以后。", "\n\n全部打勾以后。"),
    ("```go\n\tx = 1;", "Continuing...\n\n\ty = 2;\n```", "\n\ty = 2;\n```"),
    # Nobody breaks the line after a comma, so it is no answer in a dialogue.
    ("写成算式：", "好的，\n\n1×1=1", "\n\n1×1=1"),
    # An item ends without a mark.
    ("- [ ] 只读\n- [ ] 读写", "\n\n> 切换窗口只有十五分钟。", "\n\n> 切换窗口只有十五分钟。"),
    # A sentence that lost the space before it gets it back.
    ("He lit the lamp.", "Then he slept.", " Then he slept."),
    ("The end of it is here", "-----\nThe end of it is here\n-----\n and there.", " and there."),
]


# The same again, but for a letter of its first word or a word of it.
SAME_AGAIN = (
    "The lamp in the tower is lit at dusk and put out at dawn, whatever the weather is like. The"
    " keeper sleeps by day. He writes the hour and the wind into the log,"
)
FIRST_WORD_DRIFTS = [
    (
        "White for emptiness.\n\nI once walked two days towards a village under a reservoir for"
        " thirty year",
        "\nI oce walked two days towards a village under a reservoir for thirty years. It was old.",
        "s. It was old.",
    ),
    (
        "- `paddle sync` prints what would be copied and copies nothing.",
        "\n- `paaddle sync` prints what would be copied and copies nothing.\n- `paddle push` does.",
        "\n- `paddle push` does.",
    ),
    (
        "第一，备份。现在的地图什么也不画，我们便把空白当成了空。",
        "又连上了，正文如下。\n\n現在的地图什么也不画，我们便把空白当成了空。它没有错。",
        "它没有错。",
    ),
    # The next item begins with another one.
    (
        "第一条\u3000甲方应当按照本合同约定的时间向",
        "乙方交付房屋。\n\n第二条\u3000乙方应当按照本合同约定的时间向甲方支付租金。",
        "乙方交付房屋。\n\n第二条\u3000乙方应当按照本合同约定的时间向甲方支付租金。",
    ),
    (
        '```json\n[\n  {"day": "Mon", "open": "09:00", "staff": ["Ana", "Bo"], "lunch": true},\n',
        '```json\n\n  {"day": "Tue", "open": "09:00", "staff": ["Ana", "Bo"], "lunch": true},\n'
        '  {"day": "Wed", "open": "10:00", "staff": ["Bo"], "lunch": false}\n]\n```\n',
        '  {"day": "Tue", "open": "09:00", "staff": ["Ana", "Bo"], "lunch": true},\n'
        '  {"day": "Wed", "open": "10:00", "staff": ["Bo"], "lunch": false}\n]\n```\n',
    ),
    # Sentences like one another are gone on with.
    (
        "一只青蛙一张嘴，两只眼睛四条腿，扑通一声跳下水。",
        "两只青蛙两张嘴，四只眼睛八条腿，扑通两声跳下水。三只青蛙三张嘴。",
        "两只青蛙两张嘴，四只眼睛八条腿，扑通两声跳下水。三只青蛙三张嘴。",
    ),
    # The answer again, after a word on a line of its own.
    (
        f"{SAME_AGAIN} and",
        f"assistant\n{SAME_AGAIN} and then the date.",
        " then the date.",
    ),
]


@pytest.mark.parametrize(("released", "new", "given"), FIRST_WORD_DRIFTS)
def test_a_first_word_may_drift_but_the_next_line_is_no_repetition(
    released: str, new: str, given: str
) -> None:
    assert join(released, new)[0] == released + given
    assert join(released, list(new))[0] == released + given


def test_an_answer_begun_anew_is_waited_for_where_a_word_of_it_differs() -> None:
    released = "\n".join(f"{n}. The keeper wrote down the hour, {n * 37} times." for n in range(30))
    again = released.replace("The keeper wrote down the hour, 555", "A keeper noted the hour, 555")
    assert join(released, again + "\nHe slept.")[0] == released + "\nHe slept."


@pytest.mark.parametrize(("released", "new", "given"), JOINED)
def test_joined(released: str, new: str, given: str) -> None:
    joined, splicer = join(released, new)
    assert joined == released + given
    assert splicer.seam is not None


@pytest.mark.parametrize(("released", "new", "given"), JOINED)
def test_joined_sign_by_sign(released: str, new: str, given: str) -> None:
    assert join(released, list(new))[0] == released + given


REFUSED = [
    ("ports:\n  - container: 80", "80\n    env: prod\n"),  # the number, or its second half
    (  # a refrain, or the line again
        "Go:\n\n5 bottles on the wall,\n5 bottles on the wall,\nand a fall.\n\n"
        "4 bottles on the wall,",
        "\n4 bottles on the wall,\nand a fall.\n",
    ),
    # The sentence in another order, or with many other words.
    (
        "Feed it twice a day with equal weights of flour and water, and throw the rest away.",
        "Throw away the rest, and feed it with equal weights of flour and water twice a day. Then",
    ),
    (
        "先看日志。水开以后再放鱼，大火蒸八分钟，关火再焖两分钟。",
        "大火蒸八分钟，水开以后再放鱼，然后关火再焖两分钟。倒掉盘里的水。",
    ),
    # A sentence would be said twice.
    (
        "It was late. The keeper lit the lamp at dusk, as always. Nobody saw it from the ship.",
        "Numbers first, then words. The keeper lit the lamp at dusk, as always. Nobody came.",
    ),
    # Begun anew, but not as it was.
    (
        "A lighthouse keeper's log is a plain kind of book. The date",
        "A lighthouse keeper's log is a plain kind of thing, really.",
    ),
    (
        "灯塔看守人的日志是一种很朴素的本子。先写日期，再写风向",
        "灯塔看守人的日志是一种很朴素的记录，别的没有。",
    ),
    ("One. The keeper of the lamp went up and", "The keeper of the lamp went down again."),
    # Another message in the middle of a sentence.
    ("the lamp was lit at", "Sure, I can write about lamps! What would you like?"),
    ("the lamp was lit by", "As an assistant I cannot see any earlier text.\n\nPlease send it."),
    ("He lit the lamp and then", "### Continued\n\nhe slept until the sun was up."),
    # The answer in other words, whose first word is the last one that was released.
    (
        "The pump was idle for most of the night.\n\nThe",
        "The pump was idle for most of the time, as its log shows.\n\nThe zeros are real.",
    ),
    # The answer in other words here and there.
    (
        "To reset the router, press the button on the back for three seconds and wait until the"
        " light goes out. Then",
        "To restart the router, press the button at the back for three seconds and wait until a"
        " light comes on. Now go on.",
    ),
    # It says over and over the same.
    ("🚧 a flaky test,", " 🚧 a flaky test, 🚧 a flaky test, and that is all."),
    # The line of code in other words.
    ("```python\n    x = take(now)\n    y = tak", "    y = 3\n```\n"),
    ("so\n\n$$\\int_{-\\infty}^{\\infty} ", "$$\\int_{-\\infty} f(x)\\,dx$$ is it."),
    # A sentence among lines of code.
    ("```python\nx = f(1)\ny = f(2)\n", "The rest follows now.\n\nz = g(7)\n```\n"),
    # Begun anew, and over before the cut.
    ("The lamp was lit at dusk, and then he slept", "The lamp was lit at"),
    ("```yaml\nhost: 1", "```yaml\nho"),
    ("令牌桶是最", "令牌桶是最"),
    # It declines, or is done.
    ("He lit the lamp.", "I'm sorry, but I can't help with that."),
    ("他点亮了灯。", "抱歉，我无法协助完成这个请求。"),
    ("He lit the lamp.", "The answer above is already complete; there is nothing to add."),
    ("先写日期，再写风向。\n\n", "您好！请问有什么可以帮您？"),
    # Said again and nothing else.
    ("The lamp was lit at dusk. Then", "The lamp was lit at dusk."),
    # Chinese doubles signs: nobody knows.
    ("他每天", "天都去。"),
    # Speaks of itself, and repeats nothing that would show where the text begins.
    ("The keeper slept. ", "My previous message was cut off. The lamp went out."),
]


@pytest.mark.parametrize(("released", "new"), REFUSED)
def test_refused(released: str, new: str) -> None:
    joined, splicer = join(released, new)
    assert isinstance(joined, Failure)
    assert joined.kind is Kind.DIVERGED
    assert joined.detail.startswith("the continuation ")
    assert joined.detail_zh.startswith("续写")
    assert splicer.seam is None


def test_it_says_how_it_joined() -> None:
    released = "The rope is short, but it reaches the shore"
    _, splicer = join(released, anchor(released) + ", and it holds.")
    assert splicer.seam is not None
    assert (splicer.seam.rule, splicer.seam.confidence) == ("anchor", Confidence.PROVED)
    assert splicer.seam.overlap == len(anchor(released))
    _, splicer = join(
        released, "Sure, here is the rest:\n\n" + anchor(released) + ", and it holds."
    )
    assert splicer.seam is not None
    assert (splicer.seam.dropped, splicer.seam.verified) == (
        len("Sure, here is the rest:\n\n"),
        True,
    )
    _, splicer = join(released, ", and it holds.")
    assert splicer.seam is not None
    assert (splicer.seam.rule, splicer.seam.confidence) == ("plain", Confidence.ASSUMED)
    _, splicer = join(released, "the shore, and it holds.")
    assert splicer.seam is not None
    assert (splicer.seam.rule, splicer.seam.confidence) == ("overlap", Confidence.LIKELY)


def test_nothing_is_released_before_the_joint_is_known() -> None:
    splicer = Splicer("The wheel had cracked, so he", How.INSTRUCT)
    assert splicer.feed("Sure, here is") == ""
    assert splicer.feed(" the continuation:\n\n") == ""
    assert isinstance(splicer.finish(), Failure), "it announced, and added nothing"


def test_after_the_joint_all_passes_through() -> None:
    released = "The rope is short, but it reaches the shore"
    splicer = Splicer(released, How.INSTRUCT)
    assert splicer.feed(anchor(released)) == ""
    assert splicer.feed(", and") == ", and"
    assert splicer.feed(" " + anchor(released)) == " " + anchor(released)


@holds(st.data(), st.sampled_from(["", "Sure, here is the rest:\n\n", "<plan>So.</plan>\n"]))
def test_of_a_restart_that_is_cut_nothing_is_shown_twice(data: st.DataObject, talk: str) -> None:
    text = data.draw(st.sampled_from([text for text in ALL_TEXTS if len(text) > 40]))
    at = data.draw(st.integers(24, len(text.rstrip()) - 1))
    splicer = Splicer(text[:at], How.INSTRUCT)
    out = splicer.feed(talk + text[: data.draw(st.integers(0, len(text)))])
    assert isinstance(out, Failure) or text.startswith(text[:at] + out)


HEAP = '''合并的函数如下：

```python
import heapq


def 合并有序文件(来源: list[Iterable[int]]) -> Iterator[int]:
    """把多个已经排好序的序列合并成一个，不改变相等的元素原来的先后。"""
    堆: list[tuple[int, int]] = []
    迭代器 = [iter(s) for s in 来源]
    for 序号, 它 in enumerate(迭代器):
        第一个 = next(它, None)
        if 第一个 is not None:  # 空的来源直接跳过
            heapq.heappush(堆, (第一个, 序号))
    while 堆:
        值, 序号 = heapq.heappop(堆)
        yield 值
```
'''


def test_a_function_told_again_from_its_head_is_waited_for() -> None:
    at = HEAP.index("\n        yield")
    again = HEAP[HEAP.index("def ") :].replace("已经排好序的序列", "排好序的列")
    assert join(HEAP[:at], again.replace("空的来源直接跳过", "空来源跳过"))[0] == HEAP
    ends = join(HEAP[:at], again[: again.index("while")] + "        return None\n" * 30)[0]
    assert isinstance(ends, Failure)


# Prefill.


@pytest.mark.parametrize("text", ALL_TEXTS)
def test_a_prefilled_answer_goes_on_exactly(text: str) -> None:
    for cut in range(1, len(text), 7):
        rest = text[len(text[:cut].rstrip()) :]
        assert join(text[:cut], rest, How.PREFILL)[0] == text
        assert join(text[:cut], text[:cut].rstrip() + rest, How.PREFILL, echoes=True)[0] == text


@pytest.mark.parametrize(
    ("released", "new", "rest"),
    [
        ("#", "## Setting up", "# Setting up"),
        ("The lamp is lit. ", "\nThe lamp is lit. It is night.", "It is night."),
        ("The lamp is lit.", "The lamp is lit.", ""),
        ("The lamp is lit.", "The lamp is on.", None),
        ("The lamp is lit.", "The lamp", None),
        ("The lamp", "Sure: The lamp is lit.", None),
    ],
)
def test_an_answer_asked_for_anew_goes_on_only_if_it_is_the_same(
    released: str, new: str, rest: str | None
) -> None:
    joined, splicer = join(released, list(new), How.ANEW)
    assert (joined if isinstance(joined, str) else None) == (
        None if rest is None else released + rest
    )
    assert (splicer.seam is None) == (rest is None)


REFUSALS = [
    ("The lamp was lit at du", "I'm sorry, but I can't continue with that."),
    ("The lamp was lit at the", " I'm sorry, but I cannot help with this request."),
    ("The lamp was lit, and", "I can’t assist with that. Is there anything else?"),
    ("The lamp was lit, and", "Sure! Here is the rest of the story: the lamp was lit."),
    ("灯在黄昏时分点", "很抱歉，我无法继续这个请求。"),
    ("灯在黄昏时分，", "作为一个人工智能助手，我不能写下去。"),
    ("灯在黄昏时分，", "抱歉，我没办法帮您继续。"),
]


@pytest.mark.parametrize(("released", "new"), REFUSALS)
def test_a_refusal_in_the_middle_of_a_sentence_is_no_text(released: str, new: str) -> None:
    for pieces in (new, list(new)):
        joined, splicer = join(released, pieces, How.PREFILL)
        assert isinstance(joined, Failure), joined
        assert (joined.kind, splicer.seam) == (Kind.DIVERGED, None)


@pytest.mark.parametrize(
    ("released", "new"),
    [
        ("The lamp was lit. ", "I'm sorry, but I can't continue, he wrote."),
        ("She had a You", "Tube channel of her own."),
        ("He knew that", " I can't swim, but he let go."),
        ("He said", " sorry, and let go."),
        ("Press", " OK and wait."),
        ("Meet", " Sureya at noon."),
        ("他知道", "我不能游泳，还是松了手。"),
        ("因为下雨，", "比赛无法继续进行。"),
        ("```python\nprint(Path", "I'm sorry, but I can't continue\n```\n"),
    ],
)
def test_what_sounds_like_a_refusal_may_be_text(released: str, new: str) -> None:
    assert join(released, list(new), How.PREFILL)[0] == released + new


def test_lower_case_after_a_prefill_waits_for_nothing() -> None:
    assert Splicer("The lamp was lit at du", How.PREFILL).feed("s") == "s"


def test_an_echo_that_ends_before_the_cut_is_no_answer() -> None:
    joined, _ = join("The lamp was lit at dusk", "The lamp was lit", How.PREFILL)
    assert isinstance(joined, Failure)


@pytest.mark.parametrize("join", [Prefilled(LONG, echoes=False), Retold(LONG)])
def test_a_long_text_that_comes_again_is_not_read_for_each_character(
    join: Prefilled | Retold,
) -> None:
    looks, found = 0, join(LONG[:1], final=False)
    while isinstance(found, More):
        looks, found = looks + 1, join(f"{LONG} It ends."[: found.length], final=False)
        assert looks < 200
    assert isinstance(found, Joint)
    assert found.skip == len(LONG)


# Properties.


@st.composite
def a_cut(draw: st.DrawFn) -> tuple[str, int]:
    text = draw(st.sampled_from(ALL_TEXTS))
    return text, draw(st.integers(1, len(text.rstrip()) - 1))


@st.composite
def pieces_of(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


TALK = [
    "",
    "Sure, here is the rest:\n\n",
    "好的，我继续写：\n",
    "Back to the text now.\n\n",
    "接上：\n",
]


@holds(a_cut(), st.sampled_from(TALK), st.integers(0, 200), st.data())
def test_the_joint_does_not_depend_on_how_the_text_came(
    cut: tuple[str, int], talk: str, back: int, data: st.DataObject
) -> None:
    text, at = cut
    new = talk + text[max(0, at - back) :]
    at_once, _ = join(text[:at], new)
    assert join(text[:at], data.draw(pieces_of(new)))[0] == at_once


@holds(a_cut(), st.sampled_from(TALK))
def test_what_begins_as_it_was_asked_to_joins_exactly(cut: tuple[str, int], talk: str) -> None:
    text, at = cut
    quote = anchor(text[:at])
    assume(len(quote) >= 24)
    rest = text[len(text[:at].rstrip()) :]
    joined, _ = join(text[:at], talk + quote + rest)
    assert joined == text


@holds(a_cut(), st.sampled_from(TALK))
def test_an_answer_begun_anew_is_never_shown_twice(cut: tuple[str, int], talk: str) -> None:
    text, at = cut
    assume(at >= 24)
    joined, _ = join(text[:at], talk + text)
    assert joined == text or isinstance(joined, Failure)
    assert talk or joined == text


WORDS = {
    " ": "lamp keeper stairs wheel lens winter harbour signal daylight beam drawer captain log rope"
    " tower oil glass storm shore night bell anchor gull sail mast tide rock fog boat moon",
    "": "灯塔 看守 石阶 齿轮 透镜 冬天 港口 信号 天亮 光束 抽屉 船长 日志 绳子"
    " 玻璃 风暴 海岸 夜里 钟声 锚链 海鸥 船帆 桅杆 潮水 礁石 大雾 小船 月亮 火柴 油桶",
}


@st.composite
def a_text(draw: st.DrawFn) -> str:
    """Sentences and paragraphs in which no word comes twice."""
    space = draw(st.sampled_from(sorted(WORDS)))
    words = draw(st.permutations(WORDS[space].split()))
    end = "." if space else "。"
    sentences = []
    while words:
        count = draw(st.integers(3, 9))
        sentence, words = space.join(words[:count]), words[count:]
        sentences.append(sentence.capitalize() + end)
        sentences.append(draw(st.sampled_from([space, "\n\n"])))
    return "".join(sentences).strip()


@holds(a_text(), st.data())
def test_whatever_is_said_again_the_answer_is_exact_or_refused(
    text: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, len(text) - 1))
    released, rest = text[:at], text[len(text[:at].rstrip()) :]
    back = data.draw(st.sampled_from([0, *range(1, 12), len(anchor(released)), at]))
    again = released.rstrip()[max(0, len(released.rstrip()) - back) :]
    talk = data.draw(st.sampled_from([*TALK, "Zweiter Teil:\n\n", "👍 ", "## 续\n\n"]))
    joined, splicer = join(released, talk + again + rest)
    telling = weight(fold(again).letters) >= 24
    if isinstance(joined, Failure):
        assert not telling, "what is said again to the letter is seen whatever stands before it"
    elif telling or not (again or talk):
        assert joined == text
        assert splicer.seam
        assert splicer.seam.verified or not again
    else:
        space = 1  # between two sentences
        assert len(joined) <= len(released) + len(talk) + len(again) + len(rest) + space


@holds(st.text(max_size=80), st.text(max_size=400), st.booleans())
def test_nothing_released_is_lost_and_what_passes_is_the_end_of_what_came(
    released: str, new: str, prefilled: bool
) -> None:
    joined, splicer = join(released, new, How.PREFILL if prefilled else How.INSTRUCT)
    if isinstance(joined, Failure):
        assert joined.kind is Kind.DIVERGED
        return
    assert joined.startswith(released)
    given = joined[len(released) :]
    assert new.endswith(given) or new.endswith(given.removeprefix(" "))
    assert splicer.seam is not None
    skipped = len(new) - len(given)
    assert (
        skipped <= splicer.seam.dropped + splicer.seam.overlap + len(new) - len(new.lstrip()) + 90
    )


@holds(st.text(max_size=60), st.text(alphabet="ab \n`|-。好", max_size=200), st.data())
def test_any_text_in_any_pieces(released: str, new: str, data: st.DataObject) -> None:
    assert join(released, data.draw(pieces_of(new)))[0] == join(released, new)[0]


def test_a_long_table_begun_anew_takes_no_time_for_each_of_its_rows() -> None:
    def took(rows: int) -> int:
        table = "".join(f"| {row} | 0.0 | 18.0 | 0 |\n" for row in range(rows + 50))
        cut = table.index(f"| {rows} |")
        steps = 0

        def count(frame: object, event: str, arg: object) -> None:
            nonlocal steps
            steps += event == "call"

        splicer = Splicer(table[:cut], How.INSTRUCT)
        sys.setprofile(count)
        try:
            out = splicer.feed(table)  # at once, and known before the end
        finally:
            sys.setprofile(None)
        assert out == table[cut:]
        return steps

    assert took(400) < 3 * took(200)


def test_a_table_begun_anew_goes_on_as_soon_as_it_is_where_it_was_cut() -> None:
    table = "".join(f"| {row} | 0.0 | 18.0 | 0 |\n" for row in range(1450))
    cut = table.index("| 1400 |")
    splicer = Splicer(table[:cut], How.INSTRUCT)
    given = "".join(str(splicer.feed(table[at : at + 20])) for at in range(0, cut + 60, 20))
    assert given
    assert table[cut:].startswith(given)


def test_sentences_that_are_all_alike_are_gone_on_with() -> None:
    story = " ".join(f"And then came the bot number {n}." for n in range(20))
    for cut in range(150, 400, 7):
        if story[cut] != ".":  # else it might be one more that says the same
            joined, _ = join(story[:cut], story[cut - 30 : cut + 200])
            assert joined == story[: cut + 200]


@pytest.mark.parametrize("said", NOTHING_MISSING.values())
def test_who_says_that_nothing_is_missing_adds_nothing(said: str) -> None:
    splicer = Splicer("The lamp was lit at dusk.", How.INSTRUCT)
    assert [splicer.feed(sign) for sign in said] == [""] * len(said)
    refused = splicer.finish()
    assert isinstance(refused, Failure)
    assert refused.code == NOTHING_MORE
