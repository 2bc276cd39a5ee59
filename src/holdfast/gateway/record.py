"""Stream events as the plain JSON of a journal, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

import msgspec

from ..core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    Restarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)

Json = dict[str, Any]

TYPES: Mapping[str, type[StreamEvent]] = {
    "text": TextDelta,
    "reasoning": ReasoningDelta,
    "refusal": RefusalDelta,
    "tool_call": ToolCallDelta,
    "usage": UsageReport,
    "foreign": Foreign,
    "restarted": Restarted,
    "finished": Finished,
}
_NAMES = {kind: name for name, kind in TYPES.items()}
_DEFAULTS = {
    kind: {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    for kind in TYPES.values()
}


def joined(events: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
    """Text that came in many pieces, in as few as say the same."""
    told: list[StreamEvent] = []
    for event in events:
        one = _one(told[-1], event) if told else None
        if one is None:
            told.append(event)
        else:
            told[-1] = one
    return told


def _one(before: StreamEvent, event: StreamEvent) -> StreamEvent | None:
    """Both in one, where they are text of one channel and choice with nothing beside it."""
    match before, event:
        case TextDelta(first, n, None), TextDelta(second, m, None) if n == m:
            return TextDelta(first + second, n)
        case ReasoningDelta(first, n, None), ReasoningDelta(second, m, None) if n == m:
            return ReasoningDelta(first + second, n)
        case RefusalDelta(first, n), RefusalDelta(second, m) if n == m:
            return RefusalDelta(first + second, n)
        case _:
            return None


def write(events: Sequence[StreamEvent]) -> list[Json]:
    return [_write(event) for event in events]


def read(items: Sequence[Mapping[str, Any]]) -> tuple[StreamEvent, ...]:
    return tuple(msgspec.convert(item, TYPES[item["type"]]) for item in items)


def _write(event: StreamEvent) -> Json:
    """What has its default is left out."""
    defaults = _DEFAULTS[type(event)]
    known = {
        name: value
        for name, value in msgspec.to_builtins(event).items()
        if name not in defaults or getattr(event, name) != defaults[name]
    }
    return {"type": _NAMES[type(event)], **known}
