"""A request as this dialect's upstreams are asked: from the beginning, or from what was released.

The client's body goes out as it came, but for what has to differ: the model's name, streaming,
and the items that a continuation adds.
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
from . import codex

PATH = "/responses"


def encode_request(request: Request, target: Target, how: How, released: str) -> EncodedRequest:
    body = {**request.body, "model": target.model, "stream": True}
    partial = released.rstrip()
    if partial and how is not How.START:
        begun = [_message("assistant", "output_text", partial)]
        if how is How.INSTRUCT:
            told = instruction(released, request.language)
            begun.append(_message("user", "input_text", told))
        body["input"] = [*_items(body), *begun]
        body |= limits(body, ("max_output_tokens",), released)
    own = bearer(target)
    if codex.QUIRK in target.quirks:
        body = codex.adapted({**body, "input": _items(body)})
        own = (*own, *codex.headers(target.credential.secret))
    return EncodedRequest(PATH, headers(target, own), dumps(body))


def _items(body: Mapping[str, Any]) -> list[Any]:
    given = body.get("input")
    if isinstance(given, str):
        return [_message("user", "input_text", given)]
    return list(given or ())


def _message(role: str, kind: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}
