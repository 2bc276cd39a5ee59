"""How a model is told to go on with an answer that was cut, in the conversation's language."""

from __future__ import annotations

from ..core.anchor import anchor, open_fence

_TEXTS = {
    "en": (
        "Your last message was cut off by a network fault before it was complete. Go on with it"
        " from exactly where it stops. It is joined to what you write now, so begin by repeating"
        " its last words, once, exactly as they stand between the two marker lines:\n"
        "-----\n{anchor}\n-----\n"
        "Go on directly after them, without the marker lines. Do not apologise, announce or"
        " explain anything and do not repeat anything else. Keep the language and the format."
    ),
    "zh": (
        "你的上一条消息因网络故障中断，尚未写完。请从中断处原样接着写。你现在写的内容会直接拼接在"
        "它后面，因此请先一字不差地重复一遍它结尾的这段文字（位于两条标记线之间）：\n"
        "-----\n{anchor}\n-----\n"
        "然后紧接着往下写，不要写出标记线。不要道歉，不要做任何说明或预告，也不要重复其他内容。"
        "语言和格式保持不变。"
    ),
}
_FENCED = {
    "en": (
        "\nThe cut is inside a code block opened with ```{language}: go on with its content, do not"
        " open it again, and close it where it ends."
    ),
    "zh": (
        "\n中断处位于以 ```{language} 开头的代码块之内：请直接续写其中的内容，不要重新开启代码块，"
        "写完后照常闭合。"
    ),
}


def instruction(released: str, language: str) -> str:
    """What to say to a model after the partial answer. `language` is "zh" or "en"."""
    language = language if language in _TEXTS else "en"
    text = _TEXTS[language].format(anchor=anchor(released))
    fence = open_fence(released)
    if fence is None:
        return text
    return text + _FENCED[language].format(language=fence)
