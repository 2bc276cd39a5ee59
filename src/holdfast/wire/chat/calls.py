"""Tool calls out of a delta: `tool_calls` of any vendor, custom tools, the old `function_call`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.events import ToolCallDelta
from ..jsontext import dumps
from ..toolargs import Fragment, ToolCalls
from .words import LEGACY

_CALL_FIELDS = frozenset({"index", "id", "type", "function", "custom"})
_FUNCTION_FIELDS = frozenset({"name", "arguments", "input"})


def read_calls(calls: ToolCalls, delta: Mapping[str, Any], choice: int) -> list[ToolCallDelta]:
    """What the delta adds to `calls`. Fragments that add nothing are left out."""
    found = delta.get("tool_calls")
    if isinstance(found, dict):
        found = [found]
    if isinstance(found, list) and found:
        events = [_call(calls, item, choice) for item in found if isinstance(item, dict)]
    elif isinstance(function := delta.get("function_call"), dict):
        events = [_function_call(calls, function, choice)]
    else:
        return []
    return [event for event in events if _adds(event)]


def _call(calls: ToolCalls, item: Mapping[str, Any], choice: int) -> ToolCallDelta:
    function = item.get("function")
    freeform = isinstance(item.get("custom"), dict)
    if freeform:
        function = item["custom"]
    flat = not isinstance(function, dict)
    if not isinstance(function, dict):  # name and arguments stand beside the id (Workers AI)
        function = item
    fragment = calls.add(
        _place(item.get("index")),
        _word(item.get("id")),
        _word(function.get("name")),
        _arguments(function.get("input" if freeform else "arguments")),
        freeform=freeform,
    )
    extra = _others(item, _CALL_FIELDS | _FUNCTION_FIELDS if flat else _CALL_FIELDS)
    if not flat and (inside := _others(function, _FUNCTION_FIELDS)):
        extra["function"] = inside
    return _event(fragment, choice, extra, custom=freeform)


def _function_call(calls: ToolCalls, function: Mapping[str, Any], choice: int) -> ToolCallDelta:
    name, arguments = _word(function.get("name")), _arguments(function.get("arguments"))
    inside = _others(function, _FUNCTION_FIELDS)
    extra = {"type": LEGACY, **({"function": inside} if inside else {})}
    return _event(calls.add(0, "", name, arguments), choice, extra)


def _others(holder: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {k: v for k, v in holder.items() if k not in known and v is not None}


def _event(
    fragment: Fragment, choice: int, extra: dict[str, Any], *, custom: bool = False
) -> ToolCallDelta:
    said = (fragment.index, fragment.id, fragment.name, fragment.arguments)
    return ToolCallDelta(*said, choice, extra or None, custom)


def _adds(event: ToolCallDelta) -> bool:
    news = event.extra and event.extra.keys() - {"type"}
    return bool(event.id or event.name or event.arguments or news)


def _place(index: object) -> int | None:
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _word(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _arguments(value: object) -> str:
    """Arguments as JSON text; some servers give the object itself."""
    if isinstance(value, str):
        return value
    return dumps(value).decode() if isinstance(value, dict) else ""
