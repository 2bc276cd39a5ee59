"""A client of the upstream's own dialect is given what the upstream said: all of it, in its place.

`recorded` holds answers as vendors stream them; here each goes through decoder, reader and writer.
What is not passed on is listed here by name, and in docs/dialects.md.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from tests.resilience.actors import target
from tests.wire.recorded import BODIES, REQUESTS, STREAMS, Payload
from tests.wire.relay import HEAD

from holdfast.core.attempt import How, Target
from holdfast.core.events import StreamEvent
from holdfast.core.failure import Failure
from holdfast.core.request import Request, Surface
from holdfast.resilience.leg import Leg, says_nothing
from holdfast.resilience.reader import Reader
from holdfast.wire import DIALECTS, SERVED

Path = tuple[str, ...]

RECORDED = [(dialect, name) for dialect, streams in STREAMS.items() for name in streams]
NEWS = "what nobody knows yet"


def sse(dialect: str, events: Sequence[Payload]) -> bytes:
    lines = b"".join(
        (b"event: %b\n" % str(event["type"]).encode() if "type" in event else b"")
        + b"data: %b\n\n" % json.dumps(event).encode()
        for event in events
    )
    return lines + (b"data: [DONE]\n\n" if dialect == "chat" else b"")


def given(dialect: str, answer: bytes, surface: Surface) -> list[StreamEvent]:
    """All that the reader of a call is given of one attempt's `answer`."""
    decoder = DIALECTS[dialect].decoder("")
    reader, leg = Reader(surface), Leg(1, target("a"), How.START, 0.0)
    told: list[StreamEvent] = []
    for item in [*decoder.receive_data(answer), *decoder.receive_eof()]:
        assert not isinstance(item, Failure), item
        if not says_nothing(item):
            leg.hear(item, 0.0)
            sorted_out = reader.sort(leg, item)
            assert not isinstance(sorted_out, Failure)
            told += reader.give(leg, sorted_out)
    return [*told, *reader.end(leg, leg.usage)]


def asked(dialect: str, surface: Surface) -> Request:
    return Request(dialect, "mine", surface=surface, include_usage=True)


def streamed(dialect: str, answer: bytes) -> list[Payload]:
    events = given(dialect, answer, Surface.APPEND_ONLY)
    writer = SERVED[dialect].stream(HEAD, asked(dialect, Surface.APPEND_ONLY))
    written = b"".join(writer.encode([event]) for event in events) + writer.finish(None)
    blocks = (block.partition("data: ")[2] for block in written.decode().strip().split("\n\n"))
    return [json.loads(block) for block in blocks if block != "[DONE]"]


def whole(dialect: str, answer: bytes) -> Payload:
    events = given(dialect, answer, Surface.NONE)
    assembler = SERVED[dialect].assembler(HEAD, asked(dialect, Surface.NONE))
    assembler.add(events)
    body: Payload = json.loads(assembler.answer(None))
    return body


# What is Holdfast's own to say, in a stream that is otherwise as it was.


def _chat_as_told(chunks: Sequence[Payload]) -> list[Payload]:
    """Ours are the id and the model; reasoning has one name; a null says nothing."""
    told: list[Payload] = []
    for chunk in copy.deepcopy(list(chunks)):
        for choice in chunk["choices"]:
            delta = choice["delta"]
            if "reasoning" in delta:
                delta["reasoning_content"] = delta.pop("reasoning")
            if delta.get("role"):
                choice["delta"] = {"role": "assistant"}  # empty words and nulls are left out
        if not chunk["choices"]:
            del chunk["obfuscation"]  # it has no words to pad
        else:
            chunk["usage"] = None  # as is usual for who asks for it
        told.append({**chunk, "id": "chatcmpl-01REF", "model": "mine"})
    return told


def _responses_as_told(events: Sequence[Payload]) -> list[Payload]:
    """Ours are the id and the model, and what the request asked, where it is not repeated."""
    told: list[Payload] = []
    for event in copy.deepcopy(list(events)):
        if "response" in event:
            unasked = ("max_output_tokens", "max_tool_calls", "previous_response_id", "user")
            usual = {"temperature": 1.0, "top_p": 1.0, "truncation": "disabled"}
            ours = {"id": "resp_01REF", "model": "mine"}
            event["response"] = {
                **dict.fromkeys(unasked),
                **usual,
                **event["response"],
                **ours,
            }
        if event["type"] == "response.function_call_arguments.done":
            event["name"] = "f"
        told.append(event)
    return told


def _messages_as_told(events: Sequence[Payload]) -> list[Payload]:
    """Ours are the id and the model, and signs of life; the last usage counts everything, and
    arguments are told once they are whole.
    """
    told: list[Payload] = []
    for event in copy.deepcopy(list(events)):
        match event:
            case {"type": "ping"}:
                continue
            case {"type": "message_start"}:
                event["message"] |= {"id": "msg_01REF", "model": "mine"}
            case {"type": "message_delta"}:
                cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
                start = events[0]["message"]["usage"]
                event["usage"] = {**cached, **start, **event["usage"]}
            case {"delta": {"type": "input_json_delta", "partial_json": more}}:
                before = told[-1].get("delta", {})
                if "partial_json" in before:
                    before["partial_json"] += more
                    continue
            case _:
                pass
        told.append(event)
    return told


AS_TOLD: Mapping[str, Callable[[Sequence[Payload]], list[Payload]]] = {
    "chat": _chat_as_told,
    "responses": _responses_as_told,
    "messages": _messages_as_told,
}


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
def test_a_stream_is_told_event_by_event_as_it_came(dialect: str, name: str) -> None:
    recorded = STREAMS[dialect][name]
    assert streamed(dialect, sse(dialect, recorded)) == AS_TOLD[dialect](recorded)


# Members that nobody knows.


def objects(value: Any, path: Path = ()) -> Iterator[tuple[Payload, Path]]:
    if isinstance(value, dict):
        yield value, path
        for name, inside in list(value.items()):
            yield from objects(inside, (*path, name))
    elif isinstance(value, list):
        for inside in value:
            yield from objects(inside, (*path, "[]"))


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where `NEWS` stands in `value`."""
    if isinstance(value, dict):
        for inside in value.values():
            yield from [path] if inside == NEWS else places(inside, path_in(value, inside, path))
    elif isinstance(value, list):
        for inside in value:
            yield from places(inside, (*path, "[]"))


def path_in(holder: Mapping[str, Any], inside: Any, path: Path) -> Path:
    return (*path, next(name for name, held in holder.items() if held is inside))


def kind(event: Payload) -> str:
    return str(event.get("type", "chunk"))


def with_news(value: Any) -> Iterator[tuple[Any, Path]]:
    """`value` with a member more in one of its objects, for each of these; and its place."""
    for number, (_, path) in enumerate(objects(value)):
        changed = copy.deepcopy(value)
        holder, _ = list(objects(changed))[number]
        holder["tomorrow"] = NEWS
        yield changed, path


# What the model itself says is no place for members of the protocol.
_ARGUMENTS = ("content_block", "input")
# In these a member is told once; all others stand for things that are told again, as they go on.
_PASSING: Sequence[Path] = ((), ("delta",), ("choices", "[]"), ("choices", "[]", "delta"))


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
def test_a_member_of_tomorrow_stands_in_a_stream_where_it_stood(dialect: str, name: str) -> None:
    recorded = STREAMS[dialect][name]
    for at, event in enumerate(recorded):
        for changed, path in with_news(event):
            if path[-2:] == _ARGUMENTS:
                continue
            told = streamed(dialect, sse(dialect, [*recorded[:at], changed, *recorded[at + 1 :]]))
            found = [(kind(one), place) for one in told for place in places(one)]
            assert (kind(event), path) in found
            assert path not in _PASSING or len(found) == 1


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
def test_members_of_tomorrow_in_all_objects_at_once_all_arrive(dialect: str, name: str) -> None:
    changed = copy.deepcopy(STREAMS[dialect][name])
    holders = [found for event in changed for found in objects(event)]
    for number, (holder, path) in enumerate(holders):
        if path[-2:] != _ARGUMENTS:
            holder["tomorrow"] = number
    told = streamed(dialect, sse(dialect, changed))
    arrived = [holder["tomorrow"] for holder, _ in objects(told) if "tomorrow" in holder]
    put = [holder["tomorrow"] for holder, _ in holders if "tomorrow" in holder]
    assert set(put) == set(arrived)


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
def test_an_event_of_tomorrow_stands_where_it_stood(dialect: str, name: str) -> None:
    """In chat it is a chunk with nothing else in it."""
    recorded = STREAMS[dialect][name]
    news: Payload = {"choices": []} if dialect == "chat" else {"type": "tomorrow"}
    for at in range(len(recorded)):
        if _is_last(dialect, recorded[at - 1 :]):
            break
        event = {**news, "tomorrow": NEWS}
        told = streamed(dialect, sse(dialect, [*recorded[:at], event, *recorded[at:]]))
        (place,) = [number for number, one in enumerate(told) if one.get("tomorrow") == NEWS]
        rest = [*told[:place], *told[place + 1 :]]
        assert [kind(one) for one in rest] == [kind(one) for one in AS_TOLD[dialect](recorded)]


def _is_last(dialect: str, events: Sequence[Payload]) -> bool:
    """After its end an answer says nothing more."""
    return bool(events) and (
        any(choice["finish_reason"] for choice in events[0]["choices"])
        if dialect == "chat"
        else False
    )


# Answers in one body.


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
def test_a_member_of_tomorrow_stands_in_a_body_where_it_stood(dialect: str, name: str) -> None:
    for changed, path in with_news(BODIES[dialect][name]):
        if path[-1:] == ("input",):
            continue
        answer = json.dumps(changed).encode()
        assert path in places(whole(dialect, answer))
        assert any(map(places, streamed(dialect, answer)))


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
def test_what_a_stream_says_of_the_answer_stands_in_its_body(dialect: str, name: str) -> None:
    """What an event says of itself has no place there."""
    recorded = STREAMS[dialect][name]
    body = {path for _, path in objects(BODIES[dialect][name])}
    *_, last = [event for event in recorded if "response" in event] or [{}]
    for changed, path in with_news(last):
        if path[1:] in body and path:
            told = whole(dialect, sse(dialect, [*recorded[:-1], changed]))
            assert path[1:] in places(told)


# Requests.


@pytest.mark.parametrize("dialect", REQUESTS)
def test_a_request_goes_out_as_it_came(dialect: str) -> None:
    for changed, path in [(REQUESTS[dialect], None), *with_news(REQUESTS[dialect])]:
        request = SERVED[dialect].decode_request(json.dumps(changed).encode())
        assert isinstance(request, Request)
        upstream = Target("a", dialect=dialect, model="theirs")
        sent = json.loads(DIALECTS[dialect].encode_request(request, upstream, How.START, "").body)
        told = {**changed, "model": "theirs"}
        if dialect == "chat":
            told["stream_options"] = {**changed["stream_options"], "include_usage": True}
        assert sent == told
        assert path is None or path in places(sent)
