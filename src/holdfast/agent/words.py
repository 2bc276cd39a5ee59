"""What a model is told about its own turn, in the conversation's language.

A person who watches the steps of a turn reads these as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]

_WORDS: Mapping[str, tuple[str, str]] = {
    # What is answered to a call in the place of its result.
    "unknown_tool": (
        'There is no tool called "{name}". There are: {there}.',
        "没有名为“{name}”的工具。现有工具：{there}。",
    ),
    "no_tools": ("none", "无"),
    "bad_arguments": (
        "Nothing was run: {reason}. Call the tool again with corrected arguments.",
        "没有执行：{reason}。请改正参数后重新调用。",
    ),
    "cut_arguments": (
        "the arguments are not a whole JSON object; they end after {count} characters with: {end}",
        "参数不是完整的 JSON 对象，在第 {count} 个字符处结束，结尾是：{end}",
    ),
    "not_json": (
        "the arguments are not a JSON object, but: {end}",
        "参数不是 JSON 对象，而是：{end}",
    ),
    "repeated": (
        "You have made this very call before in this turn. It was not run again; this is its"
        " result. Do not repeat it, go on with what you know.\n\n{result}",
        "你在本轮已经做过完全相同的调用，没有再次执行，下面是之前的结果。请不要重复调用，根据已有信息继续。"
        "\n\n{result}",
    ),
    "unknown_outcome": (
        "It is not known whether this call took effect: {reason}. It was not repeated. Do not make"
        " it again; tell the person that the outcome is unknown and how to check it.",
        "不知道这次调用是否已经生效：{reason}。系统没有重复执行。请不要再次调用，并告诉用户结果未知以及如何核实。",
    ),
    "refused": (
        "No more tools are run in this turn. Answer with what you have.",
        "本轮不再执行任何工具，请根据已有信息回答。",
    ),
    "failed": ("The tool failed: {reason}", "工具出错：{reason}"),
    "timed_out": (
        "The tool did not finish within {seconds} s and was stopped.",
        "工具在 {seconds} 秒内没有完成，已停止。",
    ),
    "stopped": ("The call was stopped by the person.", "用户停止了这次调用。"),
    "more": (
        "\n\n[{left} more characters; read on with {tool}(call_id={call_id}, offset={offset})]",
        "\n\n[后面还有 {left} 个字符，可用 {tool}(call_id={call_id}, offset={offset}) 继续读取]",
    ),
    "nothing": ("(no output)", "（没有输出）"),
    "media_shown": (
        "[{name} ({type}, {size}) is shown to the person]",
        "[{name}（{type}，{size}）会直接展示给用户]",
    ),
    "media_given": (
        "[{name} ({type}, {size}) is for you only; the person does not see it]",
        "[{name}（{type}，{size}）只给你看，用户看不到]",
    ),
    "media_left_out": (
        "[{name} is too large or one too many: it was not kept; the person is told so]",
        "[{name} 过大或数量过多，没有保留，系统会告知用户]",
    ),
    "media_unseeable": (
        "[{name} is for you only, and you can be given pictures only: it was not kept]",
        "[{name} 只给你看，但你只能看图片，没有保留]",
    ),
    "media_empty": ("[{name} is empty]", "[{name} 是空的]"),
    "media_broken": (
        "[{type}: it was not sent as base64 and cannot be read]",
        "[{type}：不是有效的 base64，无法读取]",
    ),
    "pictures": (
        "[The pictures that the tools above returned:]",
        "[上面的工具返回的图片：]",
    ),
    # Why an outcome is unknown.
    "restarted": (
        "Holdfast was restarted before the result was there",
        "Holdfast 在得到结果之前重启了",
    ),
    "stopped_midway": (
        "the person stopped it while it was running",
        "用户在执行过程中停止了它",
    ),
    "out_of_time": (
        "it did not finish within {seconds} s",
        "它在 {seconds} 秒内没有完成",
    ),
    "server_gone": (
        "no answer that can be read came from the tool's server",
        "没有收到工具服务器可读的答复",
    ),
    # What is said to it beside the conversation.
    "last_step": (
        "No more tool calls are possible in this turn. Answer the person now with what you have,"
        " and say what is missing.",
        "本轮不能再调用工具。请现在就根据已有信息回答用户，并说明还缺少什么。",
    ),
    "mend": (
        "Your last answer called a tool in a way that cannot be read: with arguments that are not"
        " a whole JSON object, or written out as text. Nothing was run, and the person has not seen"
        " the call. If you call a tool, make a tool call, its arguments one complete JSON object;"
        " otherwise answer in words.",
        "你上一次的回答调用工具的方式无法识别：参数不是完整的 JSON 对象，或者把调用写成了文字。"
        "没有执行任何工具，用户也没有看到这个调用。如需调用工具，请发出真正的工具调用，"
        "参数写成一个完整的 JSON 对象；否则请直接用文字回答。",
    ),
    "summary": (
        "What was said earlier in this conversation, in short:\n{text}",
        "此前对话的摘要：\n{text}",
    ),
    "dropped": (
        "[The oldest {turns} turns of this conversation are left out here.]",
        "[此处省略了最早的 {turns} 轮对话。]",
    ),
    "shortened": ("\n[… {left} characters left out …]\n", "\n[……省略了 {left} 个字符……]\n"),
    "no_result": (
        "The result of this call was not recorded.",
        "这次调用的结果没有记录。",
    ),
    "called": (
        "[called the tool {name} with {arguments}]",
        "[调用了工具 {name}，参数 {arguments}]",
    ),
    "result": ("[the tool {name} answered]\n{text}", "[工具 {name} 的结果]\n{text}"),
    "image_seen": ("[image: {text}]", "[图片：{text}]"),
    "image_unseen": (
        "[an image was sent here that you cannot see]",
        "[此处有一张你看不到的图片]",
    ),
    "image_old": (
        "[an image was sent here, too long ago to be shown again]",
        "[此处有一张图片，时间太久，不再展示]",
    ),
    "summarise": (
        "Summarise the conversation above for yourself, so that you can go on with it without"
        " having it before you. Keep names, numbers, dates, decisions, open questions, what the"
        " person wants and how they want to be answered, and what tools found or did. At most"
        " {count} words. Write the summary only.",
        "请为你自己总结以上对话，使你在看不到原文的情况下也能继续。保留人名、数字、日期、已做的决定、未解决的问题、"
        "用户的目标和偏好，以及工具查到或完成的事情。不超过 {count} 字。只写摘要本身。",
    ),
    "caption": (
        "Describe this image so that someone who cannot see it can answer questions about it."
        " Copy any text in it word for word.",
        "请描述这张图片，让看不到它的人也能回答关于它的问题。图中的文字请逐字抄录。",
    ),
}


def tell(key: str, language: Language, **values: object) -> str:
    """The text called `key`, with `values` filled in."""
    return _WORDS[key][language == "zh"].format(**values)
