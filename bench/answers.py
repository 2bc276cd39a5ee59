"""What the fake model says, and whether an answer that arrived is whole.

Both ends share this file: the upstream sends `text(plan)` and the load generator accepts
nothing less. The model's name carries the plan, so that it passes through any gateway.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

import msgspec

# Tokens as models cut them: some outside ASCII, some that JSON must escape.
_TOKENS = (" the", " answer", " holds", " on", ", 答案", "还在", ".\n", ' "so"', " it", " goes")
FIRST_TOKEN = "Listen:"
_CREATED = 1_700_000_000
_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model answers: in how many chunks of text, and how fast.

    `pace` is in milliseconds between chunks: None puts the whole answer into one write, 0 gives
    every chunk a write of its own as fast as they go.
    """

    chunks: int
    pace: int | None = None

    @property
    def model(self) -> str:
        """The name that asks for this plan, e.g. "burst-20", "tick-200", "paced-10-100"."""
        if self.pace is None:
            return f"burst-{self.chunks}"
        return f"paced-{self.chunks}-{self.pace}" if self.pace else f"tick-{self.chunks}"

    @classmethod
    def of(cls, model: str) -> Plan:
        """The plan in a name. Raises ValueError for a name that holds none."""
        match model.split("-"):
            case ["burst", chunks]:
                return cls(int(chunks))
            case ["tick", chunks]:
                return cls(int(chunks), 0)
            case ["paced", chunks, pace]:
                return cls(int(chunks), int(pace))
            case _:
                raise ValueError(model)


def tokens(plan: Plan) -> list[str]:
    """The pieces of the answer, one to a chunk."""
    return [FIRST_TOKEN, *islice(cycle(_TOKENS), plan.chunks - 1)]


def text(plan: Plan) -> str:
    return "".join(tokens(plan))


def _usage(plan: Plan) -> dict[str, int]:
    return {"prompt_tokens": 9, "completion_tokens": plan.chunks, "total_tokens": plan.chunks + 9}


def _chunk(plan: Plan, choices: list[dict[str, object]], **extra: object) -> bytes:
    head = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": plan.model,
    }
    return b"data: %b\n\n" % msgspec.json.encode(head | {"choices": choices} | extra)


def events(plan: Plan, *, usage: bool) -> list[bytes]:
    """The answer as server-sent events; the first holds the role and the first token."""

    def choice(delta: dict[str, str], reason: str | None = None) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "finish_reason": reason}]

    opening = _chunk(plan, choice({"role": "assistant", "content": ""}))
    pieces = [_chunk(plan, choice({"content": token})) for token in tokens(plan)]
    closing = _chunk(plan, choice({}, "stop"))
    counted = _chunk(plan, [], usage=_usage(plan)) if usage else b""
    return [opening + pieces[0], *pieces[1:], closing + counted + b"data: %b\n\n" % _DONE]


def document(plan: Plan) -> bytes:
    """The answer as one JSON body."""
    message = {"role": "assistant", "content": text(plan)}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": _CREATED,
            "model": plan.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _usage(plan),
        }
    )


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Said | None = None
    message: _Said | None = None
    finish_reason: str | None = None


class _Body(msgspec.Struct):
    choices: list[_Choice] = []
    error: object = None


_DECODER = msgspec.json.Decoder(_Body)


def flaw_of_document(body: bytes, plan: Plan) -> str:
    """Why this JSON answer is not the whole one; empty when it is."""
    try:
        answer = _DECODER.decode(body)
    except msgspec.DecodeError:
        return "not the JSON of an answer"
    if len(answer.choices) != 1 or answer.error is not None:
        return "an error for an answer"
    choice = answer.choices[0]
    if choice.message is None or choice.message.content != text(plan):
        return "another text"
    return "" if choice.finish_reason == "stop" else "no finish_reason"


def flaw_of_stream(body: bytes, plan: Plan) -> str:
    """Why this stream is not the whole answer; empty when it is."""
    lines = body.replace(b"\r\n", b"\n").split(b"\n")
    data = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    if not data or data[-1] != _DONE:
        return "no [DONE]"
    try:
        chunks = [_DECODER.decode(each) for each in data[:-1]]
    except msgspec.DecodeError:
        return "a chunk that is not JSON"
    if any(chunk.error is not None for chunk in chunks):
        return "an error event"
    choices = [choice for chunk in chunks for choice in chunk.choices]
    said = "".join(choice.delta.content or "" for choice in choices if choice.delta)
    if said != text(plan):
        return "another text"
    reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
    return "" if reasons == ["stop"] else "no finish_reason"
