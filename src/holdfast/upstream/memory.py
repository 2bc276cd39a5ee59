"""A transport without sockets: the same interface, answers from a script.

For tests in virtual time and for trying a route without a network. It passes the same
phases as the real one, and waits by the event loop's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import httpx2

from ..core.failure import Phase
from .progress import CURRENT

Step = bytes | float | Exception  # send these bytes; wait so many seconds; break with this


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back. Without an exception the body ends cleanly after the last step."""

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"content-type": "text/event-stream"}
    )
    connect: float = 0.0  # seconds until the connection is made
    think: float = 0.0  # seconds until the headers are here
    error: Exception | None = None  # instead of headers


class MemoryTransport(httpx2.AsyncBaseTransport):
    """Answers each request with what `script` says. Keeps the requests for whoever asks."""

    def __init__(self, script: Callable[[httpx2.Request], Reply]) -> None:
        self.requests: list[httpx2.Request] = []
        self.open = 0  # answers that have been begun and not closed
        self._script = script

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        progress = CURRENT.get()
        reply = self._script(request)
        progress.connecting(Phase.CONNECT)
        await asyncio.sleep(reply.connect)
        self.requests.append(request)
        progress.reach(Phase.WRITE)
        progress.reach(Phase.HEADERS)
        await asyncio.sleep(reply.think)
        if reply.error:
            raise reply.error
        self.open += 1
        return httpx2.Response(reply.status, headers=reply.headers, stream=_Script(self, reply))


class _Script(httpx2.AsyncByteStream):
    def __init__(self, transport: MemoryTransport, reply: Reply) -> None:
        self._transport = transport
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._reply.steps:
            match step:
                case bytes():
                    yield step
                case Exception():
                    raise step
                case _:
                    await asyncio.sleep(step)
        CURRENT.get().ended = True

    async def aclose(self) -> None:
        self._transport.open -= 1
