"""What goes into a journal comes out of it, whatever it is."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.agent.codec import (
    Unreadable,
    read_event,
    read_events,
    read_message,
    write_event,
    write_message,
)
from holdfast.agent.events import (
    Asked,
    Ended,
    Noted,
    ReasoningAdded,
    Replaced,
    Said,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    ToolOutcome,
    TurnEvent,
    TurnOutcome,
    Why,
)
from holdfast.core.events import StopReason
from holdfast.core.message import (
    Audio,
    File,
    Image,
    Message,
    Native,
    Role,
    Text,
    ToolCall,
    said,
)

texts = st.text(max_size=12)
plain: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(texts, plain, max_size=3)
parts = st.one_of(
    st.builds(Text, texts),
    st.builds(Image, texts, texts, texts, texts),
    st.builds(File, texts, texts, texts, texts, texts),
    st.builds(Audio, texts, texts),
)
messages = st.builds(
    Message,
    st.sampled_from(Role),
    st.lists(parts, max_size=3).map(tuple),
    st.lists(st.builds(ToolCall, texts, texts, texts, st.booleans()), max_size=2).map(tuple),
    texts,
    st.booleans(),
    texts,
    texts,
    texts,
    st.none() | st.builds(Native, texts, texts, plain),
)
events: st.SearchStrategy[TurnEvent] = st.one_of(
    st.builds(Asked, messages),
    st.builds(StepBegan, st.integers(1, 99), texts, texts, st.sampled_from(get_args(Why))),
    st.builds(TextAdded, texts),
    st.builds(ReasoningAdded, texts),
    st.builds(Replaced),
    st.builds(
        StepEnded,
        st.integers(1, 99),
        messages,
        st.dictionaries(texts, st.integers(0), max_size=3),
        st.sampled_from(StopReason).map(lambda reason: reason.value),
    ),
    st.builds(ToolAsked, texts, texts, texts),
    st.builds(
        ToolAnswered,
        texts,
        texts,
        st.sampled_from(get_args(ToolOutcome)),
        messages,
        st.integers(0),
        texts,
        st.none() | tables,
    ),
    st.builds(Noted, texts, tables),
    st.builds(Said, texts),
    st.builds(
        Ended,
        st.sampled_from(get_args(TurnOutcome)),
        texts,
        tables,
        texts,
        st.none() | tables,
    ),
)


@given(events)
def test_an_event_comes_back_as_it_was(event: TurnEvent) -> None:
    assert read_event(json.loads(json.dumps(write_event(event)))) == event


@given(messages)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert read_message(json.loads(json.dumps(write_message(message)))) == message


def test_the_form_is_short_and_plain() -> None:
    message = Message(Role.ASSISTANT, (Text("hi"),), (ToolCall("c1", "time", "{}"),))
    assert write_event(StepEnded(1, message, {"input_tokens": 3})) == {
        "type": "step_ended",
        "step": 1,
        "message": {
            "role": "assistant",
            "parts": [{"type": "text", "text": "hi"}],
            "calls": [{"id": "c1", "name": "time", "arguments": "{}"}],
        },
        "usage": {"input_tokens": 3},
    }
    assert write_event(Ended("finished")) == {"type": "ended", "outcome": "finished"}


@given(events, tables)
def test_fields_of_a_later_version_are_passed_over(
    event: TurnEvent, more: dict[str, object]
) -> None:
    assert read_event({f"later_{name}": value for name, value in more.items()} | write_event(event))


def test_events_and_parts_of_a_later_version_are_passed_over() -> None:
    video = {"type": "video", "url": "u"}
    asked = {"type": "asked", "message": {"role": "user", "parts": [video]}}
    entries: list[dict[str, Any]] = [{"type": "later"}, asked, {"no": "type"}]
    assert read_events(entries) == [Asked(said(Role.USER, ""))]


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "text_added"},
        {"type": "asked", "message": "hello"},
        {"type": "asked", "message": {}},
        {"type": "asked", "message": {"role": "wizard"}},
        {"type": "step_ended", "step": 1, "message": {"role": "user", "calls": [{"id": "c"}]}},
    ],
)
def test_what_nobody_writes_so_is_told_by_name(broken: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read_event(broken)
