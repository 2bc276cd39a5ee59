"""Which answers over HTTP were a tool server's own word.

The SDK tells a call that was lost, refused or answered unreadably in the form of an error, under
codes that servers use for errors of their own. What the server has said itself, or has refused by
an HTTP status, is heard here, beside the SDK: it ends the call, and nothing about it is unknown.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

import httpx2

from ..upstream.codings import layers, unpacked
from ..wire.jsontext import loads
from ..wire.sse import SseParser
from .mcp_stdio import LARGEST

LIMIT = 1024 * 1024  # bytes of an answer in which an error is looked for
_CALL = "tools/call"
UNPACKED = {"Accept-Encoding": "identity"}  # what is asked for so that it can be heard


class Overheard:
    """Listens to the answers of one client. Requests are known by the ids of JSON-RPC."""

    def __init__(self) -> None:
        self._calls: dict[Any, bool] = {}  # of tools, and whether the server ended them itself

    async def hook(self, response: httpx2.Response) -> None:
        """An event hook for responses, whose bodies nobody has read yet."""
        asked = _object(response.request.content) if response.request.method == "POST" else {}
        call = _id(asked) if asked.get("method") == _CALL else None
        if call is not None:
            self._calls[call] = 400 <= response.status_code < 500
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        coded, response.headers["content-encoding"] = layers(response.headers), "identity"
        kind = response.headers.get("content-type", "").lower()
        response.stream = _Tapped(response.stream, self, call, coded, events="event-stream" in kind)

    def ended(self, request: Any) -> bool | None:
        """Whether the server itself has ended this call with an error. None: it is no call that
        was answered.
        """
        return self._calls.pop(request, None)

    def heard(self, said: bytes, call: Any) -> None:
        """`call`: what it answers if it does not say so itself."""
        message = _object(said)
        named = _id(message)
        of = call if named is None else named
        if of in self._calls and isinstance(message.get("error"), dict):
            self._calls[of] = True
        elif "result" in message:
            self._calls.pop(of, None)


class _Tapped(httpx2.AsyncByteStream):
    def __init__(
        self,
        stream: httpx2.AsyncByteStream,
        to: Overheard,
        call: Any,
        coded: Sequence[str],
        *,
        events: bool,
    ) -> None:
        self._stream = stream
        self._coded = coded
        self._to = to
        self._call = call
        self._parser = SseParser(LIMIT) if events else None
        self._body = bytearray()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        plain: AsyncIterable[bytes] = self._stream
        for coding in self._coded:
            plain = unpacked(plain, coding)
        size = 0
        async for data in plain:
            size += len(data)
            if self._parser:
                for event in self._parser.feed(data):
                    self._to.heard(event.data, self._call)
            elif size > LARGEST:  # of events the SDK measures each
                raise httpx2.ReadError(f"an answer of more than {LARGEST >> 20} MB")
            elif len(self._body) <= LIMIT:
                self._body += data
            yield data
        if self._body:
            self._to.heard(bytes(self._body), self._call)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _id(message: dict[str, Any]) -> int | str | None:
    """Of a request or its answer: a number or a text."""
    known = message.get("id")
    return known if isinstance(known, int | str) else None
