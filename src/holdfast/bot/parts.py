"""A message to a person as it is kept: what of a turn's text is in it, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Literal, Self

from .script import Spans

Form = Literal["stream", "whole", "typing", "media"]

Owing = Literal["", "length", "window", "refused"]
"""Why a message closes although there would be more to say: too long for this chat, no further
reply is allowed, or the platform does not take the text."""


class State(Enum):
    """Where a message stands. A stream is DELIVERED frame by frame; its end is `final`."""

    SENDING = "sending"
    DELIVERED = "delivered"
    UNKNOWN = "unknown"  # the platform may have it, or a part of it; nobody sends it again
    FAILED = "failed"  # the platform has not got it; nobody sends it again


@dataclass(frozen=True, slots=True)
class Part:
    """One message, or one that grows. Its text is `lead`, the turn's text in `spans`, `tail`; of a
    "media" the script's exhibit of the number `exhibit`.

    `acked` is the place in the turn's text up to which the platform confirmed it, `seen` up to
    which the person may have it. `closing`: with it they have their end.
    """

    slot: int
    form: Form
    start: int = 0
    spans: Spans = ()
    lead: str = ""
    tail: str = ""
    state: State = State.SENDING
    final: bool = False
    closing: bool = False
    owing: Owing = ""
    void: bool = False  # it says itself that its text no longer counts
    plain: bool = False
    doubtful: bool = False  # a sending of it had an unknown outcome
    index: int = 0  # of the last frame that was sent
    message_id: str = ""
    exhibit: int = 0
    acked: int = 0
    seen: int = 0

    @property
    def end(self) -> int:
        return self.spans[-1][1] if self.spans else self.start

    @property
    def open(self) -> bool:
        """A stream that still can grow."""
        return self.form == "stream" and not self.final and self.state is State.DELIVERED

    @property
    def resume(self) -> int:
        """The place from which the telling goes on after this message."""
        if self.state is State.DELIVERED:
            return self.end
        return self.acked

    def to_json(self) -> dict[str, Any]:
        """Fields that have their default are left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {f.name: values[f.name] for f in fields(self) if values[f.name] != f.default}
        kept["state"] = self.state.value
        kept["spans"] = [list(span) for span in self.spans]
        return kept

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["state"] = State(values["state"])
        values["spans"] = tuple((start, end) for start, end in values.get("spans", ()))
        return cls(**values)
