"""Ed25519 as the platform signs webhooks, with a key that is made of the bot's secret.

Source: bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/sign.html.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SEED = 32  # bytes
_SIGNATURE = 64
_HIGH_BITS = 0b1110_0000  # of the last byte, never set in a signature


class Signer:
    """Signs and verifies. The secret is repeated and cut to the length of a seed."""

    def __init__(self, secret: str) -> None:
        seed = secret.encode()
        self._key = Ed25519PrivateKey.from_private_bytes((seed * _SEED)[:_SEED])

    def sign(self, message: bytes) -> str:
        return self._key.sign(message).hex()

    def is_good(self, signature: str, message: bytes) -> bool:
        """`signature` in hexadecimal."""
        try:
            raw = bytes.fromhex(signature)
        except ValueError:
            return False
        if len(raw) != _SIGNATURE or raw[-1] & _HIGH_BITS:
            return False
        try:
            self._key.public_key().verify(raw, message)
        except InvalidSignature:
            return False
        return True
