"""A request as this dialect's upstreams are asked: from the beginning, or from what was released.

The client's body goes out as it came, but for what has to differ: the model's name, streaming,
fields that the target does not know, and the items that a continuation adds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ...core.attempt import Continuation, How, Target
from ...core.events import Foreign, StreamEvent
from ...core.failure import Failure
from ...core.request import Request
from ..asking import bearer, headers, limits
from ..dialect import EncodedRequest
from ..fields import table, text
from ..instruction import instruction
from ..jsontext import dumps
from ..wording import left_out
from . import codex
from .words import LIFECYCLE

PATH = "/responses"


def encode_request(request: Request, target: Target, how: How, released: str) -> EncodedRequest:
    if how is How.NATIVE:
        path = f"{PATH}/{quote(target.resume, safe='')}?stream=true"
        return EncodedRequest(path, headers(target, bearer(target)), b"", "GET")
    asked = left_out(request.body, target.quirks)
    body = {**asked, "model": target.model, "stream": True}
    if target.continuation is Continuation.NATIVE and how is How.START:
        body |= _kept(request.body)
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
    return EncodedRequest(PATH, headers(target, own, request.headers), dumps(body))


def cancel_request(target: Target, response: str) -> EncodedRequest:
    """Ends a response that runs in the background; it may be told any number of times."""
    path = f"{PATH}/{quote(response, safe='')}/cancel"
    return EncodedRequest(path, headers(target, bearer(target)), b"")


def resumable(event: StreamEvent | Failure) -> str:
    """The id of the response that `event` begins, if the vendor will give it once more."""
    if not isinstance(event, Foreign) or event.extra.get("type") not in LIFECYCLE:
        return ""
    response = table(event.extra, "response")
    return text(response, "id") if response.get("background") is True else ""


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    """Asks the vendor to keep the response, unless the client itself has forbidden it.

    A body without a model is no client's own but a translation, and its `store` is ours.
    """
    if body.get("store") is False and "model" in body:
        return {}
    return {"background": True, "store": True}


def _items(body: Mapping[str, Any]) -> list[Any]:
    given = body.get("input")
    if isinstance(given, str):
        return [_message("user", "input_text", given)]
    return list(given or ())


def _message(role: str, kind: str, words: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": kind, "text": words}]}
