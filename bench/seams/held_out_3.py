"""The third held-out set, with the texts in `heldout3/`: written before the splice took the shape
that is judged here, and only its sums are looked at.
"""

from __future__ import annotations

from .phrasings import Phrasings

TALK: Phrasings = {
    "en": (
        "Back online. Text follows.\n\n",
        "I lost the thread for a moment, here it is again:\n\n",
        "Hold on, my connection hiccupped… okay.\n\n",
        "Good catch! ",
        "Will do. ",
        "You're welcome! ",
        "As promised, the second half:\n\n",
        "I'll start from the words you quoted.\n\n",
        "Great, no need to start over. ",
        "Let me re-read what I had. Right.\n\n",
        "Per the instructions, no introduction.\n\n",
        "### Part II\n\n",
        "*(resumes)*\n\n",
        "<resume>\n",
        "[stream restored]\n\n",
        "===\n\n",
        "🙏 ",
        "⚡ Reconnected ⚡\n\n",
        "Claude: ",
        "assistant\n",
        "<reflection>The tail is inside a sentence. Keep the tone.</reflection>\n\n",
        "I must repeat the end of the text word for word and then write what comes next, in the"
        " same language and without any remark.\n\n",
        "Vale, continúo:\n\n",
        "Dalej:\n\n",
        "Продолжаю.\n\n",
        "The dog ate my packets. Again, from the break:\n\n",
    ),
    "zh": (
        "又连上了，正文如下。\n\n",
        "刚才思路断了一下，接回来：\n\n",
        "等等，我这边卡了……好了。\n\n",
        "提醒得对！",
        "照办。",
        "不客气！",
        "说好的后一半：\n\n",
        "我就从您引用的那几个字写起。\n\n",
        "太好了，不用从头来。",
        "让我看看前面写了什么。嗯。\n\n",
        "按照要求，不写开场白。\n\n",
        "### 第二节\n\n",
        "*（恢复）*\n\n",
        "<恢复>\n",
        "[流已恢复]\n\n",
        "===\n\n",
        "🙏 ",
        "⚡ 重新连上了 ⚡\n\n",
        "豆包：",
        "assistant\n",
        "<反思>结尾在句子中间，语气不变。</反思>\n\n",
        "必须逐字重复文章的结尾，再写后面的内容，语言不变，不加任何评论。\n\n",
        "Okay, in Chinese:\n\n",
        "계속할게요.\n\n",
        "Продолжаю.\n\n",
        "数据包被狗吃了。从断的地方再来：\n\n",
    ),
}

CLOSING: Phrasings = {
    "en": (
        "\n\nThat's the lot.",
        "\n\n*Done.*",
        "\n\nShall I turn this into a PDF?",
        "\n\nThanks for bearing with me!",
    ),
    "zh": (
        "\n\n就是这些。",
        "\n\n*完*",
        "\n\n要不要我整理成 PDF？",
        "\n\n谢谢您的耐心！",
    ),
}

FRAMES = (
    "‘{}’",
    "<{}>",
    "《{}》",
    "“…{}”",
    "… {}",
    "~~{}~~",
    "_{}_",
    "---\n\n{}\n\n---\n\n",
    ">>> {}\n\n",
    "``{}``",
)
