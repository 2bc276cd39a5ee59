"""TCP and TLS for httpcore on plain asyncio streams, so that every errno arrives unharmed.

Names are resolved before anything is connected: a name that does not resolve and a host
that does not answer are different failures.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, SupportsIndex

import httpcore2

from ..core.failure import Phase
from .progress import CURRENT

READ_SIZE = 64 * 1024
NEXT_ADDRESS_AFTER = 2.0  # seconds; the last address has all the time that is left


class SocketBackend(httpcore2.AsyncNetworkBackend):
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
        with _raising(httpcore2.ConnectError):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            progress.connecting(Phase.CONNECT)
            return await _connect([address[4] for address in found])

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _connect(addresses: list[Any]) -> SocketStream:
    errors: list[OSError] = []
    for number, address in enumerate(addresses, start=1):
        patience = None if number == len(addresses) else NEXT_ADDRESS_AFTER
        try:
            async with asyncio.timeout(patience):
                return await _open(address[0], address[1])
        except OSError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise ExceptionGroup("every address failed", errors)


async def _open(host: str, port: int) -> SocketStream:
    loop = asyncio.get_running_loop()
    reader = _Reader(limit=READ_SIZE, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, host, port)
    return SocketStream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


class _Reader(asyncio.StreamReader):
    """Gives what arrived before it tells what broke, and knows how much it holds.

    Bytes held for an idle connection mean that it must not be used again.
    """

    held = 0
    broken: BaseException | None = None

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        received = bytes(data)
        self.held += len(received)
        super().feed_data(received)

    def set_exception(self, exc: BaseException) -> None:
        self.broken = exc
        self.feed_eof()

    async def take(self, max_bytes: int) -> bytes:
        """b"" means that the peer has ended its side in order."""
        data = await self.read(max_bytes)
        self.held -= len(data)
        if not data and self.broken:
            raise self.broken
        return data


class SocketStream(httpcore2.AsyncNetworkStream):
    """One connection. Errors of the socket stay the causes of httpcore's."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _raising(httpcore2.ReadError):
            data = await self._reader.take(max_bytes)
        if not data:
            CURRENT.get().ended = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _raising(httpcore2.WriteError):
            if self._writer.is_closing():
                raise self._reader.broken or ConnectionResetError("the connection is gone")
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        with _raising(httpcore2.ConnectError):
            try:
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
            except (OSError, asyncio.CancelledError):
                self._writer.transport.abort()
                raise
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return bool(self._reader.held or self._reader.at_eof() or self._writer.is_closing())
        return self._writer.get_extra_info(info)


@contextmanager
def _raising(error: type[Exception]) -> Iterator[None]:
    """Speaks httpcore's language without losing what happened.

    OSError includes ssl.SSLError and TimeoutError; UnicodeError is a name no resolver takes.
    """
    try:
        yield
    except (OSError, ExceptionGroup, UnicodeError) as cause:
        raise error from cause
