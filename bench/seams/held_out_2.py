"""The second held-out set, with the texts in `heldout2/`: written after the splice had taken the
shape that is judged here, to see whether it was fitted to the first. Its sums were
taken first; the few failures that were read after that are of one mechanism (`overlap._again`).
"""

from __future__ import annotations

from .phrasings import Phrasings

TALK: Phrasings = {
    "en": (
        "Right where we left it:\n\n",
        "Terribly sorry, the stream died on me. Rest of it:\n\n",
        "Okay! Finishing the answer now.\n\n",
        "Noted. The last few words, then onwards.\n\n",
        "Ah, the cut-off. One second… here.\n\n",
        "Resuming my earlier reply ->\n\n",
        "# (continued)\n\n",
        "**Part two**\n\n",
        "{continuing}\n",
        "/* continued */\n",
        "~ continued ~\n\n",
        "********\n\n",
        "You asked me to repeat the ending first, so I do.\n\n",
        "Your network, or mine? Never mind.\n\n",
        "Still with me? Good.\n\n",
        "🫡 ",
        "😅 My bad! ",
        "[2/2] ",
        "GPT: ",
        "<|im_start|>assistant\n",
        "<scratch>repeat, then extend</scratch>\n",
        "The previous output ended abruptly. I need to produce the tail and the remaining"
        " text.\n\n",
        "Segue o restante:\n\n",
        "Ecco il resto.\n\n",
        "Please excuse the break in transmission; the text resumes here.\n\n",
        "> (reconnected)\n\n",
    ),
    "zh": (
        "就从这儿往下：\n\n",
        "实在对不住，流断了。剩下的在这里：\n\n",
        "好！这就写完它。\n\n",
        "记下了。先是末尾几个字，再往后。\n\n",
        "啊，断了。稍等……来了。\n\n",
        "继续我之前的回复 ->\n\n",
        "# （续）\n\n",
        "**下半篇**\n\n",
        "{继续}\n",
        "/* 续 */\n",
        "～续～\n\n",
        "********\n\n",
        "您让我先重复结尾，那我就先重复。\n\n",
        "是您的网还是我的网？算了。\n\n",
        "还在吗？在就好。\n\n",
        "🫡 ",
        "😅 我的锅！",
        "【2/2】",
        "小助手：",
        "<|im_start|>assistant\n",
        "<草稿>先重复，再往后写</草稿>\n",
        "上一段输出突然结束。需要先给出结尾，再给出余下的文字。\n\n",
        "The rest, in Chinese:\n\n",
        "では続きを。\n\n",
        "传输中断，敬请谅解；正文由此恢复。\n\n",
        "> （已重连）\n\n",
    ),
}

CLOSING: Phrasings = {
    "en": (
        "\n\nAnything else I can do for you?",
        "\n\nCheers!",
        "\n\n(That was all of it.)",
        "\n\nIf something is unclear, just ask.",
    ),
    "zh": (
        "\n\n还有什么需要我做的吗？",
        "\n\n祝好！",
        "\n\n（全文完。）",
        "\n\n如果哪里不清楚，尽管问我。",
    ),
}

FRAMES = (
    "«{}»",
    "'…{}'",
    "```{}```",
    "__{}__",
    "“{}”",
    "`…{}`",
    "『{}』",
    "({})",
    "> {}\n",
    "****{}****",
)
