"""Joins the two halves of a surrogate pair that came in two events of one channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from ..core.failure import Failure
from .jsontext import mend

_Texts = TextDelta | ReasoningDelta | RefusalDelta
_Spoken = _Texts | ToolCallDelta
_Key = tuple[type[_Spoken], int, int]


class Halves:
    """Holds a first half back until its partner comes; at the end it becomes U+FFFD."""

    def __init__(self) -> None:
        self._held: dict[_Key, _Spoken] = {}

    def join(self, items: Sequence[StreamEvent | Failure]) -> list[StreamEvent | Failure]:
        joined: list[StreamEvent | Failure] = []
        for item in items:
            if isinstance(item, _Spoken):
                whole = self._take(item)
                if whole != _bare(whole, ""):
                    joined.append(whole)
                continue
            if isinstance(item, Finished):
                joined += (_with(event, mend(_text(event))) for event in self._held.values())
                self._held.clear()
            joined.append(item)
        return joined

    def _take(self, event: _Spoken) -> _Spoken:
        index = event.index if isinstance(event, ToolCallDelta) else 0
        key = (type(event), event.choice, index)
        before = self._held.pop(key, None)
        text = (_text(before) if before else "") + _text(event)
        if "\ud800" <= text[-1:] <= "\udbff":
            self._held[key] = _bare(event, text[-1])
            text = text[:-1]
        return _with(event, mend(text))


def _text(event: _Spoken) -> str:
    return event.arguments if isinstance(event, ToolCallDelta) else event.text


def _with(event: _Spoken, text: str) -> _Spoken:
    if isinstance(event, ToolCallDelta):
        return replace(event, arguments=text)
    return replace(event, text=text)


def _bare(event: _Spoken, half: str) -> _Spoken:
    """`half` alone: what else the event says goes out with the rest of its text."""
    match event:
        case ToolCallDelta():
            return replace(event, id="", name="", arguments=half, extra=None)
        case TextDelta() | ReasoningDelta() | RefusalDelta():
            return replace(event, text=half, extra=None)
