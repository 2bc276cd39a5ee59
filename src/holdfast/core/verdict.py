"""What a failure means, in sentences: for the person who asked and for the operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from .failure import RULES, STALE, Failure, Hop, Kind, Phase, Remedy

Language = Literal["zh", "en"]

_PHASES: Mapping[Phase, tuple[str, str]] = {
    Phase.ADMIT: ("before any target was asked", "尚未询问任何目标"),
    Phase.RESOLVE: ("while its name was looked up", "在解析域名时"),
    Phase.CONNECT: ("while connecting", "在建立连接时"),
    Phase.TLS: ("during the TLS handshake", "在 TLS 握手时"),
    Phase.WRITE: ("while the request was sent", "在发送请求时"),
    Phase.HEADERS: ("before its answer began", "在回答开始之前"),
    Phase.FIRST: ("after the headers, before any content", "在收到响应头之后、收到内容之前"),
    Phase.STREAM: ("in the middle of the answer", "在回答的中途"),
    Phase.END: ("at the end of the answer", "在回答结束时"),
}

# What the person is told: one plain sentence per sort of failure, nothing of a vendor's own.
_INVALID = (
    "The request can't be processed as it stands. Please change it and try again.",
    "这个请求无法处理，请修改后再试。",
)
_ACCOUNT = (
    "The model account is unavailable right now; the operator can see why.",
    "模型账号目前不可用，管理员可以查到原因。",
)
_CONFIG = (
    "The service is not set up correctly; the operator can see why.",
    "服务配置有误，管理员可以查到原因。",
)
_BUSY = (
    "The model is overloaded at the moment. Please try again a little later.",
    "模型现在太忙，请稍后再试。",
)
_SLOW = (
    "The model did not answer in time. You can send the question again.",
    "模型没有及时回答，可以重新发送一次。",
)
_UNREACHED = (
    "The model service could not be reached. Please try again later.",
    "模型服务暂时连接不上，请稍后再试。",
)
_FAILED = (
    "The model service failed. Please try again later.",
    "模型服务出了故障，请稍后再试。",
)
_CUT = (
    "The answer broke off here and is not complete. You can ask to go on.",
    "回答在这里中断，以上内容不完整，可以要求继续。",
)
_PLAIN: Mapping[Kind, tuple[str, str]] = {
    Kind.INVALID: _INVALID,
    Kind.UNSUPPORTED: _INVALID,
    Kind.TOO_LONG: (
        "The conversation is longer than the model can take. Please start a new topic.",
        "对话超过了模型能处理的长度，请开始一个新话题。",
    ),
    Kind.POLICY: ("The model declined this request.", "模型拒绝了这个请求。"),
    Kind.DENIED: (
        "This gateway needs a valid API key: send it as 'Authorization: Bearer KEY'.",
        "这个网关需要有效的 API 密钥，请用 “Authorization: Bearer 密钥” 发送。",
    ),
    Kind.NO_ROUTE: (
        "There is no model of that name here; GET /v1/models lists those that are.",
        "这里没有这个名字的模型，GET /v1/models 可以列出现有的模型。",
    ),
    Kind.CAPACITY: (
        "The gateway is at its limit of simultaneous requests. Please try again shortly.",
        "网关同时处理的请求已达上限，请稍后再试。",
    ),
    Kind.STOPPING: (
        "This service is being stopped or started again. Please try again shortly.",
        "服务正在停止或重启，请稍后再试。",
    ),
    Kind.STORE: (
        "The database of this service does not answer at the moment. Please try again shortly.",
        "服务的数据库暂时没有应答，请稍后再试。",
    ),
    Kind.LOOP: (
        "The request came back to the gateway that sent it: a provider points at Holdfast itself.",
        "请求又回到了发出它的网关：某个 provider 指向了 Holdfast 自己。",
    ),
    Kind.CONFIG: _CONFIG,
    Kind.AUTH: _ACCOUNT,
    Kind.QUOTA: _ACCOUNT,
    Kind.FORBIDDEN: _ACCOUNT,
    Kind.NOT_FOUND: _CONFIG,
    Kind.RATE_LIMITED: _BUSY,
    Kind.OVERLOADED: _BUSY,
    Kind.TIMEOUT: _SLOW,
    Kind.DEADLINE: _SLOW,
    Kind.EMPTY: (
        "The model gave no answer. You can send the question again, or put it differently.",
        "模型没有给出回答，可以重新发送，或换个说法再问。",
    ),
    Kind.SERVER_ERROR: _FAILED,
    Kind.BAD_GATEWAY: _FAILED,
    Kind.PROTOCOL: _FAILED,
    Kind.CODING: _FAILED,
    Kind.TOOL_ARGUMENTS: _FAILED,
    Kind.TLS: (
        "No secure connection to the model service was possible, so nothing was sent.",
        "无法与模型服务建立安全连接，因此没有发送任何内容。",
    ),
    Kind.CANCELLED: ("The request was cancelled.", "请求已取消。"),
    Kind.INTERNAL: (
        "Something went wrong inside Holdfast; it has been recorded.",
        "Holdfast 内部出错，已经记录。",
    ),
}
_SECURE = frozenset({Kind.TLS, Kind.TLS_CERTIFICATE})


def plain(failure: Failure, language: Language, *, ref: str = "", released: int = 0) -> str:
    """One sentence for the person who asked, with the reference id; nothing internal in it."""
    known = Kind.TLS if failure.kind in _SECURE else failure.kind
    pair = _CUT if released else _PLAIN.get(known, _UNREACHED)
    text = pair[language == "zh"]
    if failure.hop is Hop.CLIENT and failure.detail and not released:
        # Written by Holdfast itself, about this very request.
        text = (language == "zh" and failure.detail_zh) or failure.detail
    if not ref:
        return text
    return f"{text}（编号 {ref}）" if language == "zh" else f"{text} (ref {ref})"


def explain(failure: Failure, language: Language, target: str = "") -> str:
    """For the operator: who answered what, whose upstream failed, where and why."""
    named = target and failure.by and failure.by != target
    who = f"{target} ({failure.by})" if named else failure.by or target
    match language:
        case "en":
            return _explain_en(failure, who)
        case "zh":
            return _explain_zh(failure, who)
        case _:
            assert_never(language)


def _explain_en(failure: Failure, who: str) -> str:
    meaning, where = _meaning(failure)[0], _PHASES[failure.phase][0]
    if failure.nested and failure.kind is Kind.UNAVAILABLE:
        last = RULES[failure.nested.kind].meaning
        return f"{meaning}; the last failure: {last}{_brackets(failure.nested.cause, last)}."
    if failure.nested:
        said = f"{who or 'A proxy'} answered {failure.status}" if failure.status else who
        behind = failure.nested
        whose = f" at {behind.by}" if behind.by not in ("", failure.by) else ""
        text = (
            f"{said or 'A proxy'}: its own upstream{whose} failed: {RULES[behind.kind].meaning}"
            f"{_brackets(behind.cause, RULES[behind.kind].meaning)}."
        )
    else:
        status = f" with status {failure.status}" if failure.status else ""
        subject = f"{who}: " if who else ""
        why = _brackets(_why(failure, failure.cause), meaning)
        kept = ", on a connection kept from an earlier request" if failure.code == STALE else ""
        text = f"{subject}{meaning}{why}{status}, {where}{kept}."
    return text + (" The request was not at fault." if _innocent(failure) else "")


def _explain_zh(failure: Failure, who: str) -> str:
    meaning, where = _meaning(failure)[1], _PHASES[failure.phase][1]
    if failure.nested and failure.kind is Kind.UNAVAILABLE:
        last = RULES[failure.nested.kind].meaning_zh
        return f"{meaning}；最近一次失败：{last}{_brackets_zh(failure.nested.cause_zh, last)}。"
    if failure.nested:
        behind = failure.nested
        said = f"{who or '代理'} 回答了 {failure.status}" if failure.status else (who or "代理")
        whose = f"（{behind.by}）" if behind.by not in ("", failure.by) else ""
        known = RULES[behind.kind].meaning_zh
        text = (
            f"{said}：是它自己的上游{whose}失败了：{known}{_brackets_zh(behind.cause_zh, known)}。"
        )
    else:
        status = f"，状态码 {failure.status}" if failure.status else ""
        subject = f"{who}：" if who else ""
        why = _brackets_zh(_why(failure, failure.cause_zh), meaning)
        kept = "在之前请求留下的连接上，" if failure.code == STALE else ""
        text = f"{subject}{kept}{where}，{meaning}{why}{status}。"
    return text + ("请求本身没有问题。" if _innocent(failure) else "")


_UNTOLD = (
    "its dialect has no words for a part of the request",
    "它的方言说不出请求中的某一项",
)


def _meaning(failure: Failure) -> tuple[str, str]:
    rule = RULES[failure.kind]
    return _UNTOLD if failure.untold else (rule.meaning, rule.meaning_zh)


def _innocent(failure: Failure) -> bool:
    """Whether the request itself is beyond doubt: another try or target could answer it."""
    asked = failure.hop is Hop.UPSTREAM
    return asked and failure.remedy in (Remedy.RETRY, Remedy.FAILOVER)


def _why(failure: Failure, cause: str) -> str:
    """`cause`, and what it leaves open: all that is wrong with certificates has one name."""
    told = failure.kind is Kind.TLS_CERTIFICATE and failure.detail not in ("", cause)
    return f"{cause}: {failure.detail}" if told else cause


def _brackets(cause: str, meaning: str) -> str:
    return f" ({cause})" if cause and cause != meaning else ""


def _brackets_zh(cause: str, meaning: str) -> str:
    return f"（{cause}）" if cause and cause != meaning else ""
