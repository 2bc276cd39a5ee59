"""What a client of ours is given, read back by our own decoder: nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.failure import Failure, Kind
from holdfast.wire.chat.assemble import ChatAssembler
from holdfast.wire.chat.decode import ChatDecoder
from holdfast.wire.chat.serve import DONE, HEARTBEAT, ChatStream
from holdfast.wire.dialect import Head

HEAD = Head("REF", 1767225600, "gpt-5.5")

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
words = st.one_of(
    st.builds(TextDelta, texts),
    st.builds(ReasoningDelta, texts),
    st.builds(RefusalDelta, texts),
)
answers = st.tuples(
    st.lists(words, min_size=1, max_size=12),
    st.lists(st.dictionaries(texts, st.integers(), max_size=3), max_size=3),
    st.booleans(),
)


def _events(said: list[Any], calls: list[dict[str, int]]) -> list[StreamEvent]:
    tools = [
        ToolCallDelta(index, f"call_{index}", "f", json.dumps(arguments))
        for index, arguments in enumerate(calls)
    ]
    reason = StopReason.TOOL_CALLS if tools else StopReason.END
    return [*said, *tools, UsageReport(3, 4), Finished(reason)]


def _told(events: list[Any]) -> dict[str, Any]:
    """What the events amount to."""
    calls: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            call = calls.setdefault(event.index, ["", "", ""])
            call[0], call[1] = call[0] or event.id, call[1] or event.name
            call[2] += event.arguments
    return {
        "text": "".join(e.text for e in events if isinstance(e, TextDelta)),
        "thought": "".join(e.text for e in events if isinstance(e, ReasoningDelta)),
        "refusal": "".join(e.text for e in events if isinstance(e, RefusalDelta)),
        "calls": calls,
        "usage": [(e.input_tokens, e.output_tokens) for e in events if isinstance(e, UsageReport)],
        "end": [(e.reason, e.reasons) for e in events if isinstance(e, Finished)],
    }


def _decoded(data: bytes, content_type: str) -> list[Any]:
    decoder = ChatDecoder(content_type)
    return [*decoder.receive_data(data), *decoder.receive_eof()]


@given(answers)
def test_a_stream_is_read_back_as_it_was_meant(answer: Any) -> None:
    said, calls, counted = answer
    if isinstance(said[0], TextDelta) and said[0].text.lstrip().startswith("<"):
        said = [TextDelta("."), *said]  # else it might be taken for inline reasoning
    events = _events(said, calls)
    stream = ChatStream(HEAD, counted)
    data = b"".join(HEARTBEAT + stream.encode([event]) for event in events) + stream.finish(None)
    wanted = _told(events)
    if not counted:
        wanted["usage"] = []
    assert _told(_decoded(data, "text/event-stream")) == wanted
    assert data.endswith(DONE)


@given(answers)
def test_a_whole_message_is_read_back_as_it_was_meant(answer: Any) -> None:
    said, calls, _ = answer
    text = "".join(event.text for event in said if isinstance(event, TextDelta))
    if text.lstrip().startswith("<"):
        said = [TextDelta("."), *said]
    events = _events(said, calls)
    assembler = ChatAssembler(HEAD)
    assembler.add(events)
    assert _told(_decoded(assembler.answer(None), "application/json")) == _told(events)


def _chunks(data: bytes) -> list[Any]:
    blocks = [block for block in data.split(b"\n\n") if block.startswith(b"data: {")]
    return [json.loads(block[6:]) for block in blocks]


def test_the_role_is_said_once_per_choice_and_the_rest_is_the_same_in_all() -> None:
    stream = ChatStream(HEAD, include_usage=True)
    data = stream.encode(
        [TextDelta("a"), TextDelta("b"), TextDelta("c", 1), Finished(StopReason.END)]
    )
    chunks = _chunks(data)
    roles = [(c["choices"][0]["index"], c["choices"][0]["delta"].get("role")) for c in chunks[:3]]
    assert roles == [(0, "assistant"), (0, None), (1, "assistant")]
    assert {(c["id"], c["model"], c["created"], c["object"]) for c in chunks} == {
        ("chatcmpl-REF", "gpt-5.5", 1767225600, "chat.completion.chunk")
    }
    assert all(chunk["usage"] is None for chunk in chunks)
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, None, "stop", "stop"]


def test_usage_is_told_to_who_asked_for_it_only() -> None:
    for asked in (True, False):
        stream = ChatStream(HEAD, include_usage=asked)
        stream.encode([TextDelta("a"), UsageReport(3, 4, estimated=True), Finished(StopReason.END)])
        (*_, last) = [b"", *stream.finish(None).split(b"\n\n")[:-2]]
        usage = json.loads(last[6:])["usage"] if last else None
        assert usage == (
            {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "estimated": True}
            if asked
            else None
        )


def test_a_failure_ends_a_stream_without_the_end_marker() -> None:
    stream = ChatStream(HEAD, include_usage=False)
    stream.encode([TextDelta("a"), TextDelta("b", 1)])
    data = stream.fail({"message": "no", "type": "upstream_error"})
    assert DONE not in data
    (chunk,) = _chunks(data)
    assert [choice["finish_reason"] for choice in chunk["choices"]] == ["error", "error"]
    failure = _decoded(data, "text/event-stream")[-1]
    assert isinstance(failure, Failure)  # another Holdfast that asks us takes it for one
    assert failure.kind is Kind.BAD_GATEWAY


@pytest.mark.parametrize("extension", [None, {"ref": "REF", "recovered": True}])
def test_what_is_ours_stands_in_a_place_of_its_own(extension: Any) -> None:
    stream, assembler = ChatStream(HEAD, include_usage=False), ChatAssembler(HEAD)
    events: list[StreamEvent] = [TextDelta("a"), Finished(StopReason.END)]
    chunks = _chunks(stream.encode(events) + stream.finish(extension))
    assembler.add(events)
    whole = json.loads(assembler.answer(extension))
    assert [c["holdfast"] for c in chunks if "holdfast" in c] == [extension] * bool(extension)
    assert whole.get("holdfast") == extension
    assert all(chunk["choices"] for chunk in chunks)


def test_fields_without_a_name_of_ours_go_back_to_where_they_came_from() -> None:
    logprobs = {"content": [{"token": "a"}]}
    sent = {
        "id": "x",
        "citations": ["c"],
        "choices": [
            {"index": 0, "delta": {"content": "a", "annotations": [1]}, "logprobs": logprobs}
        ],
    }
    finish = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    data = b"".join(b"data: " + json.dumps(part).encode() + b"\n\n" for part in (sent, finish))
    events = _decoded(data + DONE, "text/event-stream")
    (first, *_) = _chunks(ChatStream(HEAD, include_usage=False).encode(events))
    assert first["citations"] == ["c"]
    assert first["choices"][0]["delta"]["annotations"] == [1]
    assert first["choices"][0]["logprobs"] == logprobs
