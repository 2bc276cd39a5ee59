"""What a reader has been given, and what of an attempt may be given next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.resilience.actors import target

from holdfast.core.attempt import How
from holdfast.core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    Restarted,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from holdfast.core.failure import Failure, Kind
from holdfast.core.request import Surface
from holdfast.resilience.leg import Leg, says_nothing
from holdfast.resilience.reader import Reader
from holdfast.resilience.replay import Replay

END = Finished(StopReason.END)
CALL = ToolCallDelta(0, "c1", "look", "{}")


def leg(number: int = 1, how: How = How.START) -> Leg:
    return Leg(number, target("a"), how, 0.0)


def give(reader: Reader, by: Leg, *events: StreamEvent) -> list[StreamEvent]:
    """What reaches the reader of `events`."""
    out: list[StreamEvent] = []
    for event in events:
        by.hear(event, 0.0)
        sorted_out = reader.sort(by, event)
        assert not isinstance(sorted_out, Failure)
        out += sorted_out
    return list(reader.give(by, out))


def test_text_is_given_and_counted() -> None:
    reader, by = Reader(Surface.APPEND_ONLY), leg()
    assert give(reader, by, TextDelta("Hel"), TextDelta("lo")) == [
        TextDelta("Hel"),
        TextDelta("lo"),
    ]
    assert (reader.text, reader.characters, by.released) == ("Hello", 5, 5)


def test_a_tool_call_waits_for_the_end() -> None:
    reader, by = Reader(Surface.APPEND_ONLY), leg()
    assert give(reader, by, CALL, END) == []
    assert reader.end(by, None) == (CALL, END)


@pytest.mark.parametrize("surface", [Surface.APPEND_ONLY, Surface.NONE])
def test_what_comes_after_a_call_is_told_after_it(surface: Surface) -> None:
    reader, by = Reader(surface), leg()
    first = TextDelta("I look.")
    rest: list[StreamEvent] = [CALL, ReasoningDelta("Hm"), TextDelta("And listen.")]
    half = ToolCallDelta(1, "c2", "listen", "{")
    given = give(
        reader, by, first, *rest, half, Foreign({"type": "x"}), replace(half, id="", name=""), END
    )
    assert given == ([first] if surface is Surface.APPEND_ONLY else [])
    whole = replace(half, arguments="{{")
    told = [*given, *reader.end(by, None)]
    assert told == [first, *rest, whole, Foreign({"type": "x"}), END]
    assert reader.characters == by.released == len("I look.And listen.")


def test_a_call_in_pieces_is_told_at_once_but_for_what_stands_beside_them() -> None:
    reader, by = Reader(Surface.APPEND_ONLY), leg()
    beside = {"beside": {"padding": "x"}}
    pieces = [
        ToolCallDelta(0, "", "lo", ""),
        ToolCallDelta(1, "c2", "listen", "{"),
        ToolCallDelta(0, "c1", "ok", "{"),
        ToolCallDelta(0, "", "", '"a"', extra=beside),
        ToolCallDelta(0, "", "", ":1}"),
        ToolCallDelta(1, "", "", "}"),
    ]
    give(reader, by, *pieces, END)
    assert reader.end(by, None) == (
        ToolCallDelta(0, "c1", "look", "{"),
        ToolCallDelta(0, "", "", '"a":1}', extra=beside),
        ToolCallDelta(1, "c2", "listen", "{}"),
        END,
    )


def test_the_thoughts_of_one_attempt_are_shown_and_no_others() -> None:
    reader = Reader(Surface.APPEND_ONLY)
    thought = ReasoningDelta("Hm")
    assert give(reader, leg(1), thought) == [thought]
    assert give(reader, leg(2), thought) == []


def test_a_reader_of_whole_messages_has_nothing_before_the_end() -> None:
    reader, by = Reader(Surface.NONE), leg()
    assert give(reader, by, TextDelta("Hello"), END) == []
    assert not reader.has_text
    assert reader.end(by, None) == (TextDelta("Hello"), END)
    assert reader.characters == 5


def test_what_is_answered_anew_makes_void_what_was_given() -> None:
    reader = Reader(Surface.REPLACE)
    give(reader, leg(1), TextDelta("Hal"))
    assert give(reader, leg(2), TextDelta("Hello")) == [Restarted(), TextDelta("Hello")]
    assert reader.text == "Hello"


def test_a_continuation_gives_only_what_is_new_and_counts_what_was_before() -> None:
    reader, by = Reader(Surface.APPEND_ONLY, released="Hello"), leg(2, How.INSTRUCT)
    by.splicer = Replay("Hello")
    assert give(reader, by, TextDelta("Hello wor"), TextDelta("ld")) == [
        TextDelta(" wor"),
        TextDelta("ld"),
    ]
    by.hear(UsageReport(7, 2), 0.0)
    usage = reader.usage(by)
    assert usage
    assert usage.estimated
    assert usage.output_tokens > 2


def test_a_continuation_that_does_not_fit_is_a_failure() -> None:
    reader, by = Reader(Surface.APPEND_ONLY, released="Hello"), leg(2, How.INSTRUCT)
    by.splicer = Replay("Hello")
    misfit = reader.sort(by, TextDelta("Goodbye"))
    assert isinstance(misfit, Failure)
    assert misfit.kind is Kind.DIVERGED


@pytest.mark.parametrize("event", [TextDelta(""), ReasoningDelta("")])
def test_empty_deltas_say_nothing(event: StreamEvent) -> None:
    assert says_nothing(event)


@pytest.mark.parametrize(
    "event", [TextDelta("a"), TextDelta("", extra={"logprobs": []}), CALL, END, UsageReport(1, 1)]
)
def test_all_else_says_something(event: StreamEvent) -> None:
    assert not says_nothing(event)
