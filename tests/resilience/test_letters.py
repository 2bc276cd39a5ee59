"""A text as its letters, and what they weigh."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.resilience.letters import common_prefix, fold, shared_start, weight


@given(st.text(), st.text())
def test_common_prefix(one: str, other: str) -> None:
    length = common_prefix(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or not one[length:]


@given(st.text())
def test_folding_keeps_places(text: str) -> None:
    folded = fold(text)
    assert len(folded.letters) == len(folded.starts) == len(folded.ends)
    assert all(0 <= s < e <= len(text) for s, e in zip(folded.starts, folded.ends, strict=True))
    assert fold(text.upper()).letters == fold(text.upper().lower()).letters


def test_weight_counts_a_chinese_sign_for_two_letters() -> None:
    assert weight("灯塔ab") == 6
    assert shared_start("灯塔看守人", "灯塔，管理员") == 4
    assert shared_start("The Lamp", "the lamp!") == 7
