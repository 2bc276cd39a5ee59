"""One choice of a streamed answer: what its deltas say, in whichever vendor's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core.events import (
    Extra,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from ..stops import stop_reason
from ..toolargs import ToolCalls
from .calls import read_calls
from .parts import REASONING_FIELDS, Channel, Piece, other_parts, pieces, says_something
from .repeats import Repeats
from .think import Thoughts
from .words import AROUND, BESIDE, DELTA, LOGPROBS

_DELTA_FIELDS = frozenset(
    {
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "finish_reason",
        "error",
        *REASONING_FIELDS,
    }
)
_CHOICE_FIELDS = frozenset(
    {"index", "delta", "message", "text", "finish_reason", "finishReason", "usage", "error"}
)
_PLAIN_FIELDS = _CHOICE_FIELDS | {LOGPROBS}


class Choice:
    """Mutable state of one choice."""

    def __init__(self, index: int, seed: str, vendor: str = "") -> None:
        self.index = index
        self.word: str | None = None  # the last finish reason
        self.late = False  # content has come since
        self.spoke = False  # the last delta held content
        self.unended = False  # words or calls have come without a finish reason beside them
        self.tools = ToolCalls(seed)
        self.closing: Extra = {}  # what came beside the finish reason and has no other place
        self._thoughts: Thoughts | None = Thoughts(vendor)
        self._streams = False  # it speaks in deltas
        self._repeats = {Channel.TEXT: Repeats(), Channel.REASONING: Repeats()}

    @property
    def reason(self) -> StopReason:
        reason = stop_reason(self.word or "")
        calls = reason is StopReason.END and self.tools
        return StopReason.TOOL_CALLS if calls else reason

    def read(self, choice: Mapping[str, Any], around: Mapping[str, Any]) -> Sequence[StreamEvent]:
        """`around` is what the chunk holds beside its choices and is to travel with them."""
        delta: Any = choice.get("delta")
        if delta is None and "message" not in choice and isinstance(choice.get("text"), str):
            delta = {"content": choice["text"]}  # the older form of completions
        streamed = isinstance(delta, dict) and bool(delta)
        if not streamed:
            delta = self._whole(choice.get("message"))
        elif self._is_plain(choice, delta):
            text = delta["content"]
            self.spoke = bool(text)
            text = self._repeats[Channel.TEXT].feed(text)
            if not around:
                return (TextDelta(text, self.index),) if text else ()
            extra = {AROUND: around}
            told = TextDelta(text, self.index, extra) if text else self._aside(extra)
            return (told,)
        found = pieces(delta)
        tools = read_calls(self.tools, delta, self.index)
        self.spoke = bool(found or tools)
        self._streams = self._streams or (streamed and self.spoke)
        events = [event for piece in found for event in self._events(piece)]
        extra = _extra(choice, delta, around)
        if extra and not self.spoke and choice.get("finish_reason"):
            self.closing, extra = extra, {}
        return _dressed([*events, *tools], self.index, extra)

    def end(self) -> Sequence[StreamEvent]:
        """The choice has finished: what was still held back."""
        kept = ((channel, repeats.end()) for channel, repeats in self._repeats.items())
        last = [e for c, text in kept if text for e in self._events(Piece(c, text), new=True)]
        events = self._thoughts.end() if self._thoughts else []
        rest = self.tools.complete() if self.reason in _COMPLETING else self.tools.cut()
        return [
            *last,
            *(self._event(is_reasoning, text) for is_reasoning, text in events),
            *(ToolCallDelta(f.index, f.id, f.name, f.arguments, self.index) for f in rest),
        ]

    def fault(self) -> str:
        """Why its tool calls cannot be run, unless the upstream says that it cut them."""
        return self.tools.fault() if self.reason in _COMPLETING else ""

    def _is_plain(self, choice: Mapping[str, Any], delta: Mapping[str, Any]) -> bool:
        """The common case, worth a short cut: text and nothing else, in mid-answer."""
        return (
            self._thoughts is None
            and self._streams
            and len(delta) == 1
            and isinstance(delta.get("content"), str)
            and choice.get(LOGPROBS) is None
            and choice.keys() <= _PLAIN_FIELDS
        )

    def _events(self, piece: Piece, *, new: bool = False) -> list[StreamEvent]:
        repeats = self._repeats.get(piece.channel)
        if repeats and not new:
            piece = replace(piece, text=repeats.feed(piece.text))
            if not piece.text:
                return []
        if piece.channel is Channel.TEXT and self._thoughts:
            told = [self._event(*found) for found in self._thoughts.feed(piece.text)]
            if self._thoughts.over:
                self._thoughts = None
            return told
        if piece.channel is Channel.REFUSAL:
            return [RefusalDelta(piece.text, self.index)]
        return [self._event(piece.channel is Channel.REASONING, piece.text)]

    def _event(self, is_reasoning: bool, text: str) -> StreamEvent:
        return ReasoningDelta(text, self.index) if is_reasoning else TextDelta(text, self.index)

    def _aside(self, extra: Extra) -> Foreign:
        """Of use to who knows it, and no part of the answer."""
        return Foreign(extra, self.index, content=False)

    def _whole(self, message: object) -> dict[str, Any]:
        """A `message` where a delta should be. One that comes after deltas sums them up."""
        return message if isinstance(message, dict) and not self._streams else {}


_COMPLETING = frozenset({StopReason.END, StopReason.TOOL_CALLS})


def _extra(
    choice: Mapping[str, Any], delta: Mapping[str, Any], around: Mapping[str, Any]
) -> dict[str, Any]:
    """What the vocabulary has no name for: the delta's fields, and whence others were taken."""
    extra = {k: v for k, v in delta.items() if k not in _DELTA_FIELDS and says_something(v)}
    beside = {k: v for k, v in choice.items() if k not in _CHOICE_FIELDS and says_something(v)}
    logprobs = beside.pop(LOGPROBS, None)
    parts = other_parts(delta.get("content"))
    found = ((LOGPROBS, logprobs), ("content_parts", parts), (BESIDE, beside), (AROUND, around))
    return extra | {name: value for name, value in found if value}


def _dressed(
    events: list[StreamEvent], choice: int, extra: dict[str, Any]
) -> Sequence[StreamEvent]:
    """`events` with `extra` beside the first that it fits, or on an event of its own.

    A structure in the delta is something said, such as an image. All else, such as the results of
    a filter, is told to who knows it, and proves nothing.
    """
    if not extra:
        return events
    details = extra.pop("reasoning_details", None)
    signed = {"reasoning_details": details}
    if details and not _attach(events, ReasoningDelta, signed):
        events.insert(0, ReasoningDelta("", choice, signed))
    if not extra or any(_attach(events, kind, extra) for kind in _SPOKEN):
        return events
    if _attach(events, ToolCallDelta, {DELTA: extra}):
        return events
    told = (value for name, value in extra.items() if name not in (BESIDE, AROUND))
    said = any(isinstance(value, dict | list) for value in told)
    own = TextDelta("", choice, extra) if said else Foreign(extra, choice, content=False)
    return [*events, own]


_Spoken = type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta] | type[ToolCallDelta]
_SPOKEN: Sequence[_Spoken] = (TextDelta, ReasoningDelta, RefusalDelta)


def _attach(events: list[StreamEvent], kind: _Spoken, extra: dict[str, Any]) -> bool:
    for place, event in enumerate(events):
        if isinstance(event, kind):
            events[place] = replace(event, extra={**(event.extra or {}), **extra} or None)
            return True
    return False
