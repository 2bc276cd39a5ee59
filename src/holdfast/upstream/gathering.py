"""Pieces of a body that are there at the same time, as one.

One read of a socket often brings many HTTP chunks, each with an event in it. All that follows
(decoding, deciding, writing to the client) then happens once for the read, not once for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Coroutine, Generator
from contextlib import suppress
from typing import Any

MOST = 64 * 1024  # bytes that are gathered before they are passed on


async def gathered(pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """The same bytes, cut only where one would have to wait for the next piece, and followed by
    the same end or error.
    """
    following = aiter(pieces)
    held: list[bytes] = []
    size = 0
    while True:
        step = _Step(_next(following))
        try:
            waits = True
            try:
                waits = step.begin()
            finally:  # an error comes behind what came before it
                if held and (waits or size >= MOST):
                    yield held[0] if len(held) == 1 else b"".join(held)
                    held, size = [], 0
            piece = await step if waits else step.piece
        finally:
            await step.close()
        if piece is None:
            break
        held.append(piece)
        size += len(piece)
    if held:
        yield b"".join(held)


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


class _Step:
    """A coroutine that runs at once until it has to wait; whoever awaits this awaits the rest.

    A task would do the same, one turn of the event loop later.
    """

    __slots__ = ("_coroutine", "_waiting", "_waits", "piece")

    def __init__(self, coroutine: Coroutine[Any, Any, bytes | None]) -> None:
        self.piece: bytes | None = None
        self._coroutine = coroutine
        self._waiting: Any = None  # what the event loop has to be told that it waits for
        self._waits = False  # nobody has told it yet

    def begin(self) -> bool:
        """Whether it has to wait; if not, `piece` is what came of it."""
        try:
            self._waiting = self._coroutine.send(None)
        except StopIteration as done:
            self.piece = done.value
        else:
            self._waits = True
        return self._waits

    async def close(self) -> None:
        """If it waits and nobody else does, it is cancelled like a task. (To close a coroutine
        does not close an async generator that it waits for.)
        """
        if not self._waits:
            return
        with suppress(asyncio.CancelledError, StopIteration):
            self._waiting = self._coroutine.throw(asyncio.CancelledError())
            await self

    def __await__(self) -> Generator[Any, Any, bytes | None]:
        self._waits = False
        return _Rest(self._coroutine, self._waiting)


class _Rest(Generator[Any, Any, "bytes | None"]):
    """What is left of a coroutine that has begun, for who has not heard yet what it waits for."""

    __slots__ = ("_coroutine", "_told", "_waiting")

    def __init__(self, coroutine: Coroutine[Any, Any, bytes | None], waiting: Any) -> None:
        self._coroutine = coroutine
        self._waiting = waiting
        self._told = False

    def send(self, value: Any) -> Any:
        if self._told:
            return self._coroutine.send(value)
        self._told = True
        return self._waiting

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)
