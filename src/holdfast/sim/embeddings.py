"""Embeddings, as far as a gateway that passes them on can be tried with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .catalogue import PLAYERS, STREAM_ONLY
from .error_answers import JSON
from .habits import Habits
from .scene import Actions, Scene, as_json, with_body
from .script import Behaviour, refused
from .speech import ChatVoice, Speech

_SIZE = 8


def embed(body: Mapping[str, Any], behaviour: Behaviour, serial: int) -> Actions:
    """Equal texts are given equal vectors; a fault plays as it does for a whole answer."""
    given = body.get("input")
    texts = given if isinstance(given, list) else [given]
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(str(text))}
        for index, text in enumerate(texts)
    ]
    count = sum(len(str(text)) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    whole = {"object": "list", "data": data, "model": body.get("model"), "usage": usage}
    fault, request_id = behaviour.turns[0], f"req_sim_{serial:06d}"
    if fault.name == "ok":
        return with_body(200, JSON, as_json(whole), request_id)
    if fault.name in STREAM_ONLY:
        message = f"{fault.name} is a fault of streams"
        return refused("chat", 400, message, None, request_id)
    voice = ChatVoice(id="", model=str(body.get("model")))
    said = Speech(voice, (), (({"data": data},),), "stop", usage, whole)
    scene = Scene(said, Habits(), stream=False, request_id=request_id, after=0)
    return PLAYERS[fault.name](scene)


def _vector(text: str) -> list[float]:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return [byte / 255 for byte in digest[:_SIZE]]
