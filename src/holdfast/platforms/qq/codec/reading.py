"""Fields of JSON that may be anything: absent and odd values read as nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ....wire.jsontext import mend

Json = Mapping[str, Any]

_NOTHING: Json = {}
_DIGITS = re.compile(r"[0-9]{1,19}")
_TOO_LARGE = 1 << 63


def text(source: Json, *names: str) -> str:
    """The first of these fields that holds a text that is not empty, or a number. Half an emoji
    becomes U+FFFD: nobody could be told it again.
    """
    for name in names:
        value = source.get(name)
        if isinstance(value, str) and value:
            return mend(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def number(source: Json, name: str) -> int | None:
    """An integer, or a text of digits, of at most 64 bits."""
    value = source.get(name)
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) < _TOO_LARGE else None


def amount(source: Json, name: str) -> float | None:
    """A number, or a text of one; None for what is none or has no end."""
    value = source.get(name)
    try:
        told = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return told if math.isfinite(told) else None


def table(source: Json, name: str) -> Json:
    value = source.get(name)
    return value if isinstance(value, dict) else _NOTHING


def tables(source: Json, name: str) -> Iterator[Json]:
    value = source.get(name)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


def moment(source: Json, name: str, otherwise: float) -> float:
    """Unix seconds: a number, a text of digits, or RFC 3339."""
    seconds = number(source, name)
    if seconds is not None:
        return float(seconds)
    value = source.get(name)
    if isinstance(value, float):
        return value if math.isfinite(value) else otherwise
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        return at.timestamp() if at and at.tzinfo else otherwise
    except (ValueError, OverflowError):
        return otherwise
