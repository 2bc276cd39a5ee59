"""How much one client, and all together, may ask at once."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from starlette.types import Receive

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.redact import scrub
from ..wire.body import invalid

MAX_HEADERS = 64 * 1024  # bytes of all names and values
BODY_PATIENCE = 60.0  # seconds for the whole body of a request
COME_BACK = 1.0  # seconds
MOST_DIGITS = 15  # of a number in a header or a query


class ClientGone(Exception):
    """The client closed its connection: nobody is left to answer."""


class Gate:
    """Admits at most `limit` calls at a time, and none while draining."""

    def __init__(self, limit: int) -> None:
        self.inside = 0
        self.draining = False
        self._limit = limit

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Raises StreamFailed when there is no room."""
        if self.draining:
            raise _turned_away(Kind.STOPPING)
        if self.inside >= self._limit:
            raise _turned_away(Kind.CAPACITY, f"limit {self._limit}")
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


def _turned_away(kind: Kind, why: str = "") -> StreamFailed:
    return StreamFailed(Failure(kind, Phase.ADMIT, Hop.ENGINE, why, retry_after=COME_BACK))


def check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises StreamFailed."""
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
        en = f"the request headers exceed {MAX_HEADERS} bytes; send fewer or shorter ones"
        zh = f"请求头超过 {MAX_HEADERS} 字节；请减少或缩短"
        raise StreamFailed(invalid("headers_too_large", None, en, zh))


async def read_body(receive: Receive, limit: int, headers: Mapping[str, str]) -> bytes:
    """The whole body, unpacked. Raises ClientGone, or StreamFailed if there is no such thing.

    `limit` holds before and after unpacking, and for a length that is only announced: who waits
    for leave to send (Expect: 100-continue) need not send what would be refused.
    """
    if (number_in(headers.get("content-length", "")) or 0) > limit:
        raise _too_large(limit)
    coding = headers.get("content-encoding", "")
    return _unpacked(await _read(receive, limit), coding.strip().lower(), limit)


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        en = f"the request body did not arrive within {BODY_PATIENCE:g} s"
        zh = f"请求体没有在 {BODY_PATIENCE:g} 秒内送达"
        raise StreamFailed(invalid("body_timeout", None, en, zh)) from None


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        named = scrub(coding, 32)
        en = f"the request body is coded as {named}; send it plain, or as gzip"
        zh = f"请求体的编码是 {named}；请不压缩，或用 gzip 压缩"
        raise StreamFailed(invalid("unsupported_coding", None, en, zh))
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by their own headers
    try:
        plain = packed.decompress(body, limit + 1)
    except zlib.error:
        plain = b""
    if len(plain) > limit:
        raise _too_large(limit)
    if not packed.eof:
        en = f"the request body is not whole, or not {coding}; send it plain, or as gzip"
        zh = f"请求体不完整，或者不是 {coding}；请不压缩，或用 gzip 压缩"
        raise StreamFailed(invalid("invalid_coding", None, en, zh))
    return plain


def _too_large(limit: int) -> StreamFailed:
    en = f"the request body exceeds {limit} bytes; send less, or raise max_body"
    zh = f"请求体超过 {limit} 字节；请减少内容，或调大 max_body"
    return StreamFailed(invalid("body_too_large", None, en, zh))


def number_in(given: str) -> int | None:
    """A number as a client wrote it; None for what is none, or longer than any of ours."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS else None
