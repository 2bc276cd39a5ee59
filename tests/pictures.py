"""Small files of each kind, as tools bring them. Imports nothing of the project's."""

from __future__ import annotations

import struct
import zlib


def png(red: int = 200, side: int = 24, noise: bytes = b"") -> bytes:
    """A square of one colour that any viewer shows; `noise` makes it larger."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes([red, 60, 90]) * side) * side
    more = chunk(b"tEXt", b"noise\0" + noise) if noise else b""
    body = chunk(b"IHDR", head) + more + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def wav(samples: int = 800) -> bytes:
    """Silence, 8 kHz."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    data = struct.pack("<4sI", b"data", samples) + b"\x80" * samples
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


PAGE = b"<!doctype html><script>alert(1)</script>"
