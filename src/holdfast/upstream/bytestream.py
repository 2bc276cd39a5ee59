"""The bytes of one connection, in the order in which they came, and then how it ended.

asyncio's own StreamReader forgets unread bytes when the connection breaks. Here what arrived
before a reset is read before the reset is told, and end and reset stay two things.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from typing import Any, cast

HIGH_WATER = 128 * 1024  # bytes held for a reader, from which on the peer must wait
LOW_WATER = 32 * 1024  # bytes left, from which on it may send again


class ByteStream(asyncio.Protocol):
    """One reader, one writer."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._held = bytearray()
        self._ended = False  # nothing more will come
        self._broken: Exception | None = None  # why, if it was not in order
        self._reading = True
        self._reader: asyncio.Future[None] | None = None
        self._writable = True
        self._writer: asyncio.Future[None] | None = None

    # What is asked of it.

    async def read(self, max_bytes: int) -> bytes:
        """Up to `max_bytes`; b"" once the peer has ended its side in order. Raises OSError."""
        while not self._held and not self._ended:
            self._reader = self._loop.create_future()
            await self._reader
        if not self._held and self._broken:
            raise self._broken
        data = bytes(self._held[:max_bytes])
        del self._held[:max_bytes]
        if not self._reading and len(self._held) <= LOW_WATER:
            self._reading = True
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Returns when the kernel, or a small buffer, has taken `data`. Raises OSError."""
        self._check_open()
        self._transport.write(data)
        while not self._writable:
            self._writer = self._loop.create_future()
            await self._writer
            self._check_open()

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Raises OSError, of which ssl.SSLError is one; the connection is gone then."""
        try:
            self._check_open()
            if self._held:
                raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the peer spoke before the handshake")
            secured = await self._loop.start_tls(
                self._transport, self, context, server_hostname=server_hostname
            )
        except (OSError, asyncio.CancelledError):
            self.abort()
            raise
        self._transport = cast(asyncio.Transport, secured)

    def abort(self) -> None:
        """Closes at once; what has not been sent is dropped."""
        self._transport.abort()

    @property
    def spoilt(self) -> bool:
        """Whether an idle connection must not be used again: it ended, or spoke unasked."""
        return bool(self._held) or self._ended or self._transport.is_closing()

    def get_extra_info(self, name: str) -> Any:
        return self._transport.get_extra_info(name)

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        if self._reading and len(self._held) >= HIGH_WATER:
            self._reading = False
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> None:
        """The transport closes itself: an HTTP server that ended its side has no use for ours."""
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        _wake(self._writer)

    def _end(self, broken: Exception | None) -> None:
        if not self._ended:
            self._ended, self._broken = True, broken
        _wake(self._reader)
        _wake(self._writer)

    def _check_open(self) -> None:
        if self._ended:
            raise self._broken or BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter and not waiter.done():
        waiter.set_result(None)
