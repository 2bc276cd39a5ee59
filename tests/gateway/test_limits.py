"""Numbers as clients write them, and how much they may send."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from holdfast.core.failure import StreamFailed
from holdfast.gateway.limits import number_in, read_body


@pytest.mark.parametrize(("given", "number"), [("0", 0), ("17", 17), ("9" * 15, 10**15 - 1)])
def test_a_number_is_read(given: str, number: int) -> None:
    assert number_in(given) == number


@pytest.mark.parametrize("given", ["", "-1", "1.5", "x", "²", "９", "9" * 16, "9" * 5000])
def test_what_is_none_or_longer_than_any_is_none(given: str) -> None:
    assert number_in(given) is None


def test_a_body_that_is_announced_too_large_is_not_waited_for() -> None:
    async def receive() -> Message:
        raise AssertionError("whoever asks for a part lets the client send it")

    with pytest.raises(StreamFailed) as refused:
        asyncio.run(read_body(receive, 2048, {"content-length": "2049"}))
    assert refused.value.failure.code == "body_too_large"
