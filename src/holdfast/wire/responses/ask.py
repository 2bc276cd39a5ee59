"""A client's body to a `Request`. Only what decisions need is checked; the rest goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.failure import Failure
from ...core.request import Request, Surface
from ..body import Types, a, invalid, language_of, model_fault, parse_body, type_fault
from ..fields import table, tables, text

_TYPES: Types = {
    "stream": (bool, "true or false"),
    "background": (bool, "true or false"),
    "store": (bool, "true or false"),
    "previous_response_id": (str, "the id of a response"),
    "instructions": (str, "a string"),
    "tools": (list, "a list"),
    "text": (dict, "an object"),
    "reasoning": (dict, "an object"),
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
    remedy = "send a string or a list of input items"
    if given is None:
        if any(body.get(name) for name in _CONTEXT):
            return None
        return invalid("missing_field", "input", f"input is missing; {remedy}")
    if isinstance(given, str):
        return None
    if not isinstance(given, list):
        return invalid("wrong_type", "input", f"input is {a(given)}; {remedy}")
    for index, item in enumerate(given):
        if not isinstance(item, dict):
            name = f"input[{index}]"
            return invalid("wrong_type", name, f"{name} is {a(item)}; send an object")
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
