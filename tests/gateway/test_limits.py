"""Numbers as clients write them."""

from __future__ import annotations

import pytest

from holdfast.gateway.limits import number_in


@pytest.mark.parametrize(("given", "number"), [("0", 0), ("17", 17), ("9" * 15, 10**15 - 1)])
def test_a_number_is_read(given: str, number: int) -> None:
    assert number_in(given) == number


@pytest.mark.parametrize("given", ["", "-1", "1.5", "x", "²", "９", "9" * 16, "9" * 5000])
def test_what_is_none_or_longer_than_any_is_none(given: str) -> None:
    assert number_in(given) is None
