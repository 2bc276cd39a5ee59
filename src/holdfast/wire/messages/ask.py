"""A client's body to a `Request`. Only what decisions need is checked; the rest goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.failure import Failure
from ...core.request import Request, Surface
from ..body import (
    Types,
    a,
    invalid,
    language_of,
    messages_fault,
    model_fault,
    parse_body,
    type_fault,
)
from ..fields import table, tables, text

_TYPES: Types = {
    "stream": (bool, "true or false"),
    "tools": (list, "a list"),
    "system": (str | list, "a string or a list of text blocks"),
    "output_config": (dict, "an object"),
    "thinking": (dict, "an object"),
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
    limit, remedy = body.get("max_tokens"), "send a whole number, 1 or more"
    if limit is None:
        return invalid("missing_field", "max_tokens", f"max_tokens is missing; {remedy}")
    if isinstance(limit, bool) or not isinstance(limit, int):
        return invalid("wrong_type", "max_tokens", f"max_tokens is {a(limit)}; {remedy}")
    if limit < 1:
        return invalid("out_of_range", "max_tokens", f"max_tokens is out of range; {remedy}")
    return None


def _said(body: Mapping[str, Any]) -> Iterator[str]:
    """What the user said, the last first; the results of tools are no words of theirs."""
    for message in reversed(tables(body, "messages")):
        if message.get("role") == "user":
            content = message.get("content")
            parts = [text(part, "text") for part in tables(message, "content")]
            yield content if isinstance(content, str) else " ".join(parts)
