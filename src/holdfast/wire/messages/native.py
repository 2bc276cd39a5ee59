"""What a target of this dialect wants back: its thinking, in its place among the other blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.attempt import Target
from ...core.events import StreamEvent
from ..dialect import Head
from ..fields import text
from .serve import MessageAssembler

THINKING = "thinking"
_THOUGHTS = frozenset({THINKING, "redacted_thinking"})


class MessageKeeper:
    """Implements `wire.keeping.Keeper`. Gives the blocks of the message, in their order."""

    def __init__(self, target: Target) -> None:
        self._answer = MessageAssembler(Head("", 0, ""))

    def add(self, events: Sequence[StreamEvent]) -> None:
        self._answer.add(events)

    def native(self) -> list[dict[str, Any]] | None:
        """An empty text would be refused, and so would thinking that nobody has signed."""
        blocks = self._answer.blocks()
        kept = [block for block in blocks if block.get("type") != "text" or text(block, "text")]
        return kept if any(block.get("type") in _THOUGHTS for block in kept) else None


def missing(target: Target) -> list[dict[str, Any]]:
    """What stands for the thinking of another model, where the target wants to see some."""
    return [
        {"type": THINKING, THINKING: one.missing, "signature": ""}
        for one in target.returned
        if one.place == "block" and one.name == THINKING and one.missing
    ]
