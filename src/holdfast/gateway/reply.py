"""What goes back to one client: the head goes out with the first thing to say, not before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.types import Message, Receive, Send

from .errors import Headers
from .limits import ClientGone

CLIENT_PATIENCE = 60.0  # seconds in which a client must take what it is sent
LAST_WORDS = 0.2  # seconds in which it may read them before the connection breaks

_EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]


class Reply:
    """Owns the response. `head` gives what is true of every good answer, when it is asked.

    So a failure that comes before any output is an HTTP error. One that comes later is told
    in band, and the connection is broken off, so that nobody takes the answer for whole.
    """

    def __init__(self, receive: Receive, send: Send, head: Callable[[], Headers]) -> None:
        self.begun = False  # the head is out
        self.written_at = float("-inf")  # by the loop's clock: when a part was written last
        self._receive = receive
        self._send = send
        self._head = head

    async def left(self) -> None:
        """Returns when the client has closed its connection."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once. Raises ClientGone."""
        if status == 200:
            headers = [*headers, *self._head()]
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        self.begun = True
        await self._give({"type": "http.response.start", "status": status, "headers": headers})
        await self._give({"type": "http.response.body", "body": body})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """A part of a stream. Raises ClientGone."""
        self.written_at = asyncio.get_running_loop().time()
        if not self.begun:
            self.begun = True
            headers = [*_EVENT_STREAM, *self._head()]
            await self._give({"type": "http.response.start", "status": 200, "headers": headers})
        await self._give({"type": "http.response.body", "body": data, "more_body": more})

    async def break_off(self, data: bytes) -> None:
        """The last part of a stream that is not whole: whoever called returns without an end.

        Clients built on fetch drop what they have not read when a connection breaks (Streams
        standard, ReadableStreamDefaultController error), and with it why it did: they are given a
        moment. Raises ClientGone.
        """
        await self.write(data)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self.left()

    async def _give(self, message: Message) -> None:
        """Raises ClientGone if the client takes nothing for too long."""
        try:
            async with asyncio.timeout(CLIENT_PATIENCE):
                await self._send(message)
        except (TimeoutError, OSError) as error:
            raise ClientGone from error


async def unless(work: asyncio.Task[None], *ends: asyncio.Future[None]) -> None:
    """Waits for `work`, or stops it when the first of `ends` comes; raises what `work` raised."""
    try:
        await asyncio.wait({work, *ends}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
    if not work.cancelled():
        work.result()
