"""HTTP/1.1 for attempts, behind httpx2's transport interface: kept-alive connections.

It tells what a failure must: phases, errno, and whether the peer had ended. No timeouts here:
`resilience.machine` owns all clocks.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from functools import cache
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from .dialing import Dialer, Origin, Proxy
from .http1 import Connection
from .progress import CURRENT, Progress
from .sockets import SocketBackend

KEEP_ALIVE = 20.0  # seconds; below the idle limit of common proxies
MAX_IDLE = 256  # connections to one origin


class HttpTransport(httpx2.AsyncBaseTransport):
    """Connections made directly or through one forward proxy (http, https URL), over sockets of
    our own unless another `backend` is given, whose reads are timed by `extensions["timeout"]`.

    How far a request has come is told to the `Progress` in `progress.CURRENT`. Raises httpcore2
    exceptions; `translate` tells what they mean. There is no HEAD.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        proxy: str = "",
        backend: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        through = Proxy.of(proxy) if proxy else None
        self._dialer = Dialer(backend or SocketBackend(), ssl_context, through)
        self._open: set[Connection] = set()
        self._idle: dict[Origin, deque[Connection]] = {}  # those that were used last, last

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, AsyncIterable)
        progress = CURRENT.get(None) or Progress(lambda phase: None)
        origin = Origin.of(request.url)
        target, fields = request.url.raw_path, request.headers.raw
        if self._dialer.proxy and origin.scheme == "http":
            target = str(request.url.copy_with(fragment=None)).encode("ascii")
            fields = [*self._dialer.proxy.fields, *fields]
        body = b"".join([part async for part in request.stream])
        connection = await self._kept(origin)
        if connection is None:
            timeouts = request.extensions.get("timeout", {})
            connection = await self._dialer.dial(origin, progress, timeouts)
            self._open.add(connection)
        try:
            await connection.ask(request.method.encode("ascii"), target, fields, body, progress)
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            if progress.reused:
                await self._forget(origin)
            raise
        finally:
            if not connection.status:
                await self._drop(connection)
        stream = _Body(connection, lambda: self._release(connection, origin))
        return httpx2.Response(connection.status, headers=connection.fields, stream=stream)

    async def aclose(self) -> None:
        self._idle.clear()
        for connection in list(self._open):
            await self._drop(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def _kept(self, origin: Origin) -> Connection | None:
        """The one that was used last: the others are left to grow old."""
        now = asyncio.get_running_loop().time()
        for idle in list(self._idle.values()):
            while idle and idle[0].idle_until < now:
                await self._drop(idle.popleft())
        idle = self._idle.get(origin, deque())
        while idle:
            connection = idle.pop()
            if connection.lasting:
                return connection
            await self._drop(connection)
        return None

    async def _release(self, connection: Connection, origin: Origin) -> None:
        if connection not in self._open or not connection.lasting:
            await self._drop(connection)
            return
        connection.idle_until = asyncio.get_running_loop().time() + KEEP_ALIVE
        idle = self._idle.setdefault(origin, deque())
        idle.append(connection)
        if len(idle) > MAX_IDLE:
            await self._drop(idle.popleft())

    async def _forget(self, origin: Origin) -> None:
        """A kept-alive connection failed: the others to that peer may be as dead as it was."""
        for connection in self._idle.pop(origin, ()):
            await self._drop(connection)

    async def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        await connection.aclose()


@cache
def trusted() -> ssl.SSLContext:
    """Who is trusted on this machine: read once, since it takes most of a start."""
    return httpx2.create_ssl_context()


class Transports:
    """One transport per forward proxy, made when first needed; "" goes direct."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self._ssl_context = ssl_context or trusted()
        self._made: dict[str, HttpTransport] = {}

    def __call__(self, proxy: str = "") -> HttpTransport:
        if proxy not in self._made:
            self._made[proxy] = HttpTransport(self._ssl_context, proxy)
        return self._made[proxy]

    async def aclose(self) -> None:
        for transport in self._made.values():
            await transport.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, connection: Connection, release: Callable[[], Awaitable[None]]) -> None:
        self._connection = connection
        self._release: Callable[[], Awaitable[None]] | None = release  # until it is closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._connection.piece()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            await release()
