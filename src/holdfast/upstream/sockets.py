"""TCP and TLS on plain asyncio, so that every errno arrives unharmed.

Names are resolved before anything is connected: a name that does not resolve and a host
that does not answer are different failures.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore2

from ..core.failure import Phase
from .bytestream import ByteStream
from .progress import CURRENT
from .resolving import Address, Resolver

OPENING = 64  # bytes of an answer that show what the peer speaks
NEXT_ADDRESS_AFTER = 2.0  # seconds; the last address has all the time that is left

# What this machine says of a whole network. An address that answered tells more.
NO_WAY = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}
    | {errno.EAFNOSUPPORT}
)


class SocketBackend(httpcore2.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._resolver = Resolver()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises httpcore2.ConnectError from the OSError, or from a group of them."""
        progress = CURRENT.get()
        progress.connecting(Phase.RESOLVE)
        with _connecting():
            found = await self._resolver.addresses(host, port)
            progress.connecting(Phase.CONNECT)
            return SocketStream(await _connect(found))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _connect(addresses: Sequence[Address]) -> ByteStream:
    """The first address that takes the connection. If none does, the last error tells most."""
    errors: list[OSError] = []
    for number, address in enumerate(addresses, start=1):
        patience = None if number == len(addresses) else NEXT_ADDRESS_AFTER
        try:
            async with asyncio.timeout(patience):
                return await _open(*address)
        except OSError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise ExceptionGroup(
        "no address took the connection", sorted(errors, key=lambda e: e.errno not in NO_WAY)
    )


async def _open(family: socket.AddressFamily, address: Any) -> ByteStream:
    loop = asyncio.get_running_loop()
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        await loop.sock_connect(connection, address)
        _, stream = await loop.create_connection(ByteStream, sock=connection)
    except (OSError, asyncio.CancelledError):
        connection.close()
        raise
    return stream


class SocketStream(httpcore2.AsyncNetworkStream):
    """One connection. Errors of the socket stay the causes of httpcore's."""

    def __init__(self, stream: ByteStream) -> None:
        self._heard = False  # something was read since the last write
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        first, self._heard = not self._heard, True
        data = await self._read(max_bytes)
        if first:
            while data and not (data := data.lstrip(b"\r\n")):  # RFC 9112, 2.2: some send them
                data = await self._read(max_bytes)
            CURRENT.get().opening = data[:OPENING]
        return data

    async def _read(self, max_bytes: int) -> bytes:
        try:
            data = await self._stream.read(max_bytes)
        except OSError as cause:
            raise httpcore2.ReadError from cause
        if not data:
            CURRENT.get().ended = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._heard = False
        try:
            await self._stream.write(buffer)
        except OSError as cause:
            # An early answer may be here; without one, it was the writing that failed.
            CURRENT.get().unsent = True
            raise httpcore2.WriteError from cause

    async def aclose(self) -> None:
        self._stream.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        with _connecting():
            await self._stream.start_tls(ssl_context, server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._stream.spoilt
        return self._stream.get_extra_info(info)


@contextmanager
def _connecting() -> Iterator[None]:
    """Speaks httpcore's language without losing what happened.

    OSError includes ssl.SSLError and TimeoutError; UnicodeError is a name no resolver takes.
    """
    try:
        yield
    except (OSError, ExceptionGroup, UnicodeError) as cause:
        raise httpcore2.ConnectError from cause
