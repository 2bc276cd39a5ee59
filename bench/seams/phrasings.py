"""What continuers say before they go on: wordings that were read while the splice took its shape.

`USUAL` are the wordings that everybody expects, `RARER` and `ODD` those that fewer models use. Talk
that nobody read is in `blind.py`; talk in words of no kind at all is drawn by `continuers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Phrasings = Mapping[str, Sequence[str]]

USUAL: Phrasings = {
    "en": (
        "Sure, here is the continuation:\n\n",
        "Sorry for the interruption. Continuing from where I left off:\n\n",
        "Certainly! ",
        "Let me continue where I left off:\n\n",
        "Here's the rest of the answer:\n\n",
        "Continuing...\n\n",
    ),
    "zh": (
        "好的，接着上文继续：\n\n",
        "抱歉刚才中断了。以下是剩余内容：\n\n",
        "好的，",
        "继续：\n",
        "接上文：\n\n",
        "当然可以，下面继续：\n\n",
    ),
}

RARER: Phrasings = {
    "en": (
        "Right, back to it.\n\n",
        "Apologies for the dropped connection! Here's where we were:\n\n",
        "As requested, the remaining part of my previous message follows.\n\n",
        "My last message got truncated, so I'll finish it now.\n\n",
        "(continued)\n\n",
        "[Resumed after network error]\n\n",
        "**Continuation:**\n\n",
        "---\n\n",
        "Absolutely — finishing the thought:\n\n",
        "Looks like my reply was chopped. The missing portion:\n\n",
        "…",
        "Of course! Repeating the last words as you asked: ",
        "Thanks for letting me know. ",
        "No worries, I can finish that for you. ",
    ),
    "zh": (
        "不好意思，网络出了点状况，咱们往下说。\n\n",
        "嗯，前面说到这里：\n\n",
        "（接上条）\n\n",
        "【续】",
        "**续：**\n\n",
        "---\n\n",
        "收到，这就把没写完的部分补上。\n\n",
        "刚才的消息没发完整，后半段如下：\n\n",
        "没问题！按您的要求先重复结尾：",
        "谢谢提醒，我把剩下的写完。",
        "……",
        "Sure, continuing in Chinese:\n\n",
        "上次输出被截断，现在补全。\n\n",
    ),
}

ODD: Phrasings = {
    "en": (
        "Where were we? Ah, yes.\n\n",
        "Hmm, it seems the transmission stopped halfway. Second attempt:\n\n",
        "Part 2:\n\n",
        "> Note: reconnected.\n\n",
        "The following picks up the thread.\n\n",
        "You're right, that ended abruptly. ",
        "Gladly. ",
        "### Continued\n\n",
        "Understood, no preamble. ",
        "Fortsetzung:\n\n",
        "<continue>\n",
        "We need to resume. First the quoted words, then new text; keep it in one language.\n\n",
        "<analysis>\nCut inside a paragraph.\nAnchor first.\n</analysis>\n",
        "Final answer: ",
        "```\n",
        "Continuing inside a block:\n\n```\n",
        "Ha, the train went into a tunnel 🚇\n\n",
        "🔁 ",
        "Weiter geht's: ",
        "Claro, sigo desde ahí.\n\n",
        "No problem at all.\n\nI still have the draft here.\n\nThe remaining lines are these:\n\n",
        "2)\n\n",
        "Well, where I stopped was ",
        "“Keep going,” you said.\n\n",
    ),
    "zh": (
        "刚刚卡了一下，现在好了。\n\n",
        "第二部分：\n\n",
        "说到哪儿了？对了。\n\n",
        "> 注：连接已恢复。\n\n",
        "那我们往后看。\n\n",
        "您说得对，刚才突然停住了。",
        "行。",
        "### 续\n\n",
        "遵命，不多解释。",
        "（下半部分）\n\n",
        "<继续>\n",
        "需要先写一遍标记线里的话，再写新的内容，保持同一种语言。\n\n",
        "<分析>\n断在段落中间。\n先写锚点。\n</分析>\n",
        "正式回答：",
        "```\n",
        "代码块里接着来：\n\n```\n",
        "刚才进隧道了🚇\n\n",
        "🔁 ",
        "Let's keep going in Chinese: ",
        "네, 계속하겠습니다.\n\n",
        "没事的。\n\n草稿我还留着。\n\n剩下的几行是这样：\n\n",
        "2）\n\n",
        "刚才停在",
        "“接着写”，您这么说。\n\n",
    ),
}

# Nothing of these goes on with anything.
DECLINED: Phrasings = {
    "en": (
        "I'm sorry, but I can't help with that.",
        "I apologize for the confusion. Could you tell me what you would like me to do?",
        "The answer above is already complete; there is nothing to add.",
        "My previous response was complete, so there is nothing left to continue.",
        "I don't have any earlier message in this conversation to go on from.",
        "It looks like your message is empty. How can I help you today?",
    ),
    "zh": (
        "抱歉，我无法协助完成这个请求。",
        "非常抱歉给您带来困扰，请问您需要我做什么？",
        "上面的回答已经完整，没有需要补充的内容。",
        "我之前的回复已经写完了，无需继续。",
        "我没有看到之前的对话内容，无法接着写。",
        "您好！请问有什么可以帮您？",
    ),
}

THOUGHTS: Phrasings = {
    "en": (
        "<think>\nIt breaks off here. I should go on without a word.\n</think>\n\n",
        "<thinking>Just the rest, in the same format.</thinking>\n",
        "<scratchpad>\n1. Find the place.\n2. Go on.\n</scratchpad>\n\n",
    ),
    "zh": (
        "<think>\n断在这里了，直接往下写，不要解释。\n</think>\n\n",
        "<thinking>只写剩下的部分，格式不变。</thinking>\n",
        "<思考>\n一、找到断点。\n二、接着写。\n</思考>\n\n",
    ),
}
