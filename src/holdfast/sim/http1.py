"""HTTP/1.1 as a server writes it (RFC 9112), byte for byte, so that it can be spoiled."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[str, str]]

LAST_CHUNK = b"0\r\n\r\n"


def head(status: int, headers: Headers, version: str = "1.1") -> bytes:
    """The status line, without a reason phrase, and the header section with its empty line."""
    lines = [f"HTTP/{version} {status} "]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; nothing for nothing, since an empty chunk would end it."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


@dataclass(frozen=True, slots=True)
class Framing:
    """How the parts of a body go over the wire.

    `frame` turns parts into as many writes; `end` comes after the last; without an end of
    its own the body ends where the connection does.
    """

    headers: Headers
    frame: Callable[[Iterable[bytes]], Iterator[bytes]]
    end: bytes
    version: str = "1.1"

    @property
    def delimited(self) -> bool:
        return bool(self.end)


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    return map(chunk, parts)


def _single_bytes(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Every byte a chunk of its own: nothing that a reader gets is whole."""
    for part in parts:
        yield b"".join(chunk(part[at : at + 1]) for at in range(len(part)))


def _extended(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield b"%X;sim=yes\r\n%b\r\n" % (len(part), part)


def _gzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip stream over all parts, each readable as soon as it is here."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    for part in parts:
        yield chunk(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH))


def _deflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    """As above, without a sign at its beginning."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    for part in parts:
        yield chunk(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH))


_CHUNKED = (("Transfer-Encoding", "chunked"),)

CHUNKED = Framing(_CHUNKED, _chunks, LAST_CHUNK)
SINGLE_BYTES = Framing(_CHUNKED, _single_bytes, LAST_CHUNK)
EXTENDED = Framing((*_CHUNKED, ("Trailer", "X-Sim")), _extended, b"0\r\nX-Sim: yes\r\n\r\n")
GZIPPED = Framing((*_CHUNKED, ("Content-Encoding", "gzip")), _gzipped, LAST_CHUNK)
GZIP_UNSAID = Framing(_CHUNKED, _gzipped, LAST_CHUNK)
GZIP_ONLY_SAID = Framing(GZIPPED.headers, _chunks, LAST_CHUNK)
PACKED_TRANSFER = Framing((("Transfer-Encoding", "deflate, chunked"),), _deflated, LAST_CHUNK)
UNTIL_CLOSE = Framing((("Connection", "close"),), iter, b"")
HTTP_1_0 = Framing((("Connection", "close"),), iter, b"", "1.0")
