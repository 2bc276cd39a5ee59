"""What is left out when a request or an answer goes from one dialect to another: one table.

A field that is neither translated nor listed here is never dropped: the request is refused with
the name of the field, if no other target of the route can take it. `docs/dialects.md` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """`field` of a client's body is not asked of a target that speaks another dialect."""

    field: str
    why: str
    why_zh: str


_HINT = ("a hint to the sampling of one vendor", "只对某家供应商的采样有意义的提示")
_HOUSE = ("about the vendor's house-keeping, not the answer", "关乎供应商内部管理，与回答无关")
_SIGNED = (
    "signed or encrypted for the vendor it came from; no other can read it",
    "由原供应商签名或加密，别家无法读取",
)
_ECHO = (
    "what clients repeat of an earlier answer: references, fields of one vendor",
    "客户端复述的此前回答中的附带信息：引用、某家供应商的字段",
)
_SEARCH = (
    "the vendor's own search; without tools of the client there is nothing to go on with: 400",
    "供应商自己的搜索；若没有客户端自己的工具可用，则返回 400",
)
_CACHE = ("about the vendor's prompt cache", "关乎供应商的提示缓存")


def _losses(why: tuple[str, str], *fields: str) -> list[Loss]:
    return [Loss(field, *why) for field in fields]


# By the dialect of the client. "[]" stands for any element.
LOSSES: Mapping[str, tuple[Loss, ...]] = {
    "chat": (
        *_losses(_HINT, "frequency_penalty", "presence_penalty", "prediction"),
        *_losses(_HOUSE, "store", "service_tier", "safety_identifier", "stream_options"),
        *_losses(_CACHE, "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        *_losses(_SIGNED, "messages[].reasoning_details", "messages[].extra_content"),
        *_losses(
            ("what a model has thought is not told to another", "模型的思考不转述给另一家"),
            "messages[].reasoning_content",
            "messages[].reasoning",
        ),
        *_losses(
            _ECHO,
            "messages[] of role assistant: all but words and calls",
            "messages[].tool_calls[]: all but id, name and arguments",
        ),
        *_losses(
            _CACHE,
            "messages[].content[].cache_control",
            "messages[].content[].prompt_cache_breakpoint",
            "messages[].cache_control",
        ),
    ),
    "responses": (
        *_losses(
            (
                "nothing is stored with a vendor of another dialect",
                "不会在另一种方言的供应商处存储任何内容",
            ),
            "store",
        ),
        *_losses(_HOUSE, "service_tier", "safety_identifier", "stream_options", "truncation"),
        *_losses(_HOUSE, "client_metadata", "input[].id", "input[].status"),
        *_losses(_CACHE, "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        *_losses(
            _CACHE,
            "input[].content[].prompt_cache_breakpoint",
            "input[].output[].prompt_cache_breakpoint",
        ),
        *_losses(
            ("how finely a file is looked at", "查看文件的精细程度"),
            "input[].content[].detail",
            "input[].output[].detail",
        ),
        *_losses(("about hosted tools only", "只与托管工具有关"), "max_tool_calls"),
        *_losses(
            ("what it adds exists in this dialect only", "所添加的内容只存在于这种方言"), "include"
        ),
        *_losses(_SIGNED, "input[] of type reasoning"),
        *_losses(_ECHO, "input[] of the model: all but words and calls"),
        *_losses(
            ("the target decides how to sum its reasoning up", "思考摘要的写法由目标决定"),
            "reasoning.summary",
            "reasoning.generate_summary",
        ),
        *_losses(
            ("reasoning of earlier answers is not passed on", "此前回答的思考不会转达"),
            "reasoning.context",
        ),
        *_losses(
            (
                "all tools are told at once, each under a name that tells its namespace",
                "一次告知全部工具，名称中带有其命名空间",
            ),
            "tools[].defer_loading",
            "tools[].tools[].defer_loading",
            "description of tools[] of type namespace",
        ),
        *_losses(
            (
                "what it has found is told; more is not searched for",
                "已找到的工具会告知，不再另行搜索",
            ),
            "tools[] of type tool_search",
            "input[] of type tool_search_call, tool_search_output: all but tools",
        ),
        *_losses(_SEARCH, "tools[] of type web_search*, beside the client's own"),
    ),
    "messages": (
        *_losses(_HINT, "top_k"),
        *_losses(_HOUSE, "service_tier", "inference_geo", "speed", "diagnostics"),
        *_losses(
            _CACHE,
            "cache_control",
            "system[].cache_control",
            "messages[].cache_control",
            "messages[].content[].cache_control",
            "messages[].content[].content[].cache_control",
            "tools[].cache_control",
        ),
        *_losses(
            _SIGNED,
            "messages[].content[] of type thinking",
            "messages[].content[] of type redacted_thinking",
        ),
        *_losses(
            (
                "thinking is asked for as an effort: up to 2048 tokens low, up to 8192 medium,"
                " above high",
                "思考预算换算为力度：2048 以内为 low，8192 以内为 medium，更多为 high",
            ),
            "thinking.budget_tokens",
        ),
        *_losses(
            ("whether to think is left to the target", "是否思考由目标决定"),
            "thinking of type adaptive, disabled",
        ),
        *_losses(
            ("the target decides how its thinking is shown", "思考如何显示由目标决定"),
            "thinking.display",
        ),
        *_losses(_ECHO, "messages[] of role assistant: all but words and calls"),
        *_losses(
            (
                "the references that it asks for exist in this dialect only",
                "所要求的引用只存在于这种方言",
            ),
            "messages[].content[].citations",
            "messages[].content[].content[].citations",
        ),
        *_losses(
            (
                "earlier results and thoughts are not cleared away",
                "不清除此前的工具结果和思考",
            ),
            "context_management of type clear_*",
        ),
        *_losses(
            ("how fast arguments are streamed", "参数以多快的节奏流出"),
            "tools[].eager_input_streaming",
        ),
        *_losses(_SEARCH, "tools[] of type web_search_*, beside the client's own"),
    ),
}


@dataclass(frozen=True, slots=True)
class TargetLoss:
    """What a target of `dialect` is not told of a prompt that came from another dialect."""

    dialect: str
    what: str
    why: str
    why_zh: str


TARGET_LOSSES: tuple[TargetLoss, ...] = (
    TargetLoss("responses", "seed", *_HINT),
    TargetLoss("messages", "seed", *_HINT),
    TargetLoss(
        "messages",
        "JSON without a schema",
        "asked for in words of the system; nothing enforces it",
        "以 system 的文字要求，不作强制",
    ),
    TargetLoss(
        "messages",
        "effort none",
        "thinking is not asked for",
        "不要求思考",
    ),
    TargetLoss(
        "chat",
        "place of words among calls",
        "words first, then the calls of one turn",
        "先是文字，后是同一轮的调用",
    ),
    TargetLoss(
        "chat",
        "place of images and files in tool results",
        "told as the user's, behind the results: a result is words",
        "放在结果之后，作为用户的内容告知：结果只能是文字",
    ),
    TargetLoss("messages", "verbosity", "the dialect has no word for it", "这种方言没有对应的说法"),
    TargetLoss("messages", "metadata", *_HOUSE),
    TargetLoss(
        "messages", "detail of an image", "the dialect has no word for it", "没有对应的说法"
    ),
    TargetLoss(
        "messages",
        "name of a message's author; name, description and strictness of a schema",
        "the dialect has no word for it",
        "这种方言没有对应的说法",
    ),
    TargetLoss("responses", "name of a message's author", "no word for it", "没有对应的说法"),
    TargetLoss(
        "messages",
        "role developer",
        "told as system",
        "以 system 的身份告知",
    ),
    TargetLoss(
        "messages",
        "system messages after the first turn",
        "told as the user's words",
        "作为用户的话告知",
    ),
    *(
        TargetLoss(
            dialect,
            "grammar of a tool that takes free text",
            "it is a function of one string; its description asks for the grammar",
            "作为只有一个字符串参数的函数；语法要求写在说明中",
        )
        for dialect in ("chat", "messages")
    ),
    TargetLoss(
        "messages",
        "effort minimal",
        "asked for as low",
        "按 low 请求",
    ),
    TargetLoss(
        "chat",
        "failed tool results",
        "the result is told, not that it is an error",
        "只告知结果，不标明它是错误",
    ),
    TargetLoss(
        "responses",
        "failed tool results",
        "the result is told, not that it is an error",
        "只告知结果，不标明它是错误",
    ),
)

# What a client of `dialect` is not told of an answer that came in another dialect.
ANSWER_LOSSES: tuple[TargetLoss, ...] = (
    TargetLoss(
        "all",
        "signatures and encrypted content of reasoning",
        "of use to the vendor it came from only",
        "只对原供应商有用",
    ),
    TargetLoss(
        "all",
        "log probabilities, annotations, citations, hosted tools at work, images and sound",
        "other dialects have no words for them",
        "其他方言没有对应的说法",
    ),
    TargetLoss(
        "messages",
        "arguments of a call that were cut at the limit, to who does not stream",
        "an input is an object: it is empty, beside the stop reason max_tokens",
        "input 必须是对象：此时为空，停止原因为 max_tokens",
    ),
    TargetLoss(
        "messages",
        "refusals",
        "told as text, with the stop reason refusal",
        "作为正文告知，停止原因为 refusal",
    ),
    TargetLoss(
        "chat",
        "places of reasoning and words among calls",
        "an answer has one text, one reasoning and its calls",
        "一个回答只有一段正文、一段思考和若干调用",
    ),
    TargetLoss("messages", "choices after the first", "n > 1 is refused", "n > 1 会被拒绝"),
)

# What even a client of the upstream's own dialect is not given as it came; tests hold it against
# recorded answers. All else is in its place, known or not.
OURS: tuple[TargetLoss, ...] = (
    TargetLoss(
        "all",
        "id, model, time; numbers and indexes of events",
        "the answer is the call's, whatever attempts were behind it",
        "回答属于这次调用，与背后有几次尝试无关",
    ),
    TargetLoss(
        "all",
        "when an item, a part or a block is opened and closed, and when the end is told",
        "with its first and last words: an attempt that says nothing leaves no trace",
        "与其开头和最后的字同时：什么都没说的尝试不留痕迹",
    ),
    TargetLoss(
        "all",
        "usage of an answer that was continued",
        "added up, and marked as an estimate",
        "合计得出，并注明是估算",
    ),
    TargetLoss(
        "all",
        "members that nobody knows beside text that was continued",
        "two texts are joined into one; what stood beside the first is given",
        "两段正文接成了一段；给出的是第一段旁边的内容",
    ),
    TargetLoss(
        "all",
        "errors",
        "told with the record of the call, in the dialect's form",
        "按该方言的格式告知，并附上这次调用的记录",
    ),
    TargetLoss(
        "all",
        "fragments of a tool call with nothing beside them",
        "told as one, once the call is whole",
        "调用完整之后合成一段告知",
    ),
    TargetLoss(
        "all",
        "what an event says of itself, to who does not stream",
        "a whole answer has no events",
        "完整的回答里没有事件",
    ),
    TargetLoss(
        "chat",
        "members that are null or empty, empty deltas",
        "they say nothing",
        "没有内容",
    ),
    TargetLoss(
        "chat",
        "names of reasoning (reasoning, thinking, `<think>`, Gemini's `<thought>`), lists of parts",
        "told as `reasoning_content` and as text",
        "统一为 `reasoning_content` 和文本",
    ),
    TargetLoss(
        "chat",
        "usage, to who has not asked for it; padding of its chunk",
        "many a client cannot take a chunk without choices",
        "很多客户端处理不了没有 choices 的数据块",
    ),
    TargetLoss(
        "chat",
        "system_fingerprint, service_tier, provider of a continuation",
        "those of the first attempt are given",
        "给出的是第一次尝试的",
    ),
    TargetLoss(
        "responses",
        "background, store, previous_response_id",
        "between the client and Holdfast",
        "是客户端与 Holdfast 之间的事",
    ),
    TargetLoss(
        "responses",
        "thoughts behind `previous_response_id`, and an `item_reference` to one",
        "who answers next need not be who thought them: they are left out of the question",
        "接着回答的未必是当初思考的那一家：提问时略去",
    ),
    TargetLoss(
        "responses",
        "messages and parts with nothing in them",
        "they are not begun",
        "不会开始",
    ),
    TargetLoss(
        "messages",
        "blocks of text with nothing in them",
        "they are not begun",
        "不会开始",
    ),
    TargetLoss(
        "responses",
        "keepalive with no other member",
        "Holdfast keeps the line alive itself",
        "Holdfast 自己保活",
    ),
    TargetLoss(
        "all",
        "a finish reason of tool calls where none was told",
        "told as the end: there is no call to answer",
        "按正常结束告知：没有可以回答的调用",
    ),
    TargetLoss(
        "messages",
        "stop reason end_turn beside tool calls",
        "told as tool_use: agents look for calls only where it says so",
        "改为 tool_use：智能体只在它这样写时才去找调用",
    ),
    TargetLoss(
        "messages",
        "ping with no other member",
        "Holdfast keeps the line alive itself",
        "Holdfast 自己保活",
    ),
)


def losable(dialect: str) -> frozenset[str]:
    """The names of the members that a client of `dialect` may lose."""
    return frozenset(loss.field for loss in LOSSES[dialect])
