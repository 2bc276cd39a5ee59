"""What clients send and are sent, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from holdfast.gateway.http1 import Http1

_OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Streams back what it was asked, in parts."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (scope["method"].encode(), scope["path"].encode(), body):
        await send({"type": "http.response.body", "body": part + b"|", "more_body": True})
    await send({"type": "http.response.body"})


class Line(asyncio.Transport):
    """Keeps what the server writes."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 80), "peername": ("127.0.0.1", 1)})
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return


def said(pieces: Sequence[bytes]) -> Line:
    """What a server writes that is sent `pieces`, one after the other."""

    async def serve() -> Line:
        config = Config(echo, http=Http1, ws="none", log_config=None, server_header=False)
        config.load()
        state, line = ServerState(), Line()
        protocol = Http1(config, state, {})
        protocol.connection_made(line)
        for piece in pieces:
            protocol.data_received(piece)
        while state.tasks:
            await asyncio.gather(*state.tasks)
        return line

    return asyncio.run(serve())


def post(body: bytes, more: bytes = b"", version: bytes = b"1.1", path: bytes = b"/v1") -> bytes:
    head = b"POST %s HTTP/%s\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n"
    return head % (path, version, len(body), more) + body


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_an_offer_of_http_2_is_declined_and_the_body_is_read(step: int) -> None:
    asked = post(b"hello", _OFFER) + post(b"again", path=b"/two")
    line = said([asked[at : at + step] for at in range(0, len(asked), step)])
    assert line.written.count(b"HTTP/1.1 200") == 2
    assert chunks(b"POST|", b"/v1|", b"hello|") in line.written
    assert chunks(b"POST|", b"/two|", b"again|") in line.written
    assert not line.closed


def test_many_offers_at_once_are_declined_one_after_the_other() -> None:
    assert said([post(b"", _OFFER) * 1000]).written.count(b"HTTP/1.1 200") == 1000


def test_a_body_in_chunks_is_read_after_an_offer() -> None:
    head = b"POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + _OFFER + b"\r\n"
    line = said([head + chunks(b"hel"), chunks(b"lo") + b"0\r\n\r\n"])
    assert chunks(b"POST|", b"/v1|", b"hello|") in line.written


def test_who_offers_another_protocol_and_wants_the_end_is_given_both() -> None:
    line = said([post(b"hello", b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n")])
    assert line.written.endswith(chunks(b"POST|", b"/v1|", b"hello|") + b"0\r\n\r\n")
    assert line.closed


def test_a_web_socket_is_declined_as_well() -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    line = said([b"GET /v1 HTTP/1.1\r\nHost: localhost\r\n" + offer + b"\r\n"])
    assert chunks(b"GET|", b"/v1|", b"|") in line.written


def test_no_tunnel_is_made() -> None:
    assert said([b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"]).written.startswith(b"HTTP/1.1 400")


def test_who_speaks_http_1_0_is_sent_no_chunks() -> None:
    line = said([post(b"hello", version=b"1.0")])
    head, _, body = line.written.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body == b"POST|/v1|hello|"
    assert line.closed
