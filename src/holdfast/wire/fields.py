"""Members of JSON objects that somebody else wrote: of the type that is wanted, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DIGITS = 16
_MOST = 10 ** (_DIGITS - 1)  # of anything that is counted


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
    """A count: a number that is not negative; some write it as a string."""
    value = holder.get(name)
    if type(value) is int and 0 <= value < _MOST:  # as nearly always
        return value
    if isinstance(value, str) and value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return int(value) if value < _MOST else None


def without(holder: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in holder.items() if name not in names}


# What is known of an object: its members, each with what is known inside it. None is a member whose
# value is read whole; ANY stands for all members that are not named.
Known = Mapping[str, "Known | None"]
ANY = "*"


def beyond(said: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """What `said` holds that `known` has no name for, in its place; {} if nothing."""
    rest: dict[str, Any] = {}
    for name, value in said.items():
        if name not in known:
            if ANY not in known:
                rest[name] = value
            continue
        inside = known[name]
        if inside is None:
            continue
        if isinstance(value, dict):
            found: Any = beyond(value, inside)
        elif isinstance(value, list):
            found = [beyond(one, inside) if isinstance(one, dict) else {} for one in value]
            found = found if any(found) else None
        else:
            continue
        if found:
            rest[name] = found
    return rest


def grafted(ours: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """`ours` with `rest`, as `beyond` has found it, in its place. Nothing of `ours` is changed."""
    both = dict(ours)
    for name, value in rest.items():
        told = both.get(name, value)
        if isinstance(told, dict) and isinstance(value, dict):
            told = grafted(told, value)
        elif isinstance(told, list) and isinstance(value, list) and len(told) == len(value):
            told = [
                grafted(one, more) if isinstance(one, dict) and isinstance(more, dict) else one
                for one, more in zip(told, value, strict=True)
            ]
        both[name] = told
    return both
