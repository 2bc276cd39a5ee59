"""One choice was asked for: whatever comes beside it is no part of the answer."""

from __future__ import annotations

import pytest

from holdfast.core.events import Finished, Foreign, StopReason, StreamEvent, TextDelta
from holdfast.upstream.only import OnlyChoice

LENGTH, END = StopReason.LENGTH, StopReason.END


def heard(*batches: list[StreamEvent]) -> list[StreamEvent]:
    only = OnlyChoice()
    return [event for batch in batches for event in only(batch)]  # type: ignore[misc]


def test_the_only_choice_may_be_counted_from_one() -> None:
    aside = Foreign({"chunks": {}}, content=False)  # of all choices
    end = Finished(LENGTH, word="length")
    told = heard([TextDelta("a", 1)], [aside, TextDelta("b", 1)], [end])
    assert told == [TextDelta("a"), aside, TextDelta("b"), end]


@pytest.mark.parametrize(("first", "end"), [(0, Finished(END, word="stop")), (1, Finished(LENGTH))])
def test_of_several_the_first_that_speaks_is_the_answer(first: int, end: Finished) -> None:
    other = 1 - first
    mixed: list[StreamEvent] = [TextDelta("a", first), TextDelta("x", other), TextDelta("b", first)]
    told = heard(mixed, [Finished(END, (END, LENGTH), "stop")])
    assert told == [TextDelta("a"), TextDelta("b"), end]


def test_what_is_plain_passes_as_it_is() -> None:
    batch: list[StreamEvent] = [TextDelta("b")]
    only = OnlyChoice()
    only([TextDelta("a")])
    assert only(batch) is batch
