"""How much one client, and all together, may ask at once."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from starlette.types import Receive

from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.redact import scrub

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
        if self.draining or self.inside >= self._limit:
            why = "the gateway is shutting down" if self.draining else f"limit {self._limit}"
            raise StreamFailed(
                Failure(Kind.CAPACITY, Phase.ADMIT, Hop.ENGINE, why, retry_after=COME_BACK)
            )
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


def check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises StreamFailed."""
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
        detail = f"the request headers exceed {MAX_HEADERS} bytes; send fewer or shorter ones"
        raise StreamFailed(_invalid("headers_too_large", detail))


async def read_body(receive: Receive, limit: int, coding: str = "") -> bytes:
    """The whole body, unpacked. Raises ClientGone, or StreamFailed if there is no such thing.

    `coding` is the request's Content-Encoding. `limit` holds before and after unpacking.
    """
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
        detail = f"the request body did not arrive within {BODY_PATIENCE:g} s"
        raise StreamFailed(_invalid("body_timeout", detail)) from None


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        detail = f"the request body is coded as {scrub(coding, 32)}; send it plain, or as gzip"
        raise StreamFailed(_invalid("unsupported_coding", detail))
    packed = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by their own headers
    try:
        plain = packed.decompress(body, limit + 1)
    except zlib.error:
        plain = b""
    if len(plain) > limit:
        raise _too_large(limit)
    if not packed.eof:
        detail = f"the request body is not whole, or not {coding}; send it plain, or as gzip"
        raise StreamFailed(_invalid("invalid_coding", detail))
    return plain


def _too_large(limit: int) -> StreamFailed:
    detail = f"the request body exceeds {limit} bytes; send less, or raise max_body"
    return StreamFailed(_invalid("body_too_large", detail))


def _invalid(code: str, detail: str) -> Failure:
    return Failure(Kind.INVALID, Phase.ADMIT, Hop.CLIENT, detail, code=code)


def number_in(given: str) -> int | None:
    """A number as a client wrote it; None for what is none, or longer than any of ours."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS else None
