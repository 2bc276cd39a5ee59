"""Recorded answers with events lost, repeated, misplaced, and values of a wrong type in them."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.resilience.actors import target
from tests.wire.recorded import STREAMS, Payload
from tests.wire.relay import HEAD
from tests.wire.test_untouched import RECORDED, asked, sse

from holdfast.core.attempt import How
from holdfast.core.events import StreamEvent, TextDelta
from holdfast.core.failure import Failure
from holdfast.core.request import Surface
from holdfast.resilience.leg import Leg, says_nothing
from holdfast.resilience.reader import Reader
from holdfast.wire import DIALECTS, SERVED
from holdfast.wire.translate import neutral

Place = tuple[str | int, ...]

ODD: Sequence[Any] = (None, [], {}, 0, 7, -1, 1.5, "x", "", True, ["a"], [{}], [None], {"a": 1})
CHANGES = ("lose", "repeat", "move", "replace", "change", "change", "forget")


def places(value: Any, path: Place = ()) -> list[Place]:
    inside: Any = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    return [found for k, v in inside for found in ((*path, k), *places(v, (*path, k)))]


@st.composite
def mutated(draw: st.DrawFn, recorded: Sequence[Payload]) -> list[Payload]:
    events = copy.deepcopy(list(recorded))
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3)):
        at, other = (draw(st.integers(0, len(events) - 1)) for _ in range(2))
        match change:
            case "lose" if len(events) > 1:
                del events[at]
            case "repeat":
                events.insert(at, copy.deepcopy(events[at]))
            case "move":
                events.insert(other, events.pop(at))
            case "replace":
                events[at] = copy.deepcopy(events[other])
            case _ if places(events[at]):
                *path, last = draw(st.sampled_from(places(events[at])))
                holder: Any = events[at]
                for name in path:
                    holder = holder[name]
                holder[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
                if change == "forget":
                    del holder[last]
            case _:
                pass
    return events


def read(dialect: str, answer: bytes) -> list[StreamEvent | Failure]:
    decoder = DIALECTS[dialect].decoder("")
    items = [*decoder.receive_data(answer), *decoder.receive_eof()]
    assert not any(isinstance(item, Failure) for item in items[:-1])
    return items


def told(items: Sequence[StreamEvent | Failure], surface: Surface) -> tuple[list[StreamEvent], Leg]:
    reader, leg = Reader(surface), Leg(1, target("a"), How.START, 0.0)
    given: list[StreamEvent] = []
    for item in items:
        if not isinstance(item, Failure) and not says_nothing(item):
            leg.hear(item, 0.0)
            sorted_out = reader.sort(leg, item)
            assert not isinstance(sorted_out, Failure)
            given += reader.give(leg, sorted_out)
    return [*given, *(reader.end(leg, leg.usage) if leg.finished else ())], leg


def words(items: Sequence[StreamEvent | Failure]) -> str:
    """Without the gaps that are put between parts."""
    text = "".join(item.text for item in items if isinstance(item, TextDelta))
    return text.replace("\n\n", "")


@pytest.mark.parametrize(("dialect", "name"), RECORDED)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_it_is_an_answer_or_one_failure_and_what_is_told_of_it_can_be_read(
    dialect: str, name: str, data: st.DataObject
) -> None:
    items = read(dialect, sse(dialect, data.draw(mutated(STREAMS[dialect][name]))))
    neutral(items)
    events, leg = told(items, Surface.APPEND_ONLY)
    writer = SERVED[dialect].stream(HEAD, asked(dialect, Surface.APPEND_ONLY))
    written = b"".join(writer.encode([event]) for event in events)
    if leg.finished:
        again = read(dialect, written + writer.finish(None))
        assert not isinstance(again[-1], Failure)
        assert words(again) == words(events)
    else:
        assert isinstance(items[-1], Failure)
        read(dialect, written + writer.fail({"message": "x"}))
    whole, _ = told(items, Surface.NONE)
    assembler = SERVED[dialect].assembler(HEAD, asked(dialect, Surface.NONE))
    assembler.add(whole)
    assert json.loads(assembler.answer(None))
