"""Answers in the Responses and Messages dialects that bend the rules, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from holdfast.core.events import Finished, StopReason, TextDelta, ToolCallDelta
from holdfast.core.failure import Failure, Kind
from holdfast.wire import DIALECTS

Event = dict[str, Any]


def events_of(dialect: str, parts: Sequence[Event]) -> list[Any]:
    decoder = DIALECTS[dialect].decoder("text/event-stream")
    lines = [b"data: %b\n\n" % json.dumps(part).encode() for part in parts]
    return [*decoder.receive_data(b"".join(lines)), *decoder.receive_eof()]


def body_of(dialect: str, body: Mapping[str, Any]) -> list[Any]:
    decoder = DIALECTS[dialect].decoder("application/json")
    return [*decoder.receive_data(json.dumps(body).encode()), *decoder.receive_eof()]


def told(events: Sequence[Any]) -> tuple[str, str, Any]:
    """The text, the arguments of all calls, and how it ended: a stop reason or a kind."""
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    calls = "".join(event.arguments for event in events if isinstance(event, ToolCallDelta))
    last = events[-1]
    assert isinstance(last, Finished | Failure)
    return text, calls, last.reason if isinstance(last, Finished) else last.kind


CREATED: Event = {"type": "response.created", "response": {"id": "r", "status": "in_progress"}}


def delta(text: str, index: int = 0) -> Event:
    return {"type": "response.output_text.delta", "output_index": index, "delta": text}


def item(index: int) -> Event:
    return {
        "type": "response.output_item.added",
        "output_index": index,
        "item": {"type": "message", "content": []},
    }


def message(*parts: Any) -> Event:
    return {"type": "message", "content": list(parts)}


def ended(status: str, *output: Event, **more: Any) -> Event:
    response = {"id": "r", "status": status, "output": list(output), **more}
    return {"type": "response.completed", "response": response}


def named(id: str, said: str) -> list[Event]:
    """An item at the index 0, as all are."""
    place: Event = {"output_index": 0, "item_id": id}
    return [
        {**item(0), "item": {"type": "message", "id": id, "content": []}},
        *({"type": "response.output_text.delta", **place, "delta": one} for one in said),
        {"type": "response.output_text.done", **place, "text": said},
    ]


AB = {"type": "output_text", "text": "ab"}
CD = {"type": "output_text", "text": "cd"}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": {"a": 1}}
_LIMIT = {"code": "rate_limit_exceeded", "message": "slow"}


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        # The status counts, whatever the event is called.
        ([delta("a"), ended("failed", error=_LIMIT)], ("a", "", Kind.RATE_LIMITED)),
        ([ended("failed", status_details={"error": _LIMIT})], ("", "", Kind.RATE_LIMITED)),
        ([ended("cancelled")], ("", "", Kind.TRUNCATED)),
        (
            [delta("a"), ended("incomplete", incomplete_details={"reason": "max_output_tokens"})],
            ("a", "", StopReason.LENGTH),
        ),
        # Indexes of the stream that are not those of the last response.
        (
            [item(3), delta("a", 3), delta("b", 3), ended("completed", message(AB))],
            ("ab", "", StopReason.END),
        ),
        (
            [item(1), delta("a", 1), ended("completed", {"type": "reasoning"}, message(AB))],
            ("ab", "", StopReason.END),
        ),
        # One index for all items, which only their ids tell apart.
        (
            [
                *named("a", "ab"),
                *named("b", "cd"),
                ended("completed", {**message(AB), "id": "a"}, {**message(CD), "id": "b"}),
            ],
            ("ab\n\ncd", "", StopReason.END),
        ),
        (
            [
                {"type": "response.output_item.done", "output_index": 0, "item": item}
                for item in ({**message(AB), "id": "a"}, {**message(CD), "id": "b"})
            ]
            + [ended("completed", {**message(AB), "id": "a"}, {**message(CD), "id": "b"})],
            ("ab\n\ncd", "", StopReason.END),
        ),
        # Text and arguments in other places, told only at the end.
        ([ended("completed", output_text="ab")], ("ab", "", StopReason.END)),
        ([delta("ab"), ended("completed", output_text="ab")], ("ab", "", StopReason.END)),
        ([ended("completed", {"type": "message", "content": "ab"})], ("ab", "", StopReason.END)),
        ([ended("completed", message({**AB, "type": "text"}))], ("ab", "", StopReason.END)),
        ([ended("completed", CALL)], ("", '{"a":1}', StopReason.TOOL_CALLS)),
    ],
    ids=range(13),
)
def test_responses(stream: list[Event], expected: tuple[str, str, Any]) -> None:
    assert told(events_of("responses", [CREATED, *stream])) == expected


START: Event = {"type": "message_start", "message": {"id": "m", "content": []}}
STOP: list[Event] = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
]
TOOL = {
    "type": "content_block_start",
    "index": 0,
    "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
}
OBJECT = {"type": "input_json_delta", "partial_json": {"a": 1}}


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (
            [{"type": "content_block_delta", "delta": {"text": "ab"}}, *STOP],
            ("ab", "", StopReason.END),
        ),
        (
            [TOOL, {"type": "content_block_delta", "index": 0, "delta": OBJECT}, *STOP],
            ("", '{"a":1}', StopReason.TOOL_CALLS),
        ),
        ([{"type": "message_stop", "stop_reason": "max_tokens"}], ("", "", StopReason.LENGTH)),
        ([{"modelStreamErrorException": {"message": "overloaded"}}], ("", "", Kind.OVERLOADED)),
    ],
    ids=range(4),
)
def test_messages(stream: list[Event], expected: tuple[str, str, Any]) -> None:
    assert told(events_of("messages", [START, *stream])) == expected


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("responses", {"status": "completed", "output": [message(AB)]}),
        ("messages", {"content": [{"type": "text", "text": "ab"}], "stop_reason": "end_turn"}),
        ("messages", {"type": "message", "content": "ab", "stop_reason": "end_turn"}),
    ],
)
def test_bodies(dialect: str, body: Event) -> None:
    assert told(body_of(dialect, body)) == ("ab", "", StopReason.END)


def test_the_names_of_events_stand_in_for_types() -> None:
    decoder = DIALECTS["messages"].decoder("text/event-stream")
    block = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "ab"}}
    events: list[Any] = []
    for event in (START, block, *STOP):
        said = json.dumps({name: held for name, held in event.items() if name != "type"})
        events += decoder.receive_data(f"event: {event['type']}\ndata: {said}\n\n".encode())
    assert told(events) == ("ab", "", StopReason.END)


CHAT = {"id": "c", "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("asked", "first", "found"),
    [
        ("responses", CHAT, "chat"),
        ("messages", CHAT, "chat"),
        ("chat", CREATED, "responses"),
        ("messages", CREATED, "responses"),
        ("chat", START, "messages"),
        ("chat", {"object": "response", "status": "completed", "output": []}, "responses"),
    ],
)
def test_an_answer_in_another_dialect_says_what_is_wrong(
    asked: str, first: Event, found: str
) -> None:
    for events in (events_of(asked, [first]), body_of(asked, first)):
        failure = events[-1]
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.PROTOCOL
        assert f"in the dialect {found}" in failure.detail


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("content_filter: PROHIBITED_CONTENT", StopReason.CONTENT_FILTER),
        ("content_filter", StopReason.CONTENT_FILTER),
        ("SAFETY", StopReason.CONTENT_FILTER),
        ("guardrail_intervened", StopReason.CONTENT_FILTER),
        ("length", StopReason.LENGTH),
        ("max_tokens", StopReason.LENGTH),
        ("stop", StopReason.END),
        ("eos_token", StopReason.END),
        ("who: knows", StopReason.END),
    ],
)
def test_a_reason_is_understood_in_the_words_of_any_vendor(word: str, reason: StopReason) -> None:
    chunks = [
        {"choices": [{"index": 0, "delta": {"content": "a"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": word}]},
    ]
    said = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}}
    ending = {"type": "message_delta", "delta": {"stop_reason": word}, "usage": {}}
    message: list[Event] = [
        {"type": "message_start", "message": {}},
        said,
        ending,
        {"type": "message_stop"},
    ]
    assert told(events_of("chat", chunks)) == ("a", "", reason)
    assert told(events_of("messages", message)) == ("a", "", reason)


@pytest.mark.parametrize("reason", ["content_filter", "safety", "max_output_tokens", "other"])
def test_an_incomplete_response_is_never_told_as_a_complete_one(reason: str) -> None:
    last = ended("incomplete", incomplete_details={"reason": reason})
    (text, _, end) = told(events_of("responses", [CREATED, item(0), delta("a"), last]))
    filtered = reason in ("content_filter", "safety")
    assert (text, end) == ("a", StopReason.CONTENT_FILTER if filtered else StopReason.LENGTH)


NOTICE: Event = {"message": "The rate limit is near: please wait in line"}


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        # A sentence outside the answer explains its end if nothing of the answer follows it.
        ([delta("a"), NOTICE], ("a", "", Kind.RATE_LIMITED)),
        ([NOTICE, delta("a")], ("a", "", Kind.TRUNCATED)),
        ([NOTICE, delta("a"), ended("completed")], ("a", "", StopReason.END)),
        ([delta("a"), {"message": "Please hold the line"}], ("a", "", Kind.TRUNCATED)),
        # An error in a form of no dialect, whatever its `type` is.
        (
            [delta("a"), {"object": "error", "type": "NotFoundError", "message": "no such model"}],
            ("a", "", Kind.NOT_FOUND),
        ),
        ([delta("a"), {"type": "codex.rate_limits", "rate_limits": {}}], ("a", "", Kind.TRUNCATED)),
    ],
)
def test_words_outside_the_answer(stream: list[Event], expected: tuple[str, str, Any]) -> None:
    assert told(events_of("responses", [CREATED, *stream])) == expected


def test_a_page_among_the_events_is_told_by_its_title() -> None:
    page = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>x</body></html>"
    decoder = DIALECTS["responses"].decoder("text/event-stream")
    begun = [b"data: %b\n\n" % json.dumps(part).encode() for part in (CREATED, delta("a"))]
    items = [*decoder.receive_data(b"".join(begun) + page), *decoder.receive_eof()]
    failure = items[-1]
    assert isinstance(failure, Failure)
    assert failure.detail.endswith("between the events: 502 Bad Gateway")


def test_arguments_in_doubt_are_told_where_the_model_was_stopped() -> None:
    """They may be JSON in a JSON string, of which nobody will see the end."""
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    begun: list[Event] = [
        {"type": "content_block_start", "index": 0, "content_block": call},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": '"{'},
        },
    ]
    end: list[Event] = [
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        {"type": "message_stop"},
    ]
    assert told(events_of("messages", [*begun, *end])) == ("", '"{', StopReason.LENGTH)
    started: list[Event] = [
        {"type": "response.output_item.added", "output_index": 0, "item": _CALL},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '"{'},
    ]
    response = {"status": "incomplete", "output": []}
    last: Event = {"type": "response.incomplete", "response": response}
    assert told(events_of("responses", [*started, last])) == ("", '"{', StopReason.LENGTH)


_CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": ""}


# An answer that begins again in the middle of itself.

_MESSAGE: Event = {"type": "message_start", "message": {"id": "m", "usage": {}}}
_WORDS: Event = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": "Hold"},
}


_CHUNKS = [
    {"id": "c", "choices": [{"index": 0, "delta": each}]}
    for each in ({"role": "assistant", "content": ""}, {"content": "Ho"}, {"content": "ld"})
]


def test_chunks_that_begin_again_under_another_id_are_broken() -> None:
    again = [{**chunk, "id": "another"} for chunk in _CHUNKS]
    assert told(events_of("chat", [*_CHUNKS, *again])) == ("Hold", "", Kind.PROTOCOL)


def test_who_gives_each_chunk_an_id_and_a_role_begins_once() -> None:
    said = [
        {"id": f"c{n}", "choices": [{"index": 0, "delta": {"role": "assistant", "content": each}}]}
        for n, each in enumerate(["Ho", "ld ", "fa", "st"])
    ]
    ended = {"id": "end", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    assert told(events_of("chat", [*said, ended])) == ("Hold fast", "", StopReason.END)


@pytest.mark.parametrize(
    ("dialect", "begun", "words"),
    [("messages", _MESSAGE, _WORDS), ("responses", CREATED, delta("Hold"))],
)
def test_an_answer_that_begins_again_after_words_is_broken(
    dialect: str, begun: Event, words: Event
) -> None:
    """A proxy has asked once more behind our back: its words would be told twice."""
    again = {**begun, next(iter(begun.keys() - {"type"})): {"id": "another"}}
    assert told(events_of(dialect, [begun, words, again, words])) == ("Hold", "", Kind.PROTOCOL)


@pytest.mark.parametrize(
    ("dialect", "begun", "words"),
    [("messages", _MESSAGE, _WORDS), ("responses", CREATED, delta("Hold"))],
)
def test_before_any_words_it_may_begin_as_often_as_it_likes(
    dialect: str, begun: Event, words: Event
) -> None:
    events = events_of(dialect, [begun, begun, words])
    assert told(events) == ("Hold", "", Kind.TRUNCATED)


# Events that were spoiled on their way.


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-2], lambda data: data[:-3] + b"\xff" + data[-3:]],
    ids=("cut", "not UTF-8"),
)
@pytest.mark.parametrize(
    ("dialect", "events"),
    [
        ("messages", [_MESSAGE, _WORDS, _WORDS, {"type": "message_stop"}]),
        ("responses", [CREATED, delta("Hold"), delta("fast"), ended("completed")]),
        ("chat", [{"type": "delta", **chunk} for chunk in _CHUNKS]),
    ],
)
def test_an_event_that_cannot_be_read_leaves_no_hole(
    dialect: str, events: list[Event], spoil: Callable[[bytes], bytes]
) -> None:
    """A name does not make it one that may be passed over."""
    sent = [json.dumps(event).encode() for event in events]
    sent[2] = spoil(sent[2])
    pairs = zip(events, sent, strict=True)
    lines = [b"event: %b\ndata: %b\n\n" % (str(e["type"]).encode(), data) for e, data in pairs]
    decoder = DIALECTS[dialect].decoder("text/event-stream")
    text, _, kind = told(decoder.receive_data(b"".join(lines)))
    assert (text in ("Ho", "Hold"), kind) == (True, Kind.PROTOCOL)


def test_a_named_event_of_words_that_are_no_json_is_none_of_the_answer() -> None:
    decoder = DIALECTS["messages"].decoder("text/event-stream")
    line = b"event: message_start\ndata: %b\n\nevent: keep-alive\ndata: still here\n\n"
    events = decoder.receive_data(line % json.dumps(_MESSAGE).encode())
    assert not any(isinstance(event, Failure) for event in events)
