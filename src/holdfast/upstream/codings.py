"""Bodies that are compressed, though none was asked for, whatever their headers say.

Proxies unpack a body and leave its label, or pack it without one, so the first bytes decide.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, AsyncIterable

import httpx2

from ..wire.lenient import is_text

PIECE = 1 << 20  # bytes that are unpacked at once
ENOUGH = 7  # bytes that show whether a body is deflated
_GZIP, _BOM = b"\x1f\x8b", b"\xef\xbb\xbf"
_EITHER, _RAW = zlib.MAX_WBITS | 32, -zlib.MAX_WBITS  # gzip or zlib by their headers; neither


_NONE = frozenset({"", "identity", "chunked"})


def layers(headers: httpx2.Headers) -> list[str]:
    """The codings that a body says it is in, the outermost first; "" if it says none.

    What is coded for its way (RFC 9112, 7) is so after all else.
    """
    said = f"{headers.get('content-encoding', '')},{headers.get('transfer-encoding', '')}"
    codings = [coding.strip() for coding in said.lower().split(",")]
    return [coding for coding in reversed(codings) if coding not in _NONE] or [""]


async def unpacked(chunks: AsyncIterable[bytes], coding: str) -> AsyncGenerator[bytes]:
    """The plain bytes of a body labelled `coding`. Raises httpx2.DecodingError."""
    inflate: _Inflate | None = None
    start: bytes | None = b""  # while what the body is stays open
    async for chunk in chunks:
        data = chunk
        if start is not None:
            start += chunk
            if _is_open(start, coding):
                continue
            data, start = start, None
            inflate = _inflate(data, coding)
        if inflate is None:
            yield data
            continue
        for piece in inflate.feed(data):
            yield piece
    if start:
        yield start


def _is_open(start: bytes, coding: str) -> bool:
    """Whether more must come before it shows what a body is that starts so."""
    marked = any(mark.startswith(start) for mark in (_GZIP, _BOM))
    return marked or (coding == "deflate" and len(start) < ENOUGH)


def _inflate(start: bytes, coding: str) -> _Inflate | None:
    """What unpacks a body that begins so; None where it is plain."""
    if start.startswith(_GZIP):
        return _Inflate(_EITHER)
    if coding == "deflate":
        for bits in (_EITHER, _RAW):
            try:
                zlib.decompressobj(bits).decompress(start, PIECE)
            except zlib.error:
                continue
            return _Inflate(bits)
    if is_text(start.decode("utf-8", "replace")):
        return None
    raise httpx2.DecodingError(f"the body is coded as {coding or 'nobody knows what'}")


class _Inflate:
    """One body, which may be several packed ones after each other."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._packed = zlib.decompressobj(bits)

    def feed(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        try:
            while data:
                if self._packed.eof and not data.startswith(_GZIP[:1]):
                    return pieces  # what is padded behind a whole body is no part of it
                if self._packed.eof:
                    self._packed = zlib.decompressobj(self._bits)
                pieces.append(self._packed.decompress(data, PIECE))
                data = self._packed.unconsumed_tail or self._packed.unused_data
        except zlib.error as error:
            raise httpx2.DecodingError(str(error)) from error
        return pieces
