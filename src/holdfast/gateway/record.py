"""Stream events as the plain JSON of a journal, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from itertools import groupby
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
    """Text that came in many pieces, in as few as say the same: those of one channel and choice
    with nothing between them, and nothing beside them.
    """
    told: list[StreamEvent] = []
    for channel, run in groupby(events, _channel):
        if channel is None:
            told += run
        else:
            kind, choice = channel
            told.append(kind("".join([event.text for event in run]), choice))  # type: ignore[union-attr]
    return told


_Text = type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta]
_TEXTS: frozenset[type[StreamEvent]] = frozenset({TextDelta, ReasoningDelta, RefusalDelta})


def _channel(event: StreamEvent) -> tuple[_Text, int] | None:
    """What a piece of text is joined by; None for all else. It is asked of every chunk there is."""
    kind = type(event)
    if kind in _TEXTS and event.extra is None:  # type: ignore[union-attr]
        return kind, event.choice  # type: ignore[union-attr,return-value]
    return None


def write(events: Sequence[StreamEvent]) -> list[Json]:
    return [_write(event) for event in events]


def read(items: Sequence[Mapping[str, Any]]) -> tuple[StreamEvent, ...]:
    return tuple(msgspec.convert(item, TYPES[item["type"]]) for item in items)


def _write(event: StreamEvent) -> Json:
    """What has its default is left out."""
    if isinstance(event, TextDelta) and event.extra is None:  # as most are
        choice = {"choice": event.choice} if event.choice else {}
        return {"type": "text", "text": event.text, **choice}
    defaults = _DEFAULTS[type(event)]
    known = {
        name: value
        for name, value in msgspec.to_builtins(event).items()
        if name not in defaults or getattr(event, name) != defaults[name]
    }
    return {"type": _NAMES[type(event)], **known}
