"""A journal gives back the very events that were put into it."""

from __future__ import annotations

import json
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

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
from holdfast.gateway.record import TYPES, joined, read, write

_TEXTS = st.text(max_size=20)
_EXTRA = st.none() | st.dictionaries(_TEXTS, st.integers() | _TEXTS | st.none(), max_size=3)
_REASONS = st.sampled_from(StopReason)
_COUNTS = st.integers(0, 10**9)
EVENTS = st.one_of(
    st.builds(TextDelta, _TEXTS, st.integers(0, 3), _EXTRA),
    st.builds(ReasoningDelta, _TEXTS, st.integers(0, 3), _EXTRA),
    st.builds(RefusalDelta, _TEXTS, st.integers(0, 3)),
    st.builds(ToolCallDelta, st.integers(0, 9), _TEXTS, _TEXTS, _TEXTS, st.just(0), _EXTRA),
    st.builds(UsageReport, _COUNTS, _COUNTS, st.booleans(), extra=_EXTRA),
    st.builds(Foreign, st.dictionaries(_TEXTS, _TEXTS, max_size=3), st.just(0), st.booleans()),
    st.builds(Finished, _REASONS, st.lists(_REASONS, max_size=3).map(tuple), _TEXTS),
)


def test_every_event_has_a_name() -> None:
    assert set(TYPES.values()) == set(get_args(StreamEvent))


@given(st.lists(EVENTS, max_size=8))
def test_what_was_written_is_read(events: list[StreamEvent]) -> None:
    assert list(read(json.loads(json.dumps(write(events))))) == events


def test_text_in_pieces_becomes_one_and_all_else_stays_in_its_place() -> None:
    bare: list[StreamEvent] = [
        TextDelta("a"),
        TextDelta("b"),
        ReasoningDelta("c"),
        ReasoningDelta("d"),
    ]
    assert joined(bare) == [TextDelta("ab"), ReasoningDelta("cd")]
    kept: list[StreamEvent] = [
        TextDelta("a", extra={"logprobs": 1}),
        TextDelta("b", extra={"logprobs": 2}),
        TextDelta("c"),
        TextDelta("d", choice=1),
        UsageReport(1, 2),
        TextDelta("e", choice=1),
        RefusalDelta("f"),
        ReasoningDelta("g"),
        Finished(StopReason.END),
    ]
    assert joined(kept) == kept
    assert joined([RefusalDelta("a"), RefusalDelta("b", 0)]) == [RefusalDelta("ab")]


@given(st.lists(EVENTS, max_size=8))
def test_joining_loses_no_character_and_changes_nothing_twice(events: list[StreamEvent]) -> None:
    def text(told: list[StreamEvent]) -> str:
        return "".join(event.text for event in told if isinstance(event, TextDelta))

    once = list(joined(events))
    assert text(once) == text(events)
    assert joined(once) == once
    assert [e for e in once if not hasattr(e, "text")] == [
        e for e in events if not hasattr(e, "text")
    ]
