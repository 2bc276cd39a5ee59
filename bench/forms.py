"""The same answer in the three dialects: how it is asked, what the fake model says, what is whole.

As in `answers`, both ends share this file, and nothing of Holdfast is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from . import answers
from .answers import Plan, text, tokens

SYSTEM = "You are a plain and patient assistant."
_USED = 9  # tokens of the question

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """A dialect. `ask` makes a question of what was said by turns, the person first; `events` is
    the model's stream; the flaws are empty where an answer is whole."""

    path: str
    ask: Callable[[Sequence[str]], Json]
    events: Callable[[Plan], list[bytes]]
    flaw_of_document: Callable[[bytes, Plan], str]
    flaw_of_stream: Callable[[bytes, Plan], str]


def _messages(said: Sequence[str]) -> list[Json]:
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": words} for place, words in enumerate(said)]


def _event(kind: str, **members: object) -> bytes:
    data = msgspec.json.encode({"type": kind, **members})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def _data(body: bytes) -> list[bytes]:
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    return [line[5:].strip() for line in lines if line.startswith(b"data:")]


# Chat completions.


def _chat_question(said: Sequence[str]) -> Json:
    return {"messages": [{"role": "system", "content": SYSTEM}, *_messages(said)]}


# Responses.


def _response(plan: Plan, status: str, **members: object) -> Json:
    head = {"id": "resp_bench", "object": "response", "created_at": 1_700_000_000}
    return {**head, "model": plan.model, "status": status, "output": [], "usage": None, **members}


def _responses_events(plan: Plan) -> list[bytes]:
    where = {"item_id": "msg_bench", "output_index": 0, "content_index": 0}
    item: Json = {"id": "msg_bench", "type": "message", "role": "assistant", "content": []}
    part: Json = {"type": "output_text", "annotations": [], "text": ""}
    whole = {**part, "text": text(plan)}
    done = {**item, "status": "completed", "content": [whole]}
    count = {"input_tokens": _USED, "output_tokens": plan.chunks}
    usage = {**count, "total_tokens": _USED + plan.chunks}
    begun, ended = _response(plan, "in_progress"), _response(plan, "completed", output=[done])
    told: list[tuple[str, Json]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": item}),
        ("response.content_part.added", {**where, "part": part}),
        *(("response.output_text.delta", {**where, "delta": token}) for token in tokens(plan)),
        ("response.output_text.done", {**where, "text": text(plan)}),
        ("response.content_part.done", {**where, "part": whole}),
        ("response.output_item.done", {"output_index": 0, "item": done}),
        ("response.completed", {"response": {**ended, "usage": usage}}),
    ]
    return [_event(kind, sequence_number=n, **members) for n, (kind, members) in enumerate(told)]


class _Part(msgspec.Struct):
    text: str | None = None


class _Item(msgspec.Struct):
    content: list[_Part] = []


class _Response(msgspec.Struct):
    status: str = ""
    output: list[_Item] = []


class _ResponseEvent(msgspec.Struct):
    type: str = ""
    delta: str = ""
    response: _Response | None = None


_RESPONSE = msgspec.json.Decoder(_Response)
_RESPONSE_EVENT = msgspec.json.Decoder(_ResponseEvent)


def _response_flaw(response: _Response | None, plan: Plan) -> str:
    if response is None or response.status != "completed":
        return "not completed"
    said = "".join(part.text or "" for item in response.output for part in item.content)
    return "" if said == text(plan) else "another text"


def _responses_document_flaw(body: bytes, plan: Plan) -> str:
    try:
        return _response_flaw(_RESPONSE.decode(body), plan)
    except msgspec.DecodeError:
        return "not the JSON of an answer"


def _responses_stream_flaw(body: bytes, plan: Plan) -> str:
    try:
        events = [_RESPONSE_EVENT.decode(each) for each in _data(body)]
    except msgspec.DecodeError:
        return "an event that is not JSON"
    if not events or events[-1].type != "response.completed":
        return "no response.completed"
    if "".join(event.delta for event in events) != text(plan):
        return "another text"
    return _response_flaw(events[-1].response, plan)


# Messages.


def _messages_question(said: Sequence[str]) -> Json:
    return {"max_tokens": 4096, "system": SYSTEM, "messages": _messages(said)}


def _messages_events(plan: Plan) -> list[bytes]:
    usage = {"input_tokens": _USED, "output_tokens": 1}
    head = {"id": "msg_bench", "type": "message", "role": "assistant", "model": plan.model}
    message: Json = {
        **head,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    block = {"type": "text", "text": ""}
    deltas = [{"type": "text_delta", "text": token} for token in tokens(plan)]
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        _event("message_start", message=message),
        _event("content_block_start", index=0, content_block=block),
        *(_event("content_block_delta", index=0, delta=delta) for delta in deltas),
        _event("content_block_stop", index=0),
        _event("message_delta", delta=ended, usage={"output_tokens": plan.chunks}),
        _event("message_stop"),
    ]


class _Delta(msgspec.Struct):
    text: str = ""
    stop_reason: str | None = None


class _MessageEvent(msgspec.Struct):
    type: str = ""
    delta: _Delta | None = None


class _Message(msgspec.Struct):
    content: list[_Part] = []
    stop_reason: str | None = None


_MESSAGE = msgspec.json.Decoder(_Message)
_MESSAGE_EVENT = msgspec.json.Decoder(_MessageEvent)


def _messages_document_flaw(body: bytes, plan: Plan) -> str:
    try:
        message = _MESSAGE.decode(body)
    except msgspec.DecodeError:
        return "not the JSON of an answer"
    if "".join(part.text or "" for part in message.content) != text(plan):
        return "another text"
    return "" if message.stop_reason == "end_turn" else "no stop_reason"


def _messages_stream_flaw(body: bytes, plan: Plan) -> str:
    try:
        events = [_MESSAGE_EVENT.decode(each) for each in _data(body)]
    except msgspec.DecodeError:
        return "an event that is not JSON"
    if not events or events[-1].type != "message_stop":
        return "no message_stop"
    deltas = [event.delta for event in events if event.delta]
    if "".join(delta.text for delta in deltas) != text(plan):
        return "another text"
    reasons = [delta.stop_reason for delta in deltas if delta.stop_reason]
    return "" if reasons == ["end_turn"] else "no stop_reason"


CHAT = Form(
    "/v1/chat/completions",
    _chat_question,
    lambda plan: answers.events(plan, usage=True),
    answers.flaw_of_document,
    answers.flaw_of_stream,
)
FORMS: Mapping[str, Form] = {
    "chat": CHAT,
    "responses": Form(
        "/v1/responses",
        lambda said: {"instructions": SYSTEM, "input": _messages(said)},
        _responses_events,
        _responses_document_flaw,
        _responses_stream_flaw,
    ),
    "messages": Form(
        "/v1/messages",
        _messages_question,
        _messages_events,
        _messages_document_flaw,
        _messages_stream_flaw,
    ),
}
