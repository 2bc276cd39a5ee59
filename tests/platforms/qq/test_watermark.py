"""What may be said to have been received, whatever the order in which events become safe."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.platforms.qq.watermark import Watermark


def test_a_gap_holds_the_mark_back() -> None:
    marks = Watermark(1)
    assert [marks.take(seq) for seq in (2, 3, 4)] == [True, True, True]
    marks.settle(2)
    marks.settle(4)
    assert (marks.received, marks.settled) == (4, 2)
    marks.settle(3)
    assert marks.settled == 4


def test_what_was_refused_comes_again_and_what_is_under_way_does_not() -> None:
    marks = Watermark()
    for seq in (1, 2, 3):
        marks.take(seq)
    marks.settle(1)
    marks.refuse(2)
    assert marks.settled == 1
    assert [marks.take(seq) for seq in (1, 2, 3)] == [False, True, False]


@given(st.permutations(range(1, 9)), st.sets(st.integers(1, 8)), st.lists(st.integers(1, 8)))
def test_nothing_unsafe_is_ever_called_safe(
    order: list[int], refused: set[int], replays: list[int]
) -> None:
    marks = Watermark()
    for seq in range(1, 9):
        marks.take(seq)
    safe: set[int] = set()
    for seq in order:
        if seq in refused:
            marks.refuse(seq)
        else:
            marks.settle(seq)
            safe.add(seq)
        assert all(number in safe for number in range(1, marks.settled + 1))
    for seq in replays:
        assert marks.take(seq) == (seq in refused)
        marks.settle(seq)
        refused.discard(seq)
