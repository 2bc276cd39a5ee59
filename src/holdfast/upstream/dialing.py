"""How a connection to an origin is made: straight, or through a forward proxy."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import httpcore2
import httpx2

from ..core.failure import Phase
from .http1 import Connection, Fields
from .progress import Progress

Timeouts = Mapping[str, float | None]

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    scheme: str
    host: bytes
    port: int

    @classmethod
    def of(cls, url: httpx2.URL) -> Origin:
        if url.scheme not in _PORTS:
            raise httpcore2.UnsupportedProtocol(f"{url.scheme!r} is no kind of HTTP")
        return cls(url.scheme, url.raw_host, url.port or _PORTS[url.scheme])


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy, and the fields by which it knows us."""

    origin: Origin
    fields: Fields

    @classmethod
    def of(cls, address: str) -> Proxy:
        url = httpx2.URL(address)
        if url.scheme not in _PORTS:
            told = f"{url.scheme!r} is no kind of forward proxy we speak"
            raise httpcore2.UnsupportedProtocol(told)
        known = httpx2.Proxy(url)
        fields = list(known.headers.raw)
        if known.raw_auth is not None:
            secret = base64.b64encode(b":".join(known.raw_auth))
            fields.insert(0, (b"Proxy-Authorization", b"Basic " + secret))
        return cls(Origin.of(known.url), fields)


@dataclass(frozen=True, slots=True)
class Dialer:
    network: httpcore2.AsyncNetworkBackend
    tls: ssl.SSLContext
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        self.tls.set_alpn_protocols(["http/1.1"])

    async def dial(self, origin: Origin, progress: Progress, timeouts: Timeouts) -> Connection:
        """Raises httpcore2's exceptions, and what the network raises."""
        proxy, secure = self.proxy, origin.scheme == "https"
        there = proxy.origin if proxy else origin
        patience = timeouts.get("connect")
        stream = await self.network.connect_tcp(there.host.decode("ascii"), there.port, patience)
        connection = None
        try:
            if proxy and secure:
                if there.scheme == "https":
                    stream = await self._secured(stream, there, patience)
                await self._tunnel(Connection(stream, timeouts), proxy, origin, progress)
            if secure or there.scheme == "https":
                progress.reach(Phase.TLS)
                stream = await self._secured(stream, origin if secure else there, patience)
            connection = Connection(stream, timeouts)
        finally:
            if connection is None:
                await stream.aclose()
        return connection

    async def _secured(
        self, stream: httpcore2.AsyncNetworkStream, peer: Origin, patience: float | None
    ) -> httpcore2.AsyncNetworkStream:
        return await stream.start_tls(self.tls, peer.host.decode("ascii"), patience)

    async def _tunnel(
        self, connection: Connection, proxy: Proxy, origin: Origin, progress: Progress
    ) -> None:
        host = b"[%b]" % origin.host if b":" in origin.host else origin.host
        target = b"%b:%d" % (host, origin.port)
        fields = [(b"Host", target), (b"Accept", b"*/*"), *proxy.fields]
        await connection.ask(b"CONNECT", target, fields, b"", progress)
        if not 200 <= connection.status < 300:
            told = f"{connection.status} {connection.reason.decode('ascii', 'ignore')}"
            raise httpcore2.ProxyError(told)
