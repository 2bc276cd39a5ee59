"""HTTP/1 as clients speak it: what uvicorn does, and what some of them need besides."""

from __future__ import annotations

from typing import Any

import httptools
from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle


class Http1(HttpToolsProtocol):
    """Answers in this protocol whoever offers to speak another (RFC 9110, 7.8): the JDK's client
    offers HTTP/2 with its first request. Who speaks HTTP/1.0 is sent no chunks.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = _Parser(self)

    @property
    def is_offered(self) -> bool:
        """Whether the head at hand offers another protocol."""
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    @property
    def plain_head(self) -> bytes:
        """The head that was read last, without its offer."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"\r\n"])

    def on_headers_complete(self) -> None:
        if self.is_offered:
            return  # it will be read again, without its offer
        super().on_headers_complete()
        if self.parser.get_http_version() == "1.0":
            _end_with_the_connection(self.cycle)

    def on_message_complete(self) -> None:
        if not self.is_offered:
            super().on_message_complete()


class _Parser(httptools.HttpRequestParser):
    """After an offer it takes the body for the other protocol: another parser reads on."""

    def __init__(self, protocol: Http1) -> None:
        super().__init__(protocol)
        self._protocol = protocol

    def feed_data(self, data: Any) -> None:
        parser = self
        while True:
            try:
                return super(_Parser, parser).feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                if not self._protocol.is_offered:
                    raise
                (end,) = offer.args
                data = self._protocol.plain_head + data[end:]
                parser = self._protocol.parser = _Parser(self._protocol)


def _end_with_the_connection(cycle: RequestResponseCycle) -> None:
    """Bodies without a length go out as they are (RFC 9112, 6.3)."""
    send = cycle.send

    async def unchunked(message: Message) -> None:
        cycle.chunked_encoding = False
        cycle.expected_content_length = len(message.get("body", b""))
        await send(message)  # type: ignore[arg-type]

    cycle.send = unchunked  # type: ignore[method-assign, assignment]
