"""The fifth held-out set, with the texts in `heldout5/`, kinds that chat models write: logs, feeds,
counting, small talk, workflows, code, proofs, answers of an interface, dialogue, notes. No single
failure of theirs was read before they were measured.
"""

from __future__ import annotations

from .phrasings import Phrasings

TALK: Phrasings = {
    "en": (
        "Sure! Picking up right after the last character:\n\n",
        "Of course — the remainder follows.\n\n",
        "Here's what was left:\n\n",
        "(resuming where the stream dropped)\n\n",
        "Sorry, got disconnected there. ",
        "Okay, continuing the snippet:\n\n",
        "I was in the middle of this part:\n\n",
        "Let me finish that thought.\n\n",
        "[part 2]\n",
        "Answer, continued — ",
        "No worries! Where it broke:\n\n",
        "<resume>\n",
    ),
    "zh": (
        "好的，接着写：\n\n",
        "好，从最后一个字往后写：\n\n",
        "剩下的内容是：\n\n",
        "（从断流处恢复）\n\n",
        "刚刚掉线了，抱歉。",
        "好，继续这段代码：\n\n",
        "刚才正写到这一部分：\n\n",
        "我把这段写完。\n\n",
        "【第二段】\n",
        "回答（续）——",
        "没事！断在这里：\n\n",
        "<恢复>\n",
    ),
}

CLOSING: Phrasings = {
    "en": ("\n\nThat's all of it.", "\n\nShall I go into more detail?"),
    "zh": ("\n\n到这里就写完了。", "\n\n要不要再展开讲讲？"),
}

FRAMES = ("“{}” ", "…{}", "> {}\n\n", "<tail>{}</tail>", "--- {} ---\n")
