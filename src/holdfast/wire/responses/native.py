"""What a target of this dialect wants back: its reasoning, in its place among the other items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.attempt import Target
from ...core.events import StreamEvent
from ..fields import without
from .items import Items

ENCRYPTED = "encrypted_content"
INCLUDED = f"reasoning.{ENCRYPTED}"


class ResponseKeeper:
    """Implements `wire.keeping.Keeper`. Gives the items of the output, in their order."""

    def __init__(self, target: Target) -> None:
        self._items = Items("")

    def add(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            self._items.add(event)

    def native(self) -> list[dict[str, Any]] | None:
        """Nothing is stored: reasoning without its content would be looked up and not be found."""
        self._items.close()
        kept = [_told(item) for item in self._items.output if not _is_bare(item)]
        return kept if any(item["type"] == "reasoning" for item in kept) else None


def includes(target: Target) -> bool:
    """Whether it is to be asked for its reasoning in a form that can be given back."""
    return any(one.place == "item" and one.name == ENCRYPTED for one in target.returned)


def _is_bare(item: dict[str, Any]) -> bool:
    return item["type"] == "reasoning" and not (item.get(ENCRYPTED) or item.get("content"))


def _told(item: dict[str, Any]) -> dict[str, Any]:
    return item if item["type"] == "reasoning" else without(item, "id", "status")
