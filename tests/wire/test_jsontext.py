"""JSON of the field is read; what no reader could take is never written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.wire.jsontext import dumps, loads, mend

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": "\\ud83d"}', {"a": "\ud83d"}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"a\tb\nc"', "a\tb\nc"),
        (b'{"a": Infinity}', {"a": float("inf")}),
        ('"\ud83d"', "\ud83d"),
    ],
)
def test_read_leniently(text: bytes | str, value: object) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"a":1}}', b'"\xff"', b'"\xed\xa0\xbd"', b"[" * 100_000, b"{'a':1}", "{\ud83d"],
)
def test_all_else_is_a_value_error(text: bytes | str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        loads(text)


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_else(noise: bytes) -> None:
    try:
        loads(noise)
    except ValueError:
        return


def test_a_half_of_a_pair_is_replaced_and_two_halves_are_joined() -> None:
    assert mend("a\ud83d\ude00b\ud83dc\ude00") == "a\U0001f600b\ufffdc\ufffd"
    assert dumps({"a\ud83d": ["断\ude00"]}) == '{"a\ufffd":["断\ufffd"]}'.encode()
