"""A request as this dialect's upstreams are asked: from the beginning, or from what was released.

The client's body goes out as it came, but for what has to differ: the model's name, streaming,
words that the target does not know, the messages that a continuation adds, and reasoning that no
vendor has signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.attempt import How, Target
from ...core.request import Request
from ..asking import Headers, headers, limits
from ..dialect import EncodedRequest
from ..fields import table, tables, whole
from ..instruction import instruction
from ..jsontext import dumps
from .wording import worded

PATH = "/messages"
VERSION = "2023-06-01"


def encode_request(request: Request, target: Target, how: How, released: str) -> EncodedRequest:
    asked = worded(request.body, target.quirks)
    body = {**asked, "model": target.model, "stream": True}
    messages = list(body.get("messages") or ())
    if not any(one.place == "block" for one in target.returned):
        messages = list(map(_signed, messages))
    partial = released.rstrip()  # white space at the end is refused
    if partial and how is not How.START:
        messages = _joined(messages, partial)
        if how is How.INSTRUCT:
            told = instruction(released, request.language)
            messages.append({"role": "user", "content": told})
        body |= _left(body, released)
    return EncodedRequest(
        PATH, headers(target, _own(target), request.headers), dumps({**body, "messages": messages})
    )


def _left(body: Mapping[str, Any], released: str) -> dict[str, int]:
    """What is left of the limit, unless reasoning, which must fit below it, needs it all."""
    left = limits(body, ("max_tokens",), released)
    budget = whole(table(body, "thinking"), "budget_tokens") or 0
    return {name: limit for name, limit in left.items() if limit > budget}


def _own(target: Target) -> Headers:
    secret = target.credential.secret
    return (*((("x-api-key", secret),) if secret else ()), ("anthropic-version", VERSION))


def _signed(message: Any) -> Any:
    """The message without reasoning that came from elsewhere: it would be refused."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return message
    blocks = tables(message, "content")
    kept = [block for block in blocks if block.get("type") != "thinking" or block.get("signature")]
    return {**message, "content": kept} if len(kept) < len(blocks) and kept else message


def _joined(messages: list[Any], partial: str) -> list[Any]:
    """The messages and the partial answer, as one with an answer that the client had begun."""
    last = messages[-1] if messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return [*messages, {"role": "assistant", "content": partial}]
    return [*messages[:-1], {**last, "content": _with(last, partial)}]


def _with(message: Mapping[str, Any], partial: str) -> Any:
    content = message.get("content")
    if isinstance(content, str):
        return content + partial
    blocks = tables(message, "content")
    last = blocks[-1] if blocks else {}
    if last.get("type") == "text":
        return [*blocks[:-1], {**last, "text": f"{last.get('text') or ''}{partial}"}]
    return [*blocks, {"type": "text", "text": partial}]
