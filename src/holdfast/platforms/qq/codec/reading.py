"""Fields of JSON that may be anything: absent and odd values read as nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]

_NOTHING: Json = {}


def text(source: Json, *names: str) -> str:
    """The first of these fields that holds a text that is not empty, or a number."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""


def number(source: Json, name: str) -> int | None:
    value = source.get(name)
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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
    value = source.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return otherwise
    if value.isdecimal():
        return float(value)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return otherwise
    return at.timestamp() if at.tzinfo else otherwise
