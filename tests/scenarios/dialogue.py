"""One question in every dialect that is streamed, and what is read out of an answer's bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.sim.habits import Habits
from holdfast.sim.script import expected

_DATA = re.compile(rb"^data: (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """`end` and `cut` stand in the last event of an answer that is whole, and of one that is not.
    `piece` is the text that an event adds.
    """

    path: str
    body: Mapping[str, Any]
    end: bytes
    cut: bytes
    piece: Callable[[Any], str]

    def spoken(self, stream: bytes) -> str:
        return "".join(self.piece(json.loads(data)) for data in _DATA.findall(stream))


def events(stream: bytes) -> bytes:
    """Without the signs of life, of which a reader on a slow machine gets more."""
    return stream.replace(b": hb\n", b"")


def last_event(stream: bytes) -> bytes:
    return stream.rstrip(b"\n").rpartition(b"\n\n")[2]


def _of_chat(chunk: Any) -> str:
    return "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])


def _of_responses(event: Any) -> str:
    return event["delta"] if event["type"] == "response.output_text.delta" else ""


def _of_messages(event: Any) -> str:
    return event["delta"].get("text", "") if event["type"] == "content_block_delta" else ""


def dialogues(ask: str) -> Mapping[str, Dialogue]:
    said = [{"role": "user", "content": ask}]
    return {
        "chat": Dialogue(
            "/v1/chat/completions",
            {"messages": said, "stream": True},
            b"data: [DONE]",
            b'"error":{',
            _of_chat,
        ),
        "responses": Dialogue(
            "/v1/responses",
            {"input": ask, "stream": True},
            b"event: response.completed",
            b"event: response.failed",
            _of_responses,
        ),
        "messages": Dialogue(
            "/v1/messages",
            {"messages": said, "max_tokens": 4096, "stream": True},
            b"event: message_stop",
            b"event: error",
            _of_messages,
        ),
    }


def text_of(ask: str) -> str:
    """What the simulator answers."""
    return expected({"messages": [{"role": "user", "content": ask}]}, Habits())
