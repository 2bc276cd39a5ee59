"""A client's body to a `Request`. Only what decisions need is checked; the rest goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.failure import Failure
from ...core.request import Request, Surface
from ..body import (
    BOOLEAN,
    LIST,
    OBJECT,
    Types,
    language_of,
    messages_fault,
    missing,
    model_fault,
    out_of_range,
    parse_body,
    type_fault,
    wrong_type,
)
from ..fields import table, tables, text

_TYPES: Types = {
    "stream": BOOLEAN,
    "tools": LIST,
    "system": (str | list, ("a string or a list of text blocks", "字符串或文本块的列表")),
    "output_config": OBJECT,
    "thinking": OBJECT,
}


def decode_request(body: bytes) -> Request | Failure:
    """The request, or a failure of kind INVALID that names the field and the remedy."""
    value = parse_body(body)
    if isinstance(value, Failure):
        return value
    fault = model_fault(value) or messages_fault(value) or _limit_fault(value)
    return fault or type_fault(value, _TYPES) or _request(value)


def decode_count(body: bytes) -> Request | Failure:
    """As `decode_request`, of a question whose tokens are to be counted: it needs no limit."""
    value = parse_body(body)
    if isinstance(value, Failure):
        return value
    fault = model_fault(value) or messages_fault(value) or type_fault(value, _TYPES)
    return fault or _request(value)


def _request(body: dict[str, Any]) -> Request:
    return Request(
        dialect="messages",
        model=body["model"],
        body=body,
        surface=Surface.APPEND_ONLY if body.get("stream") else Surface.NONE,
        tools=bool(body.get("tools")),
        structured=bool(table(body, "output_config").get("format") or body.get("output_format")),
        include_usage=True,
        language=language_of(_said(body)),
    )


def _limit_fault(body: Mapping[str, Any]) -> Failure | None:
    limit = body.get("max_tokens")
    remedy = "send a whole number, 1 or more", "请发送不小于 1 的整数"
    if limit is None:
        return missing("max_tokens", remedy)
    if isinstance(limit, bool) or not isinstance(limit, int):
        return wrong_type("max_tokens", limit, remedy)
    if limit < 1:
        return out_of_range("max_tokens", remedy)
    return None


def _said(body: Mapping[str, Any]) -> Iterator[str]:
    """What the user said, the last first; the results of tools are no words of theirs."""
    for message in reversed(tables(body, "messages")):
        if message.get("role") == "user":
            content = message.get("content")
            parts = [text(part, "text") for part in tables(message, "content")]
            yield content if isinstance(content, str) else " ".join(parts)
