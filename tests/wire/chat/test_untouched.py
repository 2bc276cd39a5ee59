"""What a vendor adds to an answer reaches a client of the same dialect, wherever it stands."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.events import Finished, Foreign, StreamEvent, TextDelta
from holdfast.core.failure import Failure
from holdfast.wire.chat.assemble import ChatAssembler
from holdfast.wire.chat.decode import ChatDecoder
from holdfast.wire.chat.serve import ChatStream
from holdfast.wire.dialect import Head
from holdfast.wire.translate import neutral

HEAD = Head("REF", 1767225600, "gpt-5.5")
Chunk = dict[str, Any]


def chunk(delta: Any, finish: str | None = None, **more: Any) -> Chunk:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


ROLE = chunk({"role": "assistant", "content": ""})
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
REST = {"index": 0, "function": {"arguments": "{}"}}
SPOKEN: Sequence[Sequence[Chunk]] = (
    [ROLE, chunk({"content": "Hello"}), chunk({"content": " you"}), chunk({}, "stop")],
    [ROLE, chunk({"reasoning_content": "hm"}), chunk({"content": "Yes"}), chunk({}, "length")],
    [ROLE, chunk({"tool_calls": [CALL]}), chunk({"tool_calls": [REST]}), chunk({}, "tool_calls")],
    [ROLE, chunk({"refusal": "No"}), chunk({}, "stop")],
    [{"id": "", "choices": []}, ROLE, chunk({"content": "Hello"}), chunk({}, "stop"), chunk(None)],
)
values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(st.characters(codec="utf-8"), max_size=4),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=5,
).filter(lambda value: value not in ("", [], {}))


def events_of(chunks: Sequence[Chunk]) -> list[StreamEvent]:
    decoder = ChatDecoder("text/event-stream")
    data = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    told = [*decoder.receive_data(data + b"data: [DONE]\n\n"), *decoder.receive_eof()]
    assert not any(isinstance(event, Failure) for event in told)
    return [event for event in told if not isinstance(event, Failure)]


def streamed(events: Sequence[StreamEvent]) -> list[Chunk]:
    stream = ChatStream(HEAD, include_usage=False)
    lines = (stream.encode(events) + stream.finish(None)).decode().split("\n\n")
    return [json.loads(line[6:]) for line in lines if line and line != "data: [DONE]"]


def whole(events: Sequence[StreamEvent]) -> Chunk:
    assembler = ChatAssembler(HEAD)
    assembler.add(events)
    answer: Chunk = json.loads(assembler.answer(None))
    return answer


def objects(chunk: Chunk) -> Iterator[Chunk]:
    """The objects of a chunk that are not a list's or a call's own."""
    yield chunk
    for choice in chunk["choices"]:
        yield choice
        if choice["delta"]:
            yield choice["delta"]


@given(st.sampled_from(SPOKEN), st.data(), values)
def test_a_member_that_nobody_knows_comes_through(
    spoken: Sequence[Chunk], data: st.DataObject, value: Any
) -> None:
    chunks = copy.deepcopy(list(spoken))
    place = data.draw(st.sampled_from([o for chunk in chunks for o in objects(chunk)]))
    place["x_tomorrow"] = value
    events = events_of(chunks)
    found = [o for chunk in streamed(events) for o in objects(chunk) if "x_tomorrow" in o]
    assert [o["x_tomorrow"] for o in found] == [value]
    answer = whole(events)
    (choice,) = answer["choices"]
    assert value in [o.get("x_tomorrow") for o in (answer, choice, choice["message"])]
    assert streamed(neutral(events)) == streamed(neutral(events_of(spoken)))  # type: ignore[arg-type]


def test_what_stands_beside_the_finish_reason_stays_there() -> None:
    last = chunk({}, "content_filter", native_finish_reason="SAFETY", stop_reason=7)
    events = events_of([ROLE, chunk({"content": "a"}), last])
    *_, told = streamed(events)
    assert told["choices"][0]["native_finish_reason"] == "SAFETY"
    assert told["choices"][0]["stop_reason"] == 7
    assert told["choices"][0]["finish_reason"] == "content_filter"
    assert whole(events)["choices"][0]["native_finish_reason"] == "SAFETY"


def test_results_of_a_filter_that_come_late_prove_nothing_and_take_nothing_back() -> None:
    """Azure's asynchronous filter speaks of what was said before, also after the end."""
    late = {"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"end": 9}}]}
    events = events_of([ROLE, chunk({"content": "a"}), chunk({}, "stop"), late])
    assert [type(event) for event in events] == [TextDelta, Finished, Foreign]
    assert events[-1] == Foreign({"choice": {"content_filter_offsets": {"end": 9}}}, content=False)


@pytest.mark.parametrize("index", [0, 1])
def test_each_choice_keeps_what_came_with_its_own_end(index: int) -> None:
    ends = [chunk({}, "stop", mark=f"m{number}") for number in range(2)]
    for number, end in enumerate(ends):
        end["choices"][0]["index"] = number
    said = [chunk({"content": "a"}), chunk({"content": "b"})]
    said[1]["choices"][0]["index"] = 1
    answer = whole(events_of([*said, *ends]))
    assert answer["choices"][index]["mark"] == f"m{index}"
