"""Servers that misbehave on purpose, on real sockets of this machine."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import trustme
from tests.upstream.leaks import HANG, until, watched

T = TypeVar("T")

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


@dataclass(eq=False)
class Visit:
    """One connection that a peer has taken."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: bool = False  # the client has closed or reset it

    async def request(self) -> bytes:
        """Head and body of the next request; b"" if the client closes instead."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone = True
            return b""
        length = [line for line in head.lower().split(b"\r\n") if b"content-length:" in line]
        body = int(length[0].split(b":")[1]) if length else 0
        return head + await self.reader.readexactly(body)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """RST instead of FIN. What was written before is in the client's kernel by now."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hung_up(self) -> None:
        """Returns when the client has closed its side."""
        try:
            while await self.reader.read(65536):
                continue
        except ConnectionError:
            pass
        self.gone = True


Manner = Callable[[Visit], Awaitable[None]]


@dataclass(eq=False)
class Peer:
    port: int = 0
    visits: list[Visit] = field(default_factory=list)
    scheme: str = "http"

    def left(self) -> bool:
        """Whether whoever came first was taken in, and has gone."""
        return bool(self.visits) and self.visits[0].gone

    @property
    def url(self) -> str:
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}"


@asynccontextmanager
async def peer(manner: Manner, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A server that treats every connection in the same manner and then closes it."""
    here = Peer(scheme="https" if tls else "http")
    at_work: set[asyncio.Task[Any]] = set()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        at_work.add(task)
        visit = Visit(reader, writer)
        here.visits.append(visit)
        try:
            await manner(visit)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            visit.gone = True
        finally:
            writer.close()
            at_work.discard(task)

    server = await asyncio.start_server(receive, "127.0.0.1", 0, ssl=tls, limit=2**20)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()
        for task in tuple(at_work):
            task.cancel()
        await until(lambda: not at_work)
        for visit in here.visits:
            visit.writer.transport.abort()


class Authority:
    """A certificate authority that only those trust who were told to."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def server(self, name: str = "localhost") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name).configure_cert(context)
        return context

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context


new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` on real sockets in real time; it must be over soon and leave nothing behind."""

    async def soon() -> T:
        async with asyncio.timeout(HANG):
            return await watched(main)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(soon())
