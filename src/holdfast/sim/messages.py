"""A message as JSON (Anthropic's Messages API, streamed and whole), piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .answers import ToolCall, pieces
from .continuation import Reply
from .dice import Dice
from .habits import Habits, Reasoning
from .library import REASONING
from .speech import Payload, Speech, counts

_WORDS = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
}
# The vendor's own words for what the catalogue says in OpenAI's.
_TYPES = {
    "server_error": "api_error",
    "requests": "rate_limit_error",
    "invalid_request_error": "invalid_request_error",
}


@dataclass(frozen=True, slots=True)
class MessagesVoice:
    """What is the same in every event of one message."""

    id: str
    model: str
    usage: Payload
    ends: tuple[bytes, ...] = ()
    named: bool = True
    dialect: str = "messages"

    def message(self, content: list[Payload], reason: str | None, usage: Payload) -> Payload:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage,
        }

    def opening(self) -> tuple[Payload, ...]:
        begun = self.message([], None, {**self.usage, "output_tokens": 1})
        return ({"type": "message_start", "message": begun}, {"type": "ping"})

    def closing(
        self, told: Iterable[Iterable[Payload]], finish: str, usage: Payload | None
    ) -> tuple[Payload, ...]:
        content, open_index = _so_far(told)
        closers = [] if open_index is None else _closers(content[open_index], open_index)
        delta = {"stop_reason": _WORDS.get(finish, finish), "stop_sequence": None}
        counted = {"output_tokens": (usage or self.usage)["output_tokens"]}
        last = {"type": "message_delta", "delta": delta, "usage": counted}
        return (*closers, last, {"type": "message_stop"})

    def error(self, error: Any) -> Payload:
        """How the vendor reports a failure of its own inside the stream."""
        if not isinstance(error, dict):
            return {"type": "error", "error": error}
        kind = str(error.get("type"))
        told: Payload = {"type": _TYPES.get(kind, kind), "message": error.get("message")}
        if kind == "invalid_request_error":
            told["code"] = error.get("code")
        if "metadata" in error:
            told |= {"code": error.get("code"), "metadata": error["metadata"]}
        return {"type": "error", "error": told}

    def named_error(self) -> Payload:
        error = {"type": "overloaded_error", "message": "Overloaded"}
        return {"type": "error", "error": error, "request_id": "req_sim"}

    def broken_call(
        self, told: Iterable[Iterable[Payload]], name: str, arguments: str
    ) -> tuple[Payload, ...]:
        content, open_index = _so_far(told)
        closers = [] if open_index is None else _closers(content[open_index], open_index)
        index = len(content)
        block = _fresh("tool_use", ToolCall("toolu_cut", name, ""))
        broken = [
            {"type": "content_block_start", "index": index, "content_block": block},
            _delta("tool_use", index, arguments),
            {"type": "content_block_stop", "index": index},
        ]
        ended = self.closing((), "tool_calls", None)
        return (*closers, *broken, *ended)


def speech(
    request: Mapping[str, Any], reply: Reply, habits: Habits, dice: Dice, serial: int
) -> Speech:
    """`reply` in the words of this dialect; `serial` makes its id."""
    thought = REASONING[reply.language] if habits.reasoning and not reply.prefilled else ""
    count = counts(request, thought, reply)
    usage = {
        "input_tokens": count.input - count.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": count.cached,
        "output_tokens": count.output,
    }
    voice = MessagesVoice(f"msg_sim_{serial:06d}", str(request.get("model")), usage)
    inline = bool(thought) and habits.reasoning is Reasoning.THINK
    text = f"<think>\n{thought}\n</think>\n\n{reply.text}" if inline else reply.text
    parts: list[tuple[str, str, ToolCall | None]] = [
        *([("thinking", thought, None)] if thought and not inline else []),
        *([("text", text, None)] if text else []),
        *(("tool_use", call.arguments, call) for call in reply.calls),
    ]
    told: list[tuple[Payload, ...]] = []
    closers: list[Payload] = []
    for index, (kind, said, call) in enumerate(parts):
        block = _fresh(kind, call)
        start = {"type": "content_block_start", "index": index, "content_block": block}
        opening = [*closers, start]
        for piece in pieces(said, habits.chunk, dice):
            told.append((*opening, _delta(kind, index, piece)))
            opening = []
        closers = _closers(block, index)
    finish = "tool_calls" if reply.calls else "stop"
    content = [_whole(block) for block in _so_far(told)[0]]
    return Speech(
        voice=voice,
        opening=voice.opening(),
        pieces=tuple(told),
        finish=finish,
        usage=usage,
        whole=voice.message(content, _WORDS[finish], usage),
    )


def _so_far(told: Iterable[Iterable[Payload]]) -> tuple[list[Payload], int | None]:
    """The blocks, and which of them is open."""
    content: list[Payload] = []
    open_index = None
    for event in (event for piece in told for event in piece):
        match event["type"]:
            case "content_block_start":
                content.append({**event["content_block"], "said": ""})
                open_index = event["index"]
            case "content_block_delta":
                content[-1]["said"] += next(iter(list(event["delta"].values())[1:]), "")
            case _:
                open_index = None
    return content, open_index


def _whole(block: Payload) -> Payload:
    said = block["said"]
    match block["type"]:
        case "tool_use":
            return {**_without_said(block), "input": json.loads(said)}
        case "thinking":
            return {**_without_said(block), "thinking": said, "signature": "sig-sim"}
        case kind:
            return {**_without_said(block), kind: said}


def _without_said(block: Payload) -> Payload:
    return {name: value for name, value in block.items() if name != "said"}


def _fresh(kind: str, call: ToolCall | None) -> Payload:
    match kind:
        case "thinking":
            return {"type": kind, "thinking": "", "signature": ""}
        case "text":
            return {"type": kind, "text": ""}
        case _:
            assert call
            return {"type": kind, "id": call.id, "name": call.name, "input": {}}


_DELTAS = {
    "thinking": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "tool_use": ("input_json_delta", "partial_json"),
}


def _delta(kind: str, index: int, piece: str) -> Payload:
    word, name = _DELTAS[kind]
    return {"type": "content_block_delta", "index": index, "delta": {"type": word, name: piece}}


def _closers(block: Payload, index: int) -> list[Payload]:
    stop = {"type": "content_block_stop", "index": index}
    if block["type"] != "thinking":
        return [stop]
    signed = {"type": "signature_delta", "signature": "sig-sim"}
    return [{"type": "content_block_delta", "index": index, "delta": signed}, stop]
