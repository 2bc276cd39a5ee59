"""Talk that the splice was never fitted to, to go with the texts in `blind/`.

Both were written before the mechanism that they judge, and only their sums are looked at: no
single failure on them is read, and none is mended for its own sake. Who breaks that rule moves
the wordings to `phrasings.py` and writes new ones.
"""

from __future__ import annotations

from .phrasings import Phrasings

BLIND: Phrasings = {
    "en": (
        "Sure! Continuing from “the last words you saw”:\n\n",
        "I do apologise for the inconvenience; a technical fault on our side ended the previous"
        " transmission prematurely. The remainder is set out below.\n\n",
        "oh no, looks like we got cut off lol 😅 anyway:\n\n",
        "Yep — on it. ",
        "👍 ",
        "✅ Reconnected. Resuming stream.\n\n",
        "## Rest of the answer\n\n",
        "# Continuation (part 2 of 2)\n\n---\n\n",
        "**[Continued from previous message]**\n\n---\n\n",
        "Here you go:\n\n```\n",
        "As the code block was open, I keep writing inside it:\n\n```text\n",
        "---\n",
        "***\n\n",
        "> You said: please go on.\n\nGoing on.\n\n",
        '> "Go on with it from exactly where it stops."\n\n',
        "The user wants me to carry on from the exact place where the message stopped. I should"
        " repeat the last words once and then go on. No apology, no explanation.\n\n",
        "Okay, so the text breaks off in the middle. The last words are quoted between the"
        " markers. I'll start with those.\n\n",
        "<think>\nThe cut is mid-sentence. Repeat the tail, then write on.\n</think>\n\n",
        "Thinking: need tail, then remainder.\n\nAnswer: ",
        "Assistant: ",
        "[assistant continues]\n",
        "Output:\n",
        "好的，我用英文继续。\n\n",
        "Bien sûr, je reprends là où je m'étais arrêté :\n\n",
        "Natürlich! ",
        "Thank you for your patience.\n\nYour connection dropped while I was writing. Nothing was"
        " lost on my side.\n\nThis is the remaining text:\n\n",
        "That was my fault, not yours. One more time, from the break:\n\n",
        "Fine, no chit-chat: ",
        "Per your instruction, the final words first — ",
        "(picking up mid-thought)\n\n",
        "Resume point located.\n",
        "So, as I was saying, ",
        "*clears throat*\n\n",
        "Dear reader,\n\nmy pen ran dry. It has been refilled.\n\n",
        "1/1\n\n",
        "...and we're back! ",
    ),
    "zh": (
        "当然！从「上面最后几个字」继续：\n\n",
        "尊敬的用户，非常抱歉，由于系统故障，上一段内容未能完整送达，现将其余部分呈上。\n\n",
        "哎呀断网了哈哈哈😂 来，咱继续：\n\n",
        "来啦～",
        "👌",
        "✅ 已重新连接，正在恢复输出。\n\n",
        "## 剩余部分\n\n",
        "# 续篇（2/2）\n\n---\n\n",
        "**【接上一条消息】**\n\n---\n\n",
        "给你：\n\n```\n",
        "由于代码块尚未结束，我在代码块里接着写：\n\n```text\n",
        "---\n",
        "***\n\n",
        "> 您说：请接着写。\n\n这就写。\n\n",
        "> “请从中断处原样接着写。”\n\n",
        "用户要求我从中断的位置继续，需要先重复结尾的文字，然后往下写，不能道歉，也不能解释。\n\n",
        "好，这段话在中间断掉了。标记线之间是结尾的文字，我先把它写一遍。\n\n",
        "<think>\n断在句子中间。先重复结尾，再往下写。\n</think>\n\n",
        "思考：先结尾，后正文。\n\n回答：",
        "助手：",
        "【助手继续输出】\n",
        "输出：\n",
        "OK, I will go on in Chinese.\n\n",
        "はい、続きを書きます。\n\n",
        "Of course. ",
        "感谢您的耐心等待。\n\n刚才连接断开的时候我正写到一半，内容没有丢失。\n\n下面是余下的文字：\n\n",
        "是我的问题，不怪您。从断掉的地方重来一次：\n\n",
        "行吧，废话不多说，",
        "遵照您的要求，先写结尾几个字——",
        "（思路接上了）\n\n",
        "已定位到断点。\n",
        "话说回来，刚刚讲到",
        "咳咳。\n\n",
        "亲爱的读者：\n\n我的笔没水了，现在灌好了。\n\n",
        "1/1\n\n",
        "……好，信号回来了！",
    ),
}
