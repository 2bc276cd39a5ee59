"""What is there at once comes in one piece; what has to be waited for holds nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import wraps

import pytest

from holdfast.upstream.gathering import MOST, gathered


def alone(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Body:
    """Plays a script: pieces, what to wait for, and how it breaks."""

    def __init__(self, *script: bytes | asyncio.Event | Exception) -> None:
        self.script = script
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            for step in self.script:
                match step:
                    case bytes():
                        yield step
                    case asyncio.Event():
                        await step.wait()
                    case Exception():
                        raise step
        finally:
            self.closed = True


@alone
async def test_what_is_there_at_once_is_one_piece() -> None:
    assert [piece async for piece in gathered(Body(b"a", b"b", b"c"))] == [b"abc"]
    assert [piece async for piece in gathered(Body())] == []


@alone
async def test_nothing_is_held_back_while_more_is_waited_for() -> None:
    more = asyncio.Event()
    pieces = gathered(Body(b"a", b"b", more, b"c", b"d"))
    assert await anext(pieces) == b"ab"
    more.set()
    assert await anext(pieces) == b"cd"
    assert await anext(pieces, None) is None


@alone
async def test_a_piece_that_was_waited_for_comes_with_those_behind_it() -> None:
    more, end = asyncio.Event(), asyncio.Event()
    pieces = gathered(Body(more, b"a", b"b", end, b"c"))
    first = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)
    more.set()
    assert await first == b"ab"
    end.set()
    assert await anext(pieces) == b"c"


@alone
async def test_an_error_comes_behind_what_came_before_it() -> None:
    pieces = gathered(Body(b"a", b"b", ConnectionResetError()))
    assert await anext(pieces) == b"ab"
    with pytest.raises(ConnectionResetError):
        await anext(pieces)


@alone
async def test_much_is_passed_on_while_more_is_there() -> None:
    half = b"x" * (MOST // 2)
    sizes = [len(piece) async for piece in gathered(Body(*[half] * 5))]
    assert sizes == [MOST, MOST, MOST // 2]


@alone
async def test_whoever_leaves_while_more_is_waited_for_ends_the_body() -> None:
    body = Body(b"a", asyncio.Event())
    async with aclosing(gathered(body)) as pieces:
        assert await anext(pieces) == b"a"
    assert body.closed


@alone
async def test_whoever_is_cancelled_in_waiting_ends_the_body() -> None:
    body = Body(b"a", asyncio.Event())
    pieces = gathered(body)
    assert await anext(pieces) == b"a"
    waiting = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert body.closed
