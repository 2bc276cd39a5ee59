"""Reference ids: sortable by time, short enough to read aloud (ULID, Crockford base 32)."""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(milliseconds: int, entropy: bytes) -> str:
    """26 characters from Unix time in milliseconds (48 bits) and 10 random bytes."""
    if len(entropy) != 10:
        raise ValueError(f"entropy must be 10 bytes, not {len(entropy)}")
    number = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(entropy, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
