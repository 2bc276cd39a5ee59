"""Gemini's OpenAI-compatible endpoint, whose habits are its own (November 2026)."""

from __future__ import annotations

import json
from typing import Any

from tests.wire.relay import HEAD, crossed, request

from holdfast.core.events import (
    Finished,
    ReasoningDelta,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.wire import DIALECTS, SERVED
from holdfast.wire.dialect import ErrorAnswer

SIGNATURE = {"google": {"thought_signature": "sig-1"}}
QUOTA = [
    {
        "error": {
            "code": 429,
            "message": "You exceeded your current quota.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"},
            ],
        }
    }
]


def events(*chunks: Any) -> list[StreamEvent | Failure]:
    decoder = DIALECTS["chat"].decoder("text/event-stream")
    data = b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    return [*decoder.receive_data(data + b"data: [DONE]\n\n"), *decoder.receive_eof()]


def call(name: str, **more: Any) -> dict[str, Any]:
    """A whole call in one delta, without an index and without an id of its own."""
    function = {"name": name, "arguments": "{}"}
    return {"id": "", "type": "function", "function": function, **more}


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"id": "g", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def test_calls_without_an_index_are_told_apart() -> None:
    found = events(
        chunk({"role": "assistant", "tool_calls": [call("look"), call("listen")]}),
        chunk({}, "stop"),
    )
    calls = [event for event in found if isinstance(event, ToolCallDelta)]
    assert [(c.index, c.name, c.arguments) for c in calls if c.name] == [
        (0, "look", ""),
        (1, "listen", ""),
    ]
    assert len({c.id for c in calls if c.id}) == 2
    assert found[-1] == Finished(StopReason.TOOL_CALLS, word="stop")


def test_a_signature_comes_back_to_a_client_of_chat_and_to_no_other() -> None:
    found = events(
        chunk({"tool_calls": [call("look", extra_content=SIGNATURE)]}), chunk({}, "tool_calls")
    )
    said = [event for event in found if not isinstance(event, Failure)]
    answer = SERVED["chat"].assembler(HEAD, request("chat"))
    answer.add(said)
    message = json.loads(answer.answer(None))["choices"][0]["message"]
    assert message["tool_calls"][0]["extra_content"] == SIGNATURE
    calls = [event for event in crossed(found) if isinstance(event, ToolCallDelta)]
    assert all(event.extra is None for event in calls)


def test_an_error_in_a_list_is_an_error() -> None:
    body = json.dumps(QUOTA).encode()
    host = "generativelanguage.googleapis.com"
    for dialect in ("chat", "responses", "messages"):
        answer = ErrorAnswer(429, {}, body, host, Phase.HEADERS, 0.0)
        failure = DIALECTS[dialect].classify(answer)
        assert failure.kind in (Kind.QUOTA, Kind.RATE_LIMITED)
        assert failure.retry_after == 37


def test_so_it_is_in_the_place_of_a_stream() -> None:
    decoder = DIALECTS["chat"].decoder("application/json")
    items = [*decoder.receive_data(json.dumps(QUOTA).encode()), *decoder.receive_eof()]
    (failure,) = items
    assert isinstance(failure, Failure)
    assert failure.kind in (Kind.QUOTA, Kind.RATE_LIMITED)


THOUGHT = {"extra_content": {"google": {"thought": True}}}


def thinking() -> list[dict[str, Any]]:
    """As it streams with `include_thoughts`: the tag is closed where the answer begins."""
    return [
        chunk({"role": "assistant", "content": "<thought>**Weighing", **THOUGHT}),
        chunk({"content": " it**\n", **THOUGHT}),
        chunk({"content": "</thought>Yes"}),
        chunk({"content": "."}),
        chunk({}, "stop"),
    ]


def said(host: str) -> tuple[str, str]:
    decoder = DIALECTS["chat"].decoder("text/event-stream", host)
    data = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in thinking())
    items = [*decoder.receive_data(data + b"data: [DONE]\n\n"), *decoder.receive_eof()]
    thought = "".join(item.text for item in items if isinstance(item, ReasoningDelta))
    return thought, "".join(item.text for item in items if isinstance(item, TextDelta))


def test_what_it_thinks_is_told_from_what_it_says() -> None:
    assert said("generativelanguage.googleapis.com") == ("**Weighing it**\n", "Yes.")


def test_elsewhere_a_tag_of_that_name_may_be_the_answer() -> None:
    assert said("gateway.example") == ("", "<thought>**Weighing it**\n</thought>Yes.")
