"""Members of JSON objects that somebody else wrote: of the type that is wanted, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def table(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def tables(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = holder.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole(holder: Mapping[str, Any], name: str) -> int | None:
    """A count: a number that is not negative."""
    value = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return int(value) if value < 1e15 else None


def without(holder: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in holder.items() if name not in names}
