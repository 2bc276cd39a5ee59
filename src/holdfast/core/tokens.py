"""An honest estimate of tokens where no upstream has counted them."""

from __future__ import annotations

import math


def estimate_tokens(text: str) -> int:
    """About four ASCII characters or one and a half others to a token; always flag it so."""
    ascii_count = len(text.encode("ascii", "ignore"))
    return math.ceil(ascii_count / 4 + (len(text) - ascii_count) / 1.5)
