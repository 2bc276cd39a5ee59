"""HTTP/1.1 for attempts, behind httpx2's transport interface: the seam for faster ones.

It keeps httpcore's pool and parser and adds what a failure must tell: phases, errno, and
whether the peer had ended. No timeouts here: `resilience.machine` owns all clocks.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Self

import httpcore2
import httpx2

from .progress import CURRENT
from .sockets import SocketBackend, SocketStream

KEEP_ALIVE = 20.0  # seconds; below the idle limit of common proxies
MAX_IDLE = 32  # in each pool

# httpcore looks at every connection of a pool for every request. Requests go to the pool with the
# fewest under way, so one after the other they all share the first pool's connections.
POOLS = 16


@dataclass(slots=True)
class _Pool:
    core: httpcore2.AsyncConnectionPool
    busy: int = 0  # requests under way, the reading of their answers included


class HttpTransport(httpx2.AsyncBaseTransport):
    """A pool of connections, direct or through one forward proxy (http, https URL), over
    sockets of our own unless another `backend` is given.

    Requests need `extensions["trace"]` and a `Progress` in `progress.CURRENT`. Raises
    httpcore2 exceptions; `translate` tells what they mean.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        proxy: str = "",
        backend: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        through = _core_proxy(proxy, ssl_context) if proxy else None
        sockets = backend or SocketBackend()
        self._pools = [
            _Pool(
                httpcore2.AsyncConnectionPool(
                    ssl_context=ssl_context,
                    proxy=through,
                    max_connections=None,
                    max_keepalive_connections=MAX_IDLE,
                    keepalive_expiry=KEEP_ALIVE,
                    network_backend=sockets,
                )
            )
            for _ in range(POOLS)
        ]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to this request.

        Servers say 408 or worse on an idle connection before they close it. The HTTP library
        may have read that together with the answer before, and would take it for this one's.
        """
        pool = min(self._pools, key=lambda one: one.busy)
        pool.busy += 1
        answer = None
        try:
            answer = await self._ask(pool, request)
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            if CURRENT.get().reused:
                await self._forget(_core_url(request.url).origin)
            raise
        finally:
            pool.busy -= answer is None
        return answer

    async def _forget(self, origin: httpcore2.Origin) -> None:
        """A kept-alive connection failed: the others to that peer may be as dead as it was."""
        for pool in self._pools:
            for connection in pool.core.connections:
                if connection.can_handle_request(origin) and connection.is_idle():
                    await connection.aclose()

    async def _ask(self, pool: _Pool, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, AsyncIterable)
        answer = await pool.core.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=_core_url(request.url),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        stream = answer.extensions["network_stream"]
        if isinstance(stream, SocketStream) and not stream.heard:
            await answer.aclose()
            CURRENT.get().ended = True
            raise httpcore2.RemoteProtocolError("the answer was here before the question")
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, pool),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        for pool in self._pools:
            await pool.core.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


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
    def __init__(self, answer: httpcore2.Response, pool: _Pool) -> None:
        self._answer = answer
        self._pool: _Pool | None = pool  # until it is closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._answer.stream, AsyncIterable)
        return aiter(self._answer.stream)

    async def aclose(self) -> None:
        if self._pool is not None:
            self._pool.busy -= 1
            self._pool = None
        await self._answer.aclose()


def _core_proxy(address: str, ssl_context: ssl.SSLContext) -> httpcore2.Proxy:
    url = httpx2.URL(address)
    if url.scheme not in ("http", "https"):
        raise httpcore2.UnsupportedProtocol(f"{url.scheme!r} is no kind of forward proxy we speak")
    proxy = httpx2.Proxy(url)
    return httpcore2.Proxy(
        _core_url(proxy.url),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=ssl_context if url.scheme == "https" else None,
    )


def _core_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
