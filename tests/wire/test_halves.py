"""Surrogate halves that came in two events."""

from __future__ import annotations

import itertools

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
)
from holdfast.wire.halves import Halves

HIGH, LOW = "\ud83d", "\ude00"
END = Finished(StopReason.END)


def test_a_first_half_waits_for_its_partner() -> None:
    halves = Halves()
    assert halves.join([TextDelta(f"a{HIGH}")]) == [TextDelta("a")]
    assert halves.join([TextDelta(f"{LOW}b")]) == [TextDelta("\U0001f600b")]
    assert halves.join([TextDelta(HIGH)]) == []
    assert halves.join([END]) == [TextDelta("\ufffd"), END]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (ReasoningDelta(HIGH), ReasoningDelta(LOW), [ReasoningDelta("\U0001f600")]),
        (RefusalDelta(HIGH), RefusalDelta(LOW), [RefusalDelta("\U0001f600")]),
        (TextDelta(HIGH), TextDelta(LOW, choice=1), [TextDelta("\ufffd", choice=1)]),
        (TextDelta(HIGH), ReasoningDelta(LOW), [ReasoningDelta("\ufffd")]),
        (TextDelta(HIGH), TextDelta("x"), [TextDelta("\ufffdx")]),
        (
            ToolCallDelta(0, "a", "f", HIGH),
            ToolCallDelta(0, "", "", LOW),
            [ToolCallDelta(0, "a", "f", ""), ToolCallDelta(0, "", "", "\U0001f600")],
        ),
    ],
)
def test_each_channel_has_its_own(
    first: StreamEvent, second: StreamEvent, joined: list[StreamEvent]
) -> None:
    halves = Halves()
    assert [*halves.join([first]), *halves.join([second])] == joined


def test_what_else_an_event_says_does_not_wait() -> None:
    event = TextDelta(HIGH, extra={"logprobs": {}})
    assert Halves().join([event]) == [TextDelta("", extra={"logprobs": {}})]


@given(st.text(max_size=12), st.lists(st.integers(0, 24), max_size=4))
def test_a_text_cut_between_any_code_units_comes_whole(text: str, cuts: list[int]) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    bounds = [0, *sorted(min(2 * cut, len(units)) for cut in cuts), len(units)]
    pieces = [
        units[a:b].decode("utf-16-le", "surrogatepass") for a, b in itertools.pairwise(bounds)
    ]
    halves = Halves()
    out = [e for p in pieces for e in halves.join([TextDelta(p)])] + halves.join([END])
    assert "".join(e.text for e in out if isinstance(e, TextDelta)) == text
