"""A request as this dialect's upstreams are asked: from the beginning, or from what was released.

The client's body goes out as it came, but for what has to differ: the model's name, streaming,
words that the target does not know, and the messages that a continuation adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.attempt import How, Target
from ...core.request import Request
from ..asking import bearer, headers, limits
from ..dialect import EncodedRequest
from ..instruction import instruction
from ..jsontext import dumps
from .wording import worded

PATH = "/chat/completions"

# What a target takes to continue the last message: beside its text, and beside the messages.
_PREFILL_MARKS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "prefill:prefix": ({"prefix": True}, {}),
    "prefill:partial": ({"partial": True}, {}),
    "prefill:vllm": ({}, {"continue_final_message": True, "add_generation_prompt": False}),
    "prefill:plain": ({}, {}),
}
_LIMITS = ("max_tokens", "max_completion_tokens")


def encode_request(request: Request, target: Target, how: How, released: str) -> EncodedRequest:
    asked = worded(request.body, target.quirks)
    body = {**asked, "model": target.model, "stream": True}
    partial = released.rstrip()  # trailing white space is refused by some, and the splice adds it
    if partial and how is How.PREFILL:
        body |= _prefilled(body, target, partial)
    elif partial and how is How.INSTRUCT:
        answer = _joined(body, {"role": "assistant", "content": partial}, target)
        said = {"role": "user", "content": instruction(released, request.language)}
        body["messages"] = [*answer, said]
    if partial and how is not How.START:
        body |= limits(body, _LIMITS, released)
    return EncodedRequest(PATH, headers(target, bearer(target), request.headers), dumps(body))


def _prefilled(body: Mapping[str, Any], target: Target, partial: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": partial}
    beside: dict[str, Any] = {}
    for quirk, (in_message, in_body) in _PREFILL_MARKS.items():
        if quirk in target.quirks:
            message |= in_message
            beside |= in_body
    return {"messages": _joined(body, message, target), **beside}


def _joined(body: Mapping[str, Any], message: dict[str, Any], target: Target) -> list[Any]:
    """The messages and `message`, as one with an answer that the client had begun itself.

    A target that echoes what it was given has already told the client's beginning again.
    """
    messages = list(body.get("messages") or ())
    last = messages[-1] if messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant" or last.get("tool_calls"):
        return [*messages, message]
    begun = last.get("content")
    if not isinstance(begun, str):
        return [*messages, message]
    if "echoes_prefix" not in target.quirks:
        return [*messages[:-1], {**last, **message, "content": begun + message["content"]}]
    if message["content"].startswith(begun):
        return [*messages[:-1], {**last, **message}]
    return [*messages, message]
