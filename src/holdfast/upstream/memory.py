"""A transport without sockets: the same interface, answers from a script.

For tests in virtual time and for trying a route without a network. It passes the same
phases as the real one, breaks with the same exceptions, and waits by the event loop's clock.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import httpcore2
import httpx2

from ..core.failure import Phase
from .progress import CURRENT


class Broken(Enum):
    """How a connection ends before its time."""

    CUT = "cut"  # in order (FIN), though more was due
    RESET = "reset"  # RST


Step = bytes | float | Broken | Exception  # send these bytes; wait so many seconds; break


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes back. Unless a step breaks it the body ends cleanly after the last one."""

    steps: tuple[Step, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"content-type": "text/event-stream"}
    )
    connect: float = 0.0  # seconds until the connection is made
    refused: OSError | None = None  # instead of a connection
    think: float = 0.0  # seconds until the headers are here
    error: Broken | Exception | None = None  # instead of headers


class MemoryTransport(httpx2.AsyncBaseTransport):
    """Answers each request with what `script` says. Keeps the requests for whoever asks."""

    def __init__(self, script: Callable[[httpx2.Request], Reply]) -> None:
        self.requests: list[httpx2.Request] = []
        self.open = 0  # answers that have been begun and not closed
        self._script = script

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        progress = CURRENT.get()
        reply = self._script(request)
        progress.connecting(Phase.RESOLVE)
        progress.connecting(Phase.CONNECT)
        await asyncio.sleep(reply.connect)
        if reply.refused:
            raise httpcore2.ConnectError from reply.refused
        if request.url.scheme == "https":
            progress.reach(Phase.TLS)
        self.requests.append(request)
        progress.reach(Phase.WRITE)
        progress.reach(Phase.HEADERS)
        await asyncio.sleep(reply.think)
        if reply.error:
            _break(reply.error)
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
                case int() | float():
                    await asyncio.sleep(step)
                case _:
                    _break(step)

    async def aclose(self) -> None:
        self._transport.open -= 1


def _break(how: Broken | Exception) -> None:
    match how:
        case Broken.CUT:
            CURRENT.get().ended = True
            raise httpcore2.RemoteProtocolError("the peer ended its side where more was due")
        case Broken.RESET:
            cause = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
            raise httpcore2.ReadError from cause
        case _:
            raise how
