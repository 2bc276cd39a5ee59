"""What may be said to have been received, whatever the order in which events become safe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.platforms.qq.watermark import Watermark


def test_a_gap_holds_the_mark_back() -> None:
    marks = Watermark(1)
    for seq in (2, 3, 4):
        marks.take(seq)
    marks.settle(2)
    marks.settle(4)
    assert (marks.received, marks.settled) == (4, 2)
    marks.settle(3)
    assert marks.settled == 4


def test_what_was_refused_holds_it_back_until_it_came_again() -> None:
    marks = Watermark()
    for seq in (1, 2, 3):
        marks.take(seq)
    marks.settle(1)
    marks.refuse(2)
    marks.settle(3)
    assert marks.settled == 1
    marks.take(2)
    assert marks.settled == 1
    marks.settle(2)
    assert marks.settled == 3


def test_a_number_may_count_two_events() -> None:
    marks = Watermark()
    marks.take(1)
    marks.take(1)
    marks.settle(1)
    assert marks.settled == 0
    marks.settle(1)
    assert marks.settled == 1


@given(st.lists(st.integers(1, 8), min_size=1), st.data())
def test_nothing_unsafe_is_ever_called_safe(numbers: list[int], data: st.DataObject) -> None:
    marks = Watermark()
    for seq in numbers:
        marks.take(seq)
    unsafe = list(numbers)
    for seq in data.draw(st.permutations(numbers)):
        if data.draw(st.booleans()):
            marks.refuse(seq)
        else:
            marks.settle(seq)
            unsafe.remove(seq)
        assert all(number > marks.settled for number in unsafe)
