"""A head that promises well, and then no answer: 200 with something else, or with nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.failure import Kind, Phase
from .actions import Drip, Send, Stall
from .error_answers import HTML, error_answer, openai
from .http1 import LAST_CHUNK
from .scene import Actions, Scene, head_of, told, until, with_body
from .truth import Player, Row, Truth

_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>\n"


def _row(name: str, kind: Kind, phase: Phase, en: str, zh: str, play: Player) -> Row:
    return Row(Truth(name, kind, phase, en, zh), play)


def _head(scene: Scene) -> Send:
    return Send(head_of(scene))


_SAID = ("completion_tokens", "output_tokens")


def _all_but_content(scene: Scene) -> Actions:
    """A stream in due form in which nothing is said, and no token counted."""
    usage = {name: 0 if name in _SAID else count for name, count in scene.speech.usage.items()}
    speech = replace(until(scene, 0).speech, usage=usage)
    closing = tuple(map(scene.event, speech.closing))
    ends = b"".join(map(scene.style.raw, speech.voice.ends))
    return (*told(scene, 0), *closing, Send((scene.frame(ends) if ends else b"") + LAST_CHUNK))


def _lost_call(scene: Scene) -> Actions:
    """Tokens were counted for a call that nobody is told."""
    speech = replace(until(scene, 0).speech, finish="tool_calls")
    closing = map(scene.event, speech.closing)
    ends = b"".join(map(scene.style.raw, speech.voice.ends))
    return (*told(scene, 0), *closing, Send(scene.frame(ends) + LAST_CHUNK))


def _stalled_error(scene: Scene) -> Actions:
    head = head_of(replace(scene, content_type="application/json"), status=503)
    return (Send(head), scene.raw(b'{"error":{"message":"The engine is over'), Stall())


FIRST_FAULTS: Sequence[Row] = (
    Row(
        Truth(
            "stall_in_error",
            Kind.OVERLOADED,
            Phase.HEADERS,
            "A 503 whose body stops in the middle and never ends.",
            "503 的正文写到一半就停住，一直不结束。",
            status=503,
        ),
        _stalled_error,
    ),
    error_answer(
        "json_error_200",
        200,
        Kind.SERVER_ERROR,
        ("An error in JSON under the status 200.", "状态码 200，内容却是 JSON 错误。"),
        openai("The server had an error while processing your request.", "server_error"),
    ),
    error_answer(
        "spark_audit",
        200,
        Kind.POLICY,
        (
            "Spark: the audit of content refuses it, under a 200.",
            "星火：状态码 200，内容审核未通过。",
        ),
        {"header": {"code": 10013, "message": "内容审核未通过", "sid": "cht0", "status": 2}},
    ),
    error_answer(
        "tencent_limit",
        200,
        Kind.RATE_LIMITED,
        ("Tencent: too many requests, under a 200.", "腾讯云：状态码 200，请求频率超限。"),
        {"Response": {"Error": {"Code": "LimitExceeded", "Message": "请求频率超限"}}},
    ),
    error_answer(
        "html_200",
        200,
        Kind.PROTOCOL,
        ("A web page under the status 200.", "状态码 200，内容却是网页。"),
        _PAGE,
        headers=HTML,
    ),
    _row(
        "empty_200",
        Kind.EMPTY,
        Phase.END,
        "A 200 without a body.",
        "没有正文的 200。",
        lambda scene: with_body(200, (), b"", scene.request_id),
    ),
    _row(
        "empty_stream",
        Kind.EMPTY,
        Phase.END,
        "A stream that ends without a single event.",
        "流一个事件都没有就结束了。",
        lambda scene: (_head(scene), Send(LAST_CHUNK)),
    ),
    _row(
        "only_done",
        Kind.EMPTY,
        Phase.END,
        "A stream of nothing but [DONE].",
        "流里只有 [DONE]。",
        lambda scene: (_head(scene), scene.raw(scene.style.raw(b"[DONE]")), Send(LAST_CHUNK)),
    ),
    _row(
        "nothing_said",
        Kind.EMPTY,
        Phase.END,
        "A whole stream with a finish reason, in which nothing is said.",
        "流是完整的，也有结束原因，却什么都没说。",
        _all_but_content,
    ),
    _row(
        "call_lost",
        Kind.EMPTY,
        Phase.END,
        "The finish reason says that a tool is called, and nothing is said or called.",
        "结束原因说调用了工具，却什么都没说，也没有调用。",
        _lost_call,
    ),
    _row(
        "stall_first",
        Kind.TIMEOUT,
        Phase.FIRST,
        "Headers come, and then nothing.",
        "响应头来了，之后什么都没有。",
        lambda scene: (_head(scene), Stall()),
    ),
    _row(
        "comment_drip",
        Kind.TIMEOUT,
        Phase.FIRST,
        "Headers come, and then only keep-alive comments.",
        "响应头来了，之后只有保活注释。",
        lambda scene: (
            _head(scene),
            Drip(scene.frame(b": keep-alive\n\n"), scene.habits.every),
        ),
    ),
    _row(
        "role_only",
        Kind.TIMEOUT,
        Phase.FIRST,
        "The role comes, and then nothing.",
        "角色来了，之后什么都没有。",
        lambda scene: (*told(scene, 0), Stall()),
    ),
)
