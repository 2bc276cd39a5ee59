"""Bodies that are packed, and say so or not; bodies that are not, and say they were."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from holdfast.upstream.codings import PIECE, layers, unpacked

PLAIN = b'data: {"choices": []}\n\n' * 50


def deflated() -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(PLAIN) + packer.flush()


def unpack(body: bytes, coding: str, step: int) -> list[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        yield b""
        for start in range(0, len(body), step):
            yield body[start : start + step]

    async def main() -> list[bytes]:
        return [piece async for piece in unpacked(chunks(), coding)]

    return asyncio.run(main())


@pytest.mark.parametrize("step", [1, 7, 4096])
@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (PLAIN, ""),
        (PLAIN, "identity"),
        (PLAIN, "gzip"),
        (PLAIN, "br"),
        (PLAIN, "deflate"),
        (gzip.compress(PLAIN), "gzip"),
        (gzip.compress(PLAIN), "x-gzip"),
        (gzip.compress(PLAIN), ""),
        (gzip.compress(PLAIN[:100]) + gzip.compress(PLAIN[100:]), "gzip"),
        (zlib.compress(PLAIN), "deflate"),
        (deflated(), "deflate"),
        (b"\xef\xbb\xbf" + PLAIN, ""),
        (b"\x1f", ""),
        (gzip.compress(PLAIN) + bytes(9), "gzip"),
        (gzip.compress(PLAIN) + b"\nno part of it", "gzip"),
    ],
    ids=range(15),
)
def test_the_plain_bytes_come_out(body: bytes, coding: str, step: int) -> None:
    assert b"".join(unpack(body, coding, step)) in (PLAIN, body)


def test_a_packed_flood_comes_in_pieces() -> None:
    pieces = unpack(gzip.compress(bytes(5 * PIECE)), "gzip", 1 << 20)
    assert sum(map(len, pieces)) == 5 * PIECE
    assert max(map(len, pieces)) <= PIECE


@pytest.mark.parametrize(
    ("body", "coding"),
    [(bytes(range(128, 168)), "br"), (b"\x1f\x8b" + bytes(20), ""), (bytes(range(200)), "gzip")],
    ids=range(3),
)
def test_what_cannot_be_unpacked_is_not_passed_on(body: bytes, coding: str) -> None:
    with pytest.raises(httpx2.DecodingError):
        unpack(body, coding, 4096)


@pytest.mark.parametrize(
    ("headers", "undone"),
    [
        ({}, [""]),
        ({"Content-Encoding": "identity", "Transfer-Encoding": "chunked"}, [""]),
        ({"Content-Encoding": "GZIP"}, ["gzip"]),
        ({"Content-Encoding": "deflate, gzip"}, ["gzip", "deflate"]),
        ({"Transfer-Encoding": "deflate, chunked"}, ["deflate"]),
        (
            {"Content-Encoding": "gzip", "Transfer-Encoding": "deflate, chunked"},
            ["deflate", "gzip"],
        ),
    ],
    ids=range(6),
)
def test_what_was_done_last_is_undone_first(headers: dict[str, str], undone: list[str]) -> None:
    assert layers(httpx2.Headers(headers)) == undone


def test_a_body_in_two_codings_is_plain_after_both() -> None:
    once = b"".join(unpack(zlib.compress(gzip.compress(PLAIN)), "deflate", 7))
    assert b"".join(unpack(once, "gzip", 7)) == PLAIN
