"""What must hold of every decoder, whatever bytes come and however they are cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.events import Finished, StreamEvent, TextDelta
from holdfast.core.failure import Failure, Kind
from holdfast.sim.actions import Send
from holdfast.sim.catalogue import FAULTS, PLAYERS
from holdfast.sim.dice import Dice
from holdfast.sim.script import parse, play
from holdfast.wire import DIALECTS, decode
from holdfast.wire.translate import neutral

SPOKEN = ("chat", "responses", "messages")
Items = list[StreamEvent | Failure]


def decoded(dialect: str, parts: Sequence[bytes], content_type: str = "text/event-stream") -> Items:
    """Everything the decoder says of these bytes, and then of their end."""
    decoder = DIALECTS[dialect].decoder(content_type)
    items: Items = []
    for part in parts:
        items += decoder.receive_data(part)
    items += decoder.receive_eof()
    failures = [place for place, item in enumerate(items) if isinstance(item, Failure)]
    assert failures in ([], [len(items) - 1]), "a failure is the last item, and there is one"
    return items


def body_of(dialect: str, model: str, question: str = "Please text:code and tool:look") -> bytes:
    """The bytes of a whole streamed answer, without its HTTP framing."""
    request = {
        "model": model,
        "stream": True,
        "messages": [{"role": "user", "content": question}],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
        "stream_options": {"include_usage": True},
    }
    actions = play(request, parse(model), Dice(0), dialect=dialect)
    sent = b"".join(action.data for action in actions if isinstance(action, Send))
    _, _, framed = sent.partition(b"\r\n\r\n")
    body = b""
    while framed:
        size, _, framed = framed.partition(b"\r\n")
        length = int(size or b"0", 16)
        body, framed = body + framed[:length], framed[length + 2 :]
    return body


_NAMES = st.sampled_from(
    (
        "type",
        "delta",
        "item",
        "response",
        "error",
        "output_index",
        "content_index",
        "index",
        "content_block",
        "message",
        "usage",
        "content",
        "output",
        "status",
        "arguments",
        "call_id",
        "name",
        "text",
        "choices",
        "tool_calls",
        "function",
        "summary",
        "annotation",
        "logprobs",
        "stop_reason",
        "incomplete_details",
        "code",
        "object",
        "part",
        "input_tokens",
        "input_tokens_details",
    )
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=12,
)
_TYPES = st.sampled_from(
    (
        "response.created",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_text.annotation.added",
        "response.refusal.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.delta",
        "response.web_search_call.searching",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "error",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "tomorrow",
    )
)
EVENTS = st.lists(
    st.builds(
        lambda kind, fields: {**fields, "type": kind},
        _TYPES,
        st.dictionaries(_NAMES, JSON, max_size=6),
    ),
    max_size=6,
)


@pytest.mark.parametrize("dialect", [*SPOKEN, "embeddings"])
@given(st.binary(max_size=400), st.sampled_from(["text/event-stream", "application/json", ""]))
def test_any_bytes_are_events_or_one_failure(dialect: str, data: bytes, kind: str) -> None:
    decoded(dialect, [data], kind)


@pytest.mark.parametrize("dialect", SPOKEN)
@given(EVENTS)
def test_any_events_of_any_dialect_are_understood_or_refused(
    dialect: str, events: list[dict[str, Any]]
) -> None:
    stream = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)
    items = decoded(dialect, [stream])
    neutral(items)


@pytest.mark.parametrize("dialect", SPOKEN)
@given(JSON)
def test_any_json_body_is_an_answer_or_a_failure(dialect: str, value: Any) -> None:
    decoded(dialect, [json.dumps(value).encode()], "application/json")


@pytest.mark.parametrize("dialect", SPOKEN)
@settings(max_examples=50)
@given(st.data())
def test_however_the_bytes_are_cut_the_events_are_the_same(
    dialect: str, data: st.DataObject
) -> None:
    body = body_of(dialect, "ok;reasoning;chunk=40", "Please text:emoji and tool:look")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(body) - 1), max_size=12)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    whole = decoded(dialect, [body])
    assert any(isinstance(item, Finished) for item in whole)
    assert decoded(dialect, parts) == whole


@pytest.mark.parametrize("dialect", SPOKEN)
def test_a_byte_at_a_time(dialect: str) -> None:
    body = body_of(dialect, "ok;escape;chunk=9", "请讲一讲 text:emoji 好吗")
    parts = [body[i : i + 1] for i in range(len(body))]
    text = "".join(i.text for i in decoded(dialect, parts) if isinstance(i, TextDelta))
    assert text == "".join(i.text for i in decoded(dialect, [body]) if isinstance(i, TextDelta))


_LAST = {
    "chat": b'"finish_reason": "stop"',
    "responses": b"event: response.completed",
    "messages": b"event: message_stop",
}


@pytest.mark.parametrize("dialect", SPOKEN)
@settings(max_examples=50)
@given(st.data())
def test_a_cut_stream_is_never_whole(dialect: str, data: st.DataObject) -> None:
    body = body_of(dialect, "ok;chunk=60", "Tell me about text:demo please")
    last = body.rindex(_LAST[dialect])
    cut = data.draw(st.integers(0, last))
    failure = decoded(dialect, [body[:cut]])[-1]
    assert isinstance(failure, Failure)
    assert failure.kind in (Kind.TRUNCATED, Kind.EMPTY)


@pytest.mark.parametrize("dialect", SPOKEN)
def test_an_endless_event_is_given_up(dialect: str) -> None:
    decoder = DIALECTS[dialect].decoder("text/event-stream")
    items: Items = []
    for _ in range(200):
        items += decoder.receive_data(b"data: " + b"x" * 100_000)
        if items:
            break
    (failure,) = items
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.PROTOCOL


@pytest.mark.parametrize("dialect", SPOKEN)
def test_an_endless_answer_is_given_up(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is kept, to be gone on with, and an upstream may run wild."""
    monkeypatch.setattr(decode, "ANSWER", 100_000)
    *_, failure = decoded(dialect, [b'data: {"type": "tomorrow", "x": 1}\n\n'] * 5000)
    assert isinstance(failure, Failure)
    assert (failure.kind, "MiB" in failure.detail) == (Kind.PROTOCOL, True)


@pytest.mark.parametrize("dialect", SPOKEN)
def test_every_fault_inside_a_stream_is_what_the_catalogue_says(dialect: str) -> None:
    wrong = []
    for name in PLAYERS:
        truth = FAULTS[name]
        plain = truth.status == 200 and truth.kind not in (None, Kind.TIMEOUT, Kind.CODING)
        if not plain or truth.position != "chunk" or truth.phase.value != "stream":
            continue
        if name in _TRANSPORT:
            continue
        items = decoded(dialect, [body_of(dialect, f"{name}@3", "Tell me about text:demo please")])
        last = items[-1]
        if not isinstance(last, Failure) or (last.kind, last.phase) != (truth.kind, truth.phase):
            wrong.append((name, last))
    assert wrong == []


_TRANSPORT = frozenset({"eof", "eof_in_chunk", "reset", "short_length", "bad_chunk_header"})
