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
    STRING,
    Types,
    language_of,
    missing,
    model_fault,
    parse_body,
    type_fault,
    wrong_type,
)
from ..fields import table, tables, text

_TYPES: Types = {
    "stream": BOOLEAN,
    "background": BOOLEAN,
    "store": BOOLEAN,
    "previous_response_id": (str, ("the id of a response", "一个 response 的 id")),
    "instructions": STRING,
    "tools": LIST,
    "text": OBJECT,
    "reasoning": OBJECT,
}
# With one of these a request may come without input of its own.
_CONTEXT = ("previous_response_id", "conversation", "prompt")


def decode_request(body: bytes) -> Request | Failure:
    """The request, or a failure of kind INVALID that names the field and the remedy."""
    value = parse_body(body)
    if isinstance(value, Failure):
        return value
    fault = model_fault(value) or _input_fault(value) or type_fault(value, _TYPES)
    return fault or _request(value)


def _request(body: dict[str, Any]) -> Request:
    wanted = text(table(table(body, "text"), "format"), "type")
    return Request(
        dialect="responses",
        model=body["model"],
        body=body,
        surface=Surface.APPEND_ONLY if body.get("stream") else Surface.NONE,
        tools=bool(body.get("tools")),
        structured=wanted not in ("", "text"),
        include_usage=True,
        language=language_of(_said(body)),
    )


def _input_fault(body: Mapping[str, Any]) -> Failure | None:
    given = body.get("input")
    remedy = "send a string or a list of input items", "请发送字符串或输入项的列表"
    if given is None:
        if any(body.get(name) for name in _CONTEXT):
            return None
        return missing("input", remedy)
    if isinstance(given, str):
        return None
    if not isinstance(given, list):
        return wrong_type("input", given, remedy)
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            return wrong_type(f"input[{index}]", item, ("send an object", "请发送对象"))
    return None


def _said(body: Mapping[str, Any]) -> Iterator[str]:
    """What the user said, the last first."""
    if isinstance(body.get("input"), str):
        yield body["input"]
    for item in reversed(tables(body, "input")):
        if item.get("role") == "user":
            content = item.get("content")
            parts = [text(part, "text") for part in tables(item, "content")]
            yield content if isinstance(content, str) else " ".join(parts)
