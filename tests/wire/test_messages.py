"""Messages in transcripts: what upstreams send, and what clients of the dialect are given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.wire.relay import HEAD, crossed, events_of, request, streamed, whole

from holdfast.core.attempt import Credential, How, Target
from holdfast.core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.failure import Failure, Kind, Phase
from holdfast.core.request import Request
from holdfast.wire import DIALECTS, SERVED

Payload = dict[str, Any]

USAGE = {"input_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 1}
START = {
    "type": "message_start",
    "message": {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "theirs",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**USAGE, "output_tokens": 1},
        "container": {"id": "c_1"},
    },
}
STOP = {"type": "message_stop"}


def block(index: int, **content: Any) -> Payload:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **content: Any) -> Payload:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **content}}


def end(index: int) -> Payload:
    return {"type": "content_block_stop", "index": index}


def stopped(reason: str | None, **more: Any) -> Payload:
    told = {"stop_reason": reason, "stop_sequence": None, **more}
    return {"type": "message_delta", "delta": told, "usage": {"output_tokens": 7}}


def text(index: int, *pieces: str) -> list[Payload]:
    deltas = [delta(index, "text_delta", text=piece) for piece in pieces]
    return [block(index, type="text", text=""), *deltas, end(index)]


def test_text_usage_with_the_cache_counted_in_and_the_end() -> None:
    ping = {"type": "ping"}
    events: list[Payload] = [START, ping, *text(0, "Hold", "fast"), stopped("end_turn"), STOP]
    assert crossed(events_of("messages", events)) == [
        TextDelta("Hold"),
        TextDelta("fast"),
        UsageReport(10, 7, cached_tokens=4, cache_write_tokens=1),
        Finished(StopReason.END),
    ]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("max_tokens", StopReason.LENGTH),
        ("stop_sequence", StopReason.END),
        ("refusal", StopReason.CONTENT_FILTER),
        ("model_context_window_exceeded", StopReason.LENGTH),
        ("pause_turn", StopReason.END),
    ],
)
def test_stop_reasons_and_their_own_words(word: str, reason: StopReason) -> None:
    found = events_of("messages", [START, *text(0, "x"), stopped(word, stop_sequence="END"), STOP])
    assert crossed(found)[-1] == Finished(reason)
    told = whole("messages", found)
    assert (told["stop_reason"], told["stop_sequence"]) == (word, "END")


def test_arguments_for_a_block_of_words_are_those_of_the_last_call() -> None:
    events = [
        START,
        block(0, type="text", text="Let me look."),
        block(1, type="tool_use", id="t", name="look", input={}),
        delta(0, "input_json_delta", partial_json='{"x":1}'),
        stopped("tool_use"),
        STOP,
    ]
    content = whole("messages", events_of("messages", events))["content"]
    assert content[1]["input"] == {"x": 1}


def test_a_tool_call_in_fragments_and_one_without_arguments() -> None:
    events = [
        START,
        block(0, type="tool_use", id="t1", name="look", input={}),
        delta(0, "input_json_delta", partial_json='{"a":'),
        delta(0, "input_json_delta", partial_json="1}"),
        end(0),
        block(1, type="tool_use", id="t2", name="listen", input={}),
        end(1),
        stopped("tool_use"),
        STOP,
    ]
    found = events_of("messages", events)
    blocks = whole("messages", found)["content"]
    assert [(b["id"], b["name"], b["input"]) for b in blocks] == [
        ("t1", "look", {"a": 1}),
        ("t2", "listen", {}),
    ]
    assert crossed(found)[-1] == Finished(StopReason.TOOL_CALLS)


def test_an_error_after_a_200() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for before, phase in (([START], Phase.FIRST), ([START, *text(0, "x")], Phase.STREAM)):
        failure = events_of("messages", [*before, error])[-1]
        assert isinstance(failure, Failure)
        assert (failure.kind, failure.phase) == (Kind.OVERLOADED, phase)


@pytest.mark.parametrize("ending", [[], [STOP], [stopped("end_turn")], [stopped(None), STOP]])
def test_without_a_stop_reason_and_message_stop_it_is_not_whole(ending: list[Payload]) -> None:
    failure = events_of("messages", [START, *text(0, "x"), *ending])[-1]
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.TRUNCATED


# Of the same dialect: what we have no words for passes through.


def test_signed_thoughts_hosted_tools_and_citations_pass_through() -> None:
    citation = {"type": "web_search_result_location", "url": "https://utö.invalid"}
    events = [
        START,
        block(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm."),
        delta(0, "signature_delta", signature="sig-1"),
        end(0),
        block(1, type="redacted_thinking", data="xyz"),
        end(1),
        block(2, type="server_tool_use", id="s1", name="web_search", input={}),
        delta(2, "input_json_delta", partial_json='{"query":"Utö"}'),
        end(2),
        block(3, type="web_search_tool_result", tool_use_id="s1", content=[]),
        end(3),
        block(4, type="text", text="", citations=[]),
        delta(4, "text_delta", text="Hold"),
        delta(4, "citations_delta", citation=citation),
        end(4),
        *text(5, "fast"),
        stopped("end_turn"),
        STOP,
    ]
    found = events_of("messages", events)
    expected = [
        {"type": "thinking", "thinking": "Hm.", "signature": "sig-1"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "Utö"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
        {"type": "text", "text": "Hold", "citations": [citation]},
        {"type": "text", "text": "fast"},
    ]
    told = whole("messages", found)
    assert told["content"] == expected
    assert (told["id"], told["model"], told["container"]) == ("msg_01REF", "mine", {"id": "c_1"})
    payloads = streamed("messages", found)
    indexes = [p["index"] for p in payloads if p["type"] == "content_block_start"]
    assert indexes == [0, 1, 2, 3, 4, 5]
    assert [p["index"] for p in payloads if p["type"] == "content_block_stop"] == indexes
    assert payloads[0]["message"]["usage"]["input_tokens"] == 5
    neutral = crossed(found)
    assert not any(isinstance(event, Foreign) for event in neutral)
    assert [e for e in neutral if isinstance(e, ReasoningDelta)] == [ReasoningDelta("Hm.")]


def test_a_hosted_tool_is_open_until_its_result_is_there() -> None:
    events = [
        START,
        block(0, type="server_tool_use", id="s1", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json="{}"),
        end(0),
        block(1, type="web_search_tool_result", tool_use_id="s1", content=[]),
        end(1),
    ]
    found = [event for event in events_of("messages", events) if isinstance(event, Foreign)]
    assert [event.open for event in found if event.content] == [True] * 4 + [False]


def test_two_trains_of_thought_are_two_blocks() -> None:
    events = [
        START,
        block(0, type="thinking", thinking=""),
        delta(0, "thinking_delta", thinking="One."),
        delta(0, "signature_delta", signature="sig-1"),
        end(0),
        block(1, type="thinking", thinking=""),
        delta(1, "thinking_delta", thinking="Two."),
        delta(1, "signature_delta", signature="sig-2"),
        end(1),
        *text(2, "x"),
        stopped("end_turn"),
        STOP,
    ]
    found = events_of("messages", events)
    blocks = whole("messages", found)["content"]
    assert [(b.get("thinking"), b.get("signature")) for b in blocks[:2]] == [
        ("One.", "sig-1"),
        ("Two.", "sig-2"),
    ]
    texts = [event.text for event in crossed(found) if isinstance(event, ReasoningDelta)]
    assert texts == ["One.", "\n\n", "Two."]


@pytest.mark.parametrize(
    ("said", "told"),
    [("end_turn", "tool_use"), ("tool_use", "tool_use"), ("pause_turn", "pause_turn")],
)
def test_calls_are_never_told_as_the_end_of_a_turn(said: str, told: str) -> None:
    """Agents look for calls where the stop reason says so."""
    call = [block(0, type="tool_use", id="t", name="f", input={}), end(0)]
    events = events_of("messages", [START, *call, stopped(said), STOP])
    assert whole("messages", events)["stop_reason"] == told
    assert [p["delta"]["stop_reason"] for p in streamed("messages", events)[-2:-1]] == [told]


# Served over another dialect.


def test_the_events_of_a_message_that_came_from_elsewhere() -> None:
    items: list[StreamEvent] = [
        ReasoningDelta("Hm."),
        TextDelta("Hold"),
        TextDelta(" fast"),
        ToolCallDelta(0, "c1", "look", '{"a":1}'),
        UsageReport(9, 7, cached_tokens=4),
        Finished(StopReason.TOOL_CALLS),
    ]
    told = streamed("messages", items)
    assert [payload["type"] for payload in told] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert told[-2]["delta"]["stop_reason"] == "tool_use"
    assert told[-2]["usage"]["input_tokens"] == 5
    assert told[-2]["usage"]["cache_read_input_tokens"] == 4


def test_a_refusal_is_text_and_says_that_it_is_one() -> None:
    told = whole("messages", [RefusalDelta("No."), Finished(StopReason.END)])
    assert told["content"] == [{"type": "text", "text": "No."}]
    assert told["stop_reason"] == "refusal"


def test_an_error_is_told_in_the_words_of_the_dialect() -> None:
    writer = SERVED["messages"].stream(HEAD, request("messages"))
    ours = {"ref": "01REF", "kind": "overloaded"}
    error = {"message": "busy", "type": "upstream_error", "code": "x", "holdfast": ours}
    told = writer.fail(error)
    assert told.startswith(b"event: error\ndata: ")
    body = json.loads(told.split(b"data: ")[1])
    assert body["error"]["type"] == "overloaded_error"
    assert body["error"]["holdfast"] == ours
    assert body["request_id"] == "01REF"


# Asked of an upstream.

TARGET = Target("a/claude", dialect="messages", model="claude", credential=Credential("k", "key"))
ASK = {"model": "mine", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]}


def asked(body: Payload, how: How = How.START, released: str = "") -> Payload:
    encoded = DIALECTS["messages"].encode_request(
        Request("messages", "mine", body), TARGET, how, released
    )
    assert dict(encoded.headers)["x-api-key"] == "key"
    assert dict(encoded.headers)["anthropic-version"]
    sent: Payload = json.loads(encoded.body)
    return sent


def test_the_body_goes_out_as_it_came() -> None:
    body = {**ASK, "tomorrow": {"a": 1}, "top_k": 5}
    assert asked(body) == {**body, "model": "claude", "stream": True}


def test_a_prefill_ends_the_messages_without_white_space() -> None:
    sent = asked(ASK, How.PREFILL, "Hold fast \n")
    assert sent["messages"][-1] == {"role": "assistant", "content": "Hold fast"}
    assert sent["max_tokens"] < 100


def test_an_instruction_follows_the_partial_answer() -> None:
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Well: "}]
    sent = asked({**ASK, "messages": turns}, How.INSTRUCT, "Hold")
    _, partial, told = sent["messages"]
    assert partial == {"role": "assistant", "content": "Well: Hold"}
    assert told["role"] == "user"
    assert "Hold" in told["content"]


def test_thoughts_that_nobody_signed_are_not_sent_to_those_who_check() -> None:
    unsigned = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    signed = {"type": "thinking", "thinking": "Hm.", "signature": "sig-1"}
    words = {"type": "text", "text": "x"}
    turns = [{"role": "assistant", "content": [unsigned, signed, words]}]
    assert asked({**ASK, "messages": turns})["messages"][0]["content"] == [signed, words]


def test_what_is_told_with_the_end_stays_in_its_place() -> None:
    """Context edits stand beside the delta, Bedrock's metrics in the last event."""
    edits, metrics = {"applied_edits": [{"type": "clear"}]}, {"inputTokenCount": 8}
    told = {**stopped("end_turn", container={"id": "c_2"}), "context_management": edits}
    last = {**STOP, "amazon-bedrock-invocationMetrics": metrics}
    items = events_of("messages", [START, block(0, type="text", text="Hi"), end(0), told, last])
    *_, ending, stop = streamed("messages", items)
    assert ending["context_management"] == edits
    assert ending["delta"]["container"] == {"id": "c_2"}
    assert "context_management" not in ending["delta"]
    assert stop == last
    assert whole("messages", items)["context_management"] == edits
