"""The fake model behind every gateway: `python -m bench.upstream PORT`, loopback only.

One process, asyncio and httptools on bare sockets, answers encoded once. It must never be the
limit of what is measured; the row "direct" of the report shows how far it goes.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import httptools
import msgspec
import uvloop

from .answers import Plan, document, events

CUT = b"/cut"  # under this path every answer breaks off, to see that the meter notices


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Ask(msgspec.Struct):
    model: str
    stream: bool = False
    stream_options: _StreamOptions | None = None


_DECODER = msgspec.json.Decoder(_Ask)
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_END = b"0\r\n\r\n"


def _framed(event: bytes) -> bytes:
    """An HTTP chunk (RFC 9112 section 7.1) around an event."""
    return b"%x\r\n%b\r\n" % (len(event), event)


def written(said: Sequence[bytes], plan: Plan) -> tuple[bytes, ...]:
    """What is written of these events, write by write."""
    first, *rest = [_framed(event) for event in said]
    writes = (_STREAM_HEAD + first, *rest[:-1], rest[-1] + _END)
    return (b"".join(writes),) if plan.pace is None else writes


@lru_cache(maxsize=64)
def _stream(plan: Plan, usage: bool) -> tuple[bytes, ...]:
    return written(events(plan, usage=usage), plan)


@lru_cache(maxsize=64)
def _json(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


@lru_cache(maxsize=64)
def _document(plan: Plan) -> bytes:
    return _json(document(plan))


_MODELS = b'{"object":"list","data":[]}'
_REFUSED = b'{"error":{"message":"no such model here","type":"invalid_request_error"}}'


class Upstream(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self.url = b""
        self.body: list[bytes] = []
        self._next: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own derives from nothing

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._next is not None:
            self._next.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.abort()

    def on_url(self, url: bytes) -> None:
        self.url = url
        self.body.clear()

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            self._write(_json(_MODELS))
            return
        try:
            ask = _DECODER.decode(b"".join(self.body))
            plan = Plan.of(ask.model)
        except (msgspec.DecodeError, ValueError):
            self._write(_json(_REFUSED, "404 Not Found"))
            return
        if not ask.stream:
            self.answer((_document(plan),), plan)
            return
        options = ask.stream_options
        self.answer(_stream(plan, options is not None and options.include_usage), plan)

    def answer(self, writes: tuple[bytes, ...], plan: Plan) -> None:
        if self.url.startswith(CUT):
            whole = b"".join(writes)
            self._write(whole[: len(whole) // 2])
            if self._transport is not None:
                self._transport.close()
            return
        self._write(writes[0])
        if len(writes) > 1:
            self._schedule(writes, 1, self._loop.time(), (plan.pace or 0) / 1000)

    def _schedule(self, writes: tuple[bytes, ...], index: int, began: float, pace: float) -> None:
        """A write to each turn of the loop, or each at its own time counted from the first."""
        if pace:
            at = began + index * pace
            self._next = self._loop.call_at(at, self._step, writes, index, began, pace)
        else:
            self._next = self._loop.call_soon(self._step, writes, index, began, pace)

    def _step(self, writes: tuple[bytes, ...], index: int, began: float, pace: float) -> None:
        self._write(writes[index])
        if index + 1 < len(writes):
            self._schedule(writes, index + 1, began, pace)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(loop), "127.0.0.1", port, backlog=1024)
    gc.freeze()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
