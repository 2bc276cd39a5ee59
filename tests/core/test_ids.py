"""Reference ids sort by time and say all that was put into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.ids import ulid

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

MOMENTS = st.integers(0, (1 << 48) - 1)
ENTROPY = st.binary(min_size=10, max_size=10)


def _number(text: str) -> int:
    number = 0
    for sign in text:
        number = number * 32 + _ALPHABET.index(sign)
    return number


@given(MOMENTS, ENTROPY)
def test_nothing_is_lost(moment: int, entropy: bytes) -> None:
    text = ulid(moment, entropy)
    assert len(text) == 26
    assert _number(text) == moment << 80 | int.from_bytes(entropy, "big")


@given(MOMENTS, MOMENTS, ENTROPY, ENTROPY)
def test_later_sorts_later(one: int, other: int, here: bytes, there: bytes) -> None:
    if one < other:
        assert ulid(one, here) < ulid(other, there)


def test_the_example_of_the_specification() -> None:
    # github.com/ulid/spec: 01ARYZ6S41TSV4RRFFQ69G5FAV is of 1469918176385 ms.
    assert ulid(1469918176385, b"\0" * 10).startswith("01ARYZ6S41")


def test_the_year_10889_is_cut_not_an_error() -> None:
    assert ulid((1 << 48) + 7, b"\0" * 10) == ulid(7, b"\0" * 10)


@pytest.mark.parametrize("size", [0, 9, 11])
def test_entropy_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        ulid(0, b"\0" * size)
