"""Faults inside an event stream: no last word, broken events, errors in the place of chunks.

Each is played after "@K" pieces. A request that does not stream cannot meet them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.failure import Kind, Phase
from .actions import Send
from .manners import in_lines
from .scene import DONE, Actions, Scene, as_json, told
from .speech import ChatVoice
from .truth import Player, Position, Row, Truth

_HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
_OVERLOADED = b'[{\n "error": {"code": 503, "message": "Try later", "status": "UNAVAILABLE"}\n}]'
_LINE = b"error: upstream closed the connection"


def _row(
    name: str,
    kind: Kind,
    en: str,
    zh: str,
    play: Player,
    phase: Phase = Phase.STREAM,
    cause: str = "",
    *,
    speaks: bool = False,
) -> Row:
    return Row(Truth(name, kind, phase, en, zh, Position.CHUNK, cause, speaks=speaks), play)


def _cut_off(name: str, en: str, zh: str, said: bytes, cause: str) -> Row:
    """A proxy ends the stream with something that is no event, about its own upstream."""
    row = _row(name, Kind.TRUNCATED, en, zh, _line(said), Phase.END, cause)
    return replace(row, truth=replace(row.truth, nested=Kind.BAD_GATEWAY))


def _ended(scene: Scene, *sends: Send) -> Actions:
    """These follow the pieces, and the body ends as if all were well."""
    return (*told(scene, scene.after), *sends, Send(scene.framing.end))


def _data(data: bytes) -> Player:
    return lambda scene: _ended(scene, scene.raw(scene.style.raw(data)))


def _line(said: bytes) -> Player:
    return lambda scene: _ended(scene, scene.raw(said + b"\n"))


def _done(scene: Scene) -> Send:
    return scene.raw(scene.style.raw(DONE))


def _spoiled_event(scene: Scene) -> Actions:
    """The next event loses its last signs on the way, and the answer goes on to its end."""
    (first, *others), *rest = (*scene.speech.pieces[scene.after :], scene.speech.closing)
    name = first["type"] if isinstance(first.get("type"), str) else "delta"
    spoiled = scene.raw(scene.style.raw(as_json(first)[:-2], name))
    following = [*others, *(event for piece in rest for event in piece)]
    return _ended(scene, spoiled, *map(scene.event, following), *_ends(scene))


def _half_event(scene: Scene) -> Actions:
    """The next event comes without its end."""
    following = (*scene.speech.pieces[scene.after :], scene.speech.closing)[0]
    event = scene.style.event(following[0])
    return _ended(scene, scene.raw(event[: len(event) * 2 // 3]))


def _broken_call(scene: Scene) -> Actions:
    """A tool call that says it is complete and is not."""
    arguments = '{"tower": "Utö", "seconds": [14, '
    told = scene.speech.pieces[: scene.after]
    last = scene.speech.voice.broken_call(told, "look_up_light", arguments)
    return _ended(scene, *map(scene.event, last), *_ends(scene))


def _ends(scene: Scene) -> list[Send]:
    return [scene.raw(scene.style.raw(end)) for end in scene.speech.voice.ends]


def _finish(word: str) -> Player:
    """The stream ends in all form, with this finish reason."""

    def play(scene: Scene) -> Actions:
        told = scene.speech.pieces[: scene.after]
        last = scene.speech.voice.closing(told, word, None)
        return _ended(scene, *map(scene.event, last), *_ends(scene))

    return play


def _error(error: Any) -> Player:
    """An error in the place of a chunk, with nothing after it."""
    return lambda scene: _ended(scene, scene.event(scene.speech.voice.error(error)))


def _event(payload: Mapping[str, Any]) -> Player:
    """What is no event of any dialect, with nothing after it."""
    return lambda scene: _ended(scene, scene.event(dict(payload)))


def _openai(kind: str, code: str | None, message: str) -> Mapping[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": code}


def _error_beside_chunk(scene: Scene) -> Actions:
    """OpenRouter's form: a chunk that is also an error."""
    error = {
        "code": 502,
        "message": "Provider disconnected",
        "metadata": {"provider_name": "Lighthouse", "error_type": "provider_unavailable"},
    }
    voice = scene.speech.voice
    payload = voice.chunk({"content": ""}, "error")[0] if isinstance(voice, ChatVoice) else {}
    return _ended(scene, scene.event({**payload, **voice.error(error)}))


def _error_then_done(scene: Scene) -> Actions:
    error = scene.speech.voice.error(_openai("server_error", None, "The server had an error."))
    return _ended(scene, scene.event(error), _done(scene))


def _named_error(scene: Scene) -> Actions:
    """Anthropic's form: the event itself is named `error`."""
    named = replace(scene, style=replace(scene.style, named=True))
    return _ended(scene, named.event(scene.speech.voice.named_error()))


NO_LAST_WORD: Sequence[Row] = (
    _row(
        "clean_end",
        Kind.TRUNCATED,
        "The stream ends in good form, but never says that the answer is whole.",
        "流正常结束，却从未说明回答已经完整。",
        _ended,
        Phase.END,
        "EOF",
    ),
    _row(
        "done_without_finish",
        Kind.TRUNCATED,
        "[DONE] comes without any finish reason.",
        "来了 [DONE]，却没有任何结束原因。",
        lambda scene: _ended(scene, _done(scene)),
        Phase.END,
    ),
    _row(
        "half_event",
        Kind.TRUNCATED,
        "The body ends in good form in the middle of an event.",
        "正文正常结束，而一个事件才写了一半。",
        _half_event,
        Phase.END,
        "EOF",
    ),
    _row(
        "lines_cut",
        Kind.TRUNCATED,
        "JSON texts come a line each, and the body ends in the middle of one.",
        "每行一个 JSON，而正文在一行的中间结束。",
        lambda scene: _half_event(in_lines(scene)),
        Phase.END,
        "EOF",
    ),
    _cut_off(
        "raw_html",
        "A proxy ends the stream with an error page, which is no event.",
        "代理用一张错误页面结束了流，而页面并不是事件。",
        _HTML,
        "502 Bad Gateway",
    ),
    _row(
        "raw_list",
        Kind.OVERLOADED,
        "The stream ends with an error in a JSON list over many lines, which is no event (Google).",
        "流以一个多行的 JSON 列表结束，里面是错误，而它并不是事件（Google）。",
        _line(_OVERLOADED),
    ),
    _cut_off(
        "raw_line",
        "A proxy ends the stream with a line of its own, which is no event.",
        "代理用自己的一行文字结束了流，而它并不是事件。",
        _LINE,
        _LINE.decode(),
    ),
)

BROKEN_EVENTS: Sequence[Row] = (
    _row(
        "bad_json",
        Kind.PROTOCOL,
        "An event is not valid JSON.",
        "一个事件不是合法的 JSON。",
        _data(b'{"id":"chatcmpl-sim","choices":[{"index":0,"delta":{"content":"Hold'),
    ),
    _row(
        "spoiled_event",
        Kind.PROTOCOL,
        "One event, which has a name, is not valid JSON, and the answer goes on after it.",
        "一个带名称的事件不是合法的 JSON，而回答在它之后继续。",
        _spoiled_event,
    ),
    _row(
        "bad_utf8",
        Kind.PROTOCOL,
        "An event is not valid UTF-8.",
        "一个事件不是合法的 UTF-8。",
        _data(b'{"choices":[{"index":0,"delta":{"content":"\xe7\x81\xff\xfe"}}]}'),
    ),
    _row(
        "html_event",
        Kind.PROTOCOL,
        "An event holds an HTML page.",
        "一个事件里装的是 HTML 页面。",
        _data(_HTML),
    ),
    _row(
        "truncated_tool",
        Kind.TOOL_ARGUMENTS,
        "A tool call says that it is complete, but its arguments are cut.",
        "工具调用声称完整，参数却被截断。",
        _broken_call,
        speaks=True,
    ),
)

ERROR_EVENTS: Sequence[Row] = (
    _row(
        "error_event",
        Kind.SERVER_ERROR,
        "The upstream reports an error of its own inside the stream.",
        "上游在流中报告了自己的错误。",
        _error(_openai("server_error", None, "The server had an error.")),
    ),
    _row(
        "error_then_done",
        Kind.SERVER_ERROR,
        "An error inside the stream, and [DONE] after it.",
        "流中报告错误之后，还跟着 [DONE]。",
        _error_then_done,
    ),
    _row(
        "error_beside_chunk",
        Kind.BAD_GATEWAY,
        "A chunk carries the error of a provider behind the proxy.",
        "一个数据块里带着代理身后供应商的错误。",
        _error_beside_chunk,
    ),
    _row(
        "error_string",
        Kind.SERVER_ERROR,
        "An error inside the stream that is only a string.",
        "流中的错误只是一个字符串。",
        _error("internal server error"),
    ),
    _row(
        "error_named",
        Kind.OVERLOADED,
        "An event named `error` says that the upstream is overloaded.",
        "名为 error 的事件说明上游过载。",
        _named_error,
    ),
    _row(
        "error_words",
        Kind.SERVER_ERROR,
        "An event holds no JSON but the words of an error.",
        "一个事件里不是 JSON，而是一句错误。",
        _data(b"Internal Server Error"),
    ),
    _row(
        "error_flag",
        Kind.OVERLOADED,
        "Only a flag says that it failed, and a sentence says why.",
        "只有一个标志说明失败了，原因写在一句话里。",
        _event({"success": False, "errMsg": "The model is overloaded"}),
    ),
    _row(
        "error_exception",
        Kind.RATE_LIMITED,
        "The member's name is the exception (Bedrock).",
        "成员的名字就是异常（Bedrock）。",
        _event({"throttlingException": {"message": "Please wait before trying again."}}),
    ),
    _row(
        "error_sentence",
        Kind.RATE_LIMITED,
        "Only a sentence stands in the last event, and nothing says that it is an error (AWS).",
        "最后一个事件里只有一句话，没有任何标志说明它是错误（AWS）。",
        _event({"__type": "service#ThrottlingException", "message": "Please slow down."}),
    ),
    _row(
        "error_problem",
        Kind.OVERLOADED,
        "Problem details (RFC 9457) stand in an event, with a type that is an address.",
        "事件里是问题详情（RFC 9457），type 是一个网址。",
        _event({"type": "https://sim.example/busy", "title": "Overloaded", "status": 503}),
    ),
    _row(
        "error_header",
        Kind.OVERLOADED,
        "The error stands in a header of the sender's own (Spark).",
        "错误写在发送方自己的 header 里（星火）。",
        _event({"header": {"code": 10008, "message": "The service is overloaded", "sid": "s"}}),
    ),
    _row(
        "error_number",
        Kind.SERVER_ERROR,
        "A chunk carries a number and a sentence of an error beside its choices (MiniMax).",
        "数据块在 choices 旁边带着错误的编号和说明（MiniMax）。",
        _event(
            {
                "choices": [{"index": 0, "delta": {}, "finish_reason": None}],
                "base_resp": {"status_code": 1013, "status_msg": "internal error"},
            }
        ),
    ),
    _row(
        "error_inner",
        Kind.OVERLOADED,
        "A chunk carries the words of an error in a member of the vendor's own (Groq).",
        "数据块里，供应商自己的成员带着一句错误（Groq）。",
        _event(
            {
                "choices": [{"index": 0, "delta": {}, "finish_reason": None}],
                "x_groq": {"id": "req_sim", "error": "The model is over capacity"},
            }
        ),
    ),
    _row(
        "error_quoted",
        Kind.SERVER_ERROR,
        "An event holds nothing but the words of an error, as a JSON string.",
        "一个事件里只有一个 JSON 字符串，写着一句错误。",
        _data(b'"Internal Server Error"'),
    ),
    _row(
        "error_line",
        Kind.SERVER_ERROR,
        "JSON texts come a line each, and the last one is an error (Ollama).",
        "每行一个 JSON，最后一行是错误（Ollama）。",
        lambda scene: _error({"message": "the runner has stopped"})(in_lines(scene)),
    ),
    _row(
        "error_list",
        Kind.OVERLOADED,
        "The error stands in a list (Google).",
        "错误写在列表里（Google）。",
        _data(b'[{"error": {"code": 503, "message": "Try later", "status": "UNAVAILABLE"}}]'),
    ),
    _row(
        "error_rate",
        Kind.RATE_LIMITED,
        "The rate limit strikes inside the stream.",
        "在流中触发了限流。",
        _error(_openai("requests", "rate_limit_exceeded", "Rate limit reached.")),
    ),
    _row(
        "error_proxy",
        Kind.BAD_GATEWAY,
        "A proxy says inside the stream that its upstream failed.",
        "代理在流中说明它的上游失败了。",
        _error(_openai("upstream_error", None, "Upstream request failed")),
    ),
    _row(
        "error_context",
        Kind.TOO_LONG,
        "The context turns out too long inside the stream.",
        "在流中才发现上下文超长。",
        _error(
            _openai(
                "invalid_request_error",
                "context_length_exceeded",
                "Your input exceeds the context window of this model.",
            )
        ),
    ),
    _row(
        "error_policy",
        Kind.POLICY,
        "A content policy stops the answer inside the stream.",
        "内容政策在流中叫停了回答。",
        _error(
            _openai(
                "invalid_request_error",
                "content_policy_violation",
                "The request was rejected by the safety system.",
            )
        ),
    ),
)

FINISH_WORDS: Sequence[Row] = (
    _row(
        "finish_error",
        Kind.SERVER_ERROR,
        "The finish reason is `error`.",
        "结束原因是 error。",
        _finish("error"),
    ),
    _row(
        "finish_network_error",
        Kind.SERVER_ERROR,
        "The finish reason is `network_error` (GLM: the inference failed).",
        "结束原因是 network_error（GLM：模型推理异常）。",
        _finish("network_error"),
    ),
    _row(
        "finish_filtered_call",
        Kind.TOOL_ARGUMENTS,
        "The finish reason says in two words that a tool call is malformed (Google).",
        "结束原因用两个词说明工具调用格式有误（Google）。",
        _finish("function_call_filter: MALFORMED_FUNCTION_CALL"),
    ),
    _row(
        "finish_no_resource",
        Kind.OVERLOADED,
        "The finish reason is `insufficient_system_resource` (DeepSeek).",
        "结束原因是 insufficient_system_resource（DeepSeek）。",
        _finish("insufficient_system_resource"),
    ),
)

EVENT_FAULTS: Sequence[Row] = (*NO_LAST_WORD, *BROKEN_EVENTS, *ERROR_EVENTS, *FINISH_WORDS)
