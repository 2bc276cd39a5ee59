"""JSON as it is met in the field: read fast, read leniently where need be, always written.

Some servers cut a text between the two halves of a UTF-16 surrogate pair, each half escaped
in an event of its own. Such halves survive `loads` and are made whole by `Halves`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_HALF = re.compile("[\ud800-\udfff]")


def loads(data: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError, and nothing else, if it is none.

    Lenient: half surrogates, control characters inside strings, NaN.
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeError):
        text = data if isinstance(data, str) else data.decode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8. A half surrogate becomes U+FFFD: no reader could take it."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return mend(text).encode()


def mend(text: str) -> str:
    """`text` with surrogate pairs joined and halves without a partner replaced by U+FFFD."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
