"""A response as JSON (OpenAI's Responses API, streamed and whole), piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .answers import ToolCall, pieces
from .continuation import Reply
from .dice import Dice
from .habits import Habits, Reasoning
from .library import REASONING
from .speech import CREATED, Payload, Speech, counts

_WORDS = {"length": "max_output_tokens", "content_filter": "content_filter"}


@dataclass(slots=True)
class _Item:
    """An output item under way."""

    index: int
    item: Payload
    said: list[str] = field(default_factory=list)

    @property
    def where(self) -> Payload:
        return {"item_id": self.item["id"], "output_index": self.index}


@dataclass(frozen=True, slots=True)
class ResponsesVoice:
    """What is the same in every event of one response."""

    id: str
    model: str
    ends: tuple[bytes, ...] = ()
    named: bool = True
    dialect: str = "responses"
    background: bool = False

    def response(self, status: str, output: list[Payload], **members: Any) -> Payload:
        return {
            "id": self.id,
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": self.background,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": self.model,
            "output": output,
            "parallel_tool_calls": True,
            "service_tier": "default",
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": None,
            **members,
        }

    def opening(self) -> tuple[Payload, ...]:
        begun = self.response("in_progress", [])
        created = {"type": "response.created", "sequence_number": 0, "response": begun}
        return (created, {**created, "type": "response.in_progress", "sequence_number": 1})

    def closing(
        self, told: Iterable[Iterable[Payload]], finish: str, usage: Payload | None
    ) -> tuple[Payload, ...]:
        """What closes the open item, and the end of the response."""
        status = "completed" if finish in ("stop", "tool_calls") else "incomplete"
        output, current, number = _so_far(told)
        events = _closers(current, status) if current else []
        if current:
            output.append(events[-1]["item"])
        reason = {"reason": _WORDS.get(finish, finish)} if status == "incomplete" else None
        members = {"incomplete_details": reason, "usage": usage}
        response = self.response(status, output, **members)
        return _numbered([*events, {"type": f"response.{status}", "response": response}], number)

    def error(self, error: Any) -> Payload:
        """How the vendor reports a failure of its own inside the stream."""
        said = error if isinstance(error, dict) else {"code": None, "message": error}
        told = {name: value for name, value in said.items() if name != "param"}
        code = said.get("code") or said.get("type")
        failed = self.response("failed", [], error={**told, "code": code})
        return {"type": "response.failed", "sequence_number": 999, "response": failed}

    def named_error(self) -> Payload:
        said = {"code": "server_is_overloaded", "message": "Our servers are overloaded."}
        return {"type": "error", "sequence_number": 999, **said, "param": None}

    def broken_call(
        self, told: Iterable[Iterable[Payload]], name: str, arguments: str
    ) -> tuple[Payload, ...]:
        output, current, number = _so_far(told)
        closers = _closers(current, "completed") if current else []
        index = len(output) + bool(current)
        call = _Item(index, _fresh("function_call", index, ToolCall("call_cut", name, "")))
        delta = {"type": "response.function_call_arguments.delta", **call.where, "delta": arguments}
        done = self.response("completed", output)
        last = {"type": "response.completed", "response": done}
        return _numbered([*closers, _added(call), delta, last], number)


def response_id(serial: int) -> str:
    return f"resp_sim_{serial:06d}"


def speech(
    request: Mapping[str, Any], reply: Reply, habits: Habits, dice: Dice, serial: int
) -> Speech:
    """`reply` in the words of this dialect; `serial` makes its id."""
    kept = request.get("background") is True
    voice = ResponsesVoice(response_id(serial), str(request.get("model")), background=kept)
    thought = REASONING[reply.language] if habits.reasoning and not reply.prefilled else ""
    inline = bool(thought) and habits.reasoning is Reasoning.THINK
    text = f"<think>\n{thought}\n</think>\n\n{reply.text}" if inline else reply.text
    parts: list[tuple[str, str, ToolCall | None]] = [
        *([("reasoning", thought, None)] if thought and not inline else []),
        *([("message", text, None)] if text else []),
        *(("function_call", call.arguments, call) for call in reply.calls),
    ]
    told: list[list[Payload]] = []
    closers: list[Payload] = []
    for index, (kind, said, call) in enumerate(parts):
        current = _Item(index, _fresh(kind, index, call))
        opening = [*closers, *_opened(current)]
        for piece in pieces(said, habits.chunk, dice):
            current.said.append(piece)
            told.append([*opening, _delta(current, piece)])
            opening = []
        closers = _closers(current, "completed")
    number = 2
    numbered = []
    for events in told:
        numbered.append(_numbered(events, number))
        number += len(events)
    count = counts(request, thought, reply)
    usage = {
        "input_tokens": count.input,
        "input_tokens_details": {"cached_tokens": count.cached},
        "output_tokens": count.output,
        "output_tokens_details": {"reasoning_tokens": count.reasoning},
        "total_tokens": count.input + count.output,
    }
    finish = "tool_calls" if reply.calls else "stop"
    whole = voice.closing(numbered, finish, usage)[-1]["response"]
    return Speech(
        voice=voice,
        opening=voice.opening(),
        pieces=tuple(numbered),
        finish=finish,
        usage=usage,
        whole=whole,
    )


def _numbered(events: Iterable[Payload], first: int) -> tuple[Payload, ...]:
    return tuple(
        {"type": event["type"], "sequence_number": first + place, **event}
        for place, event in enumerate(events)
    )


def _so_far(told: Iterable[Iterable[Payload]]) -> tuple[list[Payload], _Item | None, int]:
    """Finished items, the one under way, and the next sequence number."""
    output: list[Payload] = []
    current: _Item | None = None
    number = 2
    for event in (event for piece in told for event in piece):
        number += 1
        match event["type"].rsplit(".", 1):
            case [_, "added"] if "item" in event:
                current = _Item(event["output_index"], event["item"])
            case [_, "delta"] if current:
                current.said.append(event["delta"])
            case [_, "done"] if "item" in event:
                output.append(event["item"])
                current = None
            case _:
                continue
    return output, current, number


def _fresh(kind: str, index: int, call: ToolCall | None) -> Payload:
    match kind:
        case "reasoning":
            return {"id": f"rs_sim_{index}", "type": kind, "summary": []}
        case "message":
            plain = {"role": "assistant", "status": "in_progress", "content": []}
            return {"id": f"msg_sim_{index}", "type": kind, **plain}
        case _:
            assert call
            said = {"call_id": call.id, "name": call.name, "arguments": ""}
            return {"id": f"fc_sim_{index}", "type": kind, "status": "in_progress", **said}


def _added(current: _Item) -> Payload:
    where = {"output_index": current.index, "item": current.item}
    return {"type": "response.output_item.added", **where}


def _opened(current: _Item) -> list[Payload]:
    match current.item["type"]:
        case "reasoning":
            place = {**current.where, "summary_index": 0}
            part = {"type": "summary_text", "text": ""}
            added = {"type": "response.reasoning_summary_part.added", **place, "part": part}
            return [_added(current), added]
        case "message":
            place = {**current.where, "content_index": 0}
            part = _text_part("")
            return [
                _added(current),
                {"type": "response.content_part.added", **place, "part": part},
            ]
        case _:
            return [_added(current)]


def _text_part(said: str) -> Payload:
    return {"type": "output_text", "text": said, "annotations": [], "logprobs": []}


def _delta(current: _Item, piece: str) -> Payload:
    match current.item["type"]:
        case "reasoning":
            kind, place = "reasoning_summary_text", {"summary_index": 0}
        case "message":
            kind, place = "output_text", {"content_index": 0}
        case _:
            kind, place = "function_call_arguments", {}
    logprobs: Payload = {"logprobs": []} if kind == "output_text" else {}
    where = {**current.where, **place}
    return {"type": f"response.{kind}.delta", **where, "delta": piece, **logprobs}


def _closers(current: _Item, status: str) -> list[Payload]:
    said, item = "".join(current.said), current.item
    where = current.where
    match item["type"]:
        case "reasoning":
            place = {**where, "summary_index": 0}
            part = {"type": "summary_text", "text": said}
            done = [
                {"type": "response.reasoning_summary_text.done", **place, "text": said},
                {"type": "response.reasoning_summary_part.done", **place, "part": part},
            ]
            item = {**item, "summary": [part], "encrypted_content": "gAAAAsim"}
        case "message":
            place = {**where, "content_index": 0}
            part = _text_part(said)
            done = [
                {"type": "response.output_text.done", **place, "text": said, "logprobs": []},
                {"type": "response.content_part.done", **place, "part": part},
            ]
            item = {**item, "status": status, "content": [part]}
        case _:
            name = {"name": item["name"], "arguments": said}
            done = [{"type": "response.function_call_arguments.done", **where, **name}]
            item = {**item, "status": status, "arguments": said}
    ended = {"type": "response.output_item.done", "output_index": current.index, "item": item}
    return [*done, ended]
