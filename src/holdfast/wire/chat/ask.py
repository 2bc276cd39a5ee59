"""A client's body to a `Request`. Only what decisions need is checked; the rest goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ...core.failure import Failure
from ...core.request import Request, Surface
from .. import body as bodies
from ..body import (
    BOOLEAN,
    LIST,
    OBJECT,
    Types,
    messages_fault,
    model_fault,
    out_of_range,
    parse_body,
    type_fault,
    wrong_type,
)
from .parts import pieces

MOST_CHOICES = 128

# Vendors' own ways to bind an answer to a grammar (vLLM, SGLang, llama.cpp).
_GRAMMARS = (
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "json_schema",
    "regex",
    "ebnf",
    "grammar",
)

_TYPES: Types = {
    "stream": BOOLEAN,
    "stream_options": OBJECT,
    "response_format": OBJECT,
    "tools": LIST,
    "functions": LIST,
}


def decode_request(body: bytes) -> Request | Failure:
    """The request, or a failure of kind INVALID that names the field and the remedy."""
    value = parse_body(body)
    if isinstance(value, Failure):
        return value
    return _fault(value) or _request(value)


def _request(body: dict[str, Any]) -> Request:
    options = body.get("stream_options") or {}
    stream = bool(body.get("stream"))
    return Request(
        dialect="chat",
        model=body["model"],
        body=body,
        surface=Surface.APPEND_ONLY if stream else Surface.NONE,
        choices=1 if body.get("n") is None else body["n"],
        tools=bool(body.get("tools") or body.get("functions")),
        structured=_is_structured(body),
        include_usage=options.get("include_usage") is True,
        language=language_of(body["messages"]),
    )


def _fault(body: Mapping[str, Any]) -> Failure | None:
    return (
        model_fault(body)
        or messages_fault(body)
        or type_fault(body, _TYPES)
        or _choices_fault(body)
    )


def _choices_fault(body: Mapping[str, Any]) -> Failure | None:
    n = body.get("n")
    if n is None:
        return None
    remedy = (
        f"send a whole number from 1 to {MOST_CHOICES}",
        f"请发送 1 到 {MOST_CHOICES} 之间的整数",
    )
    if not isinstance(n, int) or isinstance(n, bool):
        return wrong_type("n", n, remedy)
    if not 1 <= n <= MOST_CHOICES:
        return out_of_range("n", remedy)
    return None


def _is_structured(body: Mapping[str, Any]) -> bool:
    wanted = body.get("response_format") or {}
    return wanted.get("type", "text") != "text" or any(body.get(name) for name in _GRAMMARS)


def language_of(messages: Sequence[Mapping[str, Any]]) -> Literal["zh", "en"]:
    """The language to address the model in: that of the last words of the user."""
    users = (message for message in reversed(messages) if message.get("role") == "user")
    return bodies.language_of(map(_words, users))


def _words(message: Mapping[str, Any]) -> str:
    return " ".join(piece.text for piece in pieces({"content": message.get("content")}))
