"""JSON values one after another are found wherever they are cut and however they are set apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.jsonvalues import JsonValues

leaves = st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('a"\\{}[],é灯\n'))
objects = st.dictionaries(
    st.text(st.sampled_from('k"\\{}')),
    st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
)


def fed(pieces: list[bytes]) -> tuple[list[Any], JsonValues]:
    values = JsonValues()
    found = [json.loads(value) for piece in pieces for value in values.feed(piece)]
    return found, values


@given(
    st.lists(objects, min_size=1, max_size=4),
    st.sampled_from(
        [("", "\n", "\n"), ("", "", ""), ("[", ",\r\n", "]"), ("\x1e", "\n\x1e", "\n")]
    ),
    st.booleans(),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_values_are_found_wherever_they_are_cut(
    values: list[Any], marks: tuple[str, str, str], escaped: bool, cuts: list[int]
) -> None:
    begin, between, end = marks
    text = between.join(json.dumps(value, ensure_ascii=escaped) for value in values)
    data = (begin + text + end).encode()
    ends = [*sorted(cuts), len(data)]
    pieces = [data[start:stop] for start, stop in zip([0, *ends], ends, strict=False)]
    found, state = fed(pieces)
    assert found == values
    assert not state.cut
    assert not state.between


@pytest.mark.parametrize(
    ("data", "between", "cut"),
    [
        (b'{"a":1}\n[DONE]\n', b"DONE", False),
        (b'{"a":1}\n{"b":"', b"", True),
        (b'{"a":1}\nupstream failed', b"upstream failed", False),
    ],
)
def test_what_is_no_value_is_kept(data: bytes, between: bytes, cut: bool) -> None:
    found, state = fed([data])
    assert found == [{"a": 1}]
    assert (bytes(state.between), state.cut) == (between, cut)


def test_no_more_than_a_little_of_what_is_no_value_is_kept() -> None:
    _, state = fed([b"x" * 100_000] * 3)
    assert len(state.between) < 10_000
