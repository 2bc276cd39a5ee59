"""What a chat target wants back with the calls that it made: fields of the message and of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.attempt import Target
from ...core.events import StreamEvent
from ..dialect import Head
from ..fields import table, tables, text
from .assemble import ChatAssembler

_DETAILS = "reasoning_details"
_PIECES = ("text", "summary", "data")  # of a detail, that are streamed in fragments


class ChatKeeper:
    """Implements `wire.keeping.Keeper`. Gives `{"message": FIELDS, "calls": {ID: FIELDS}}`."""

    def __init__(self, target: Target) -> None:
        self._returned = target.returned
        self._answer = ChatAssembler(Head("", 0, ""))

    def add(self, events: Sequence[StreamEvent]) -> None:
        self._answer.add(events)

    def native(self) -> dict[str, Any] | None:
        message = self._answer.message()
        calls = {text(call, "id"): self._of("call", call) for call in tables(message, "tool_calls")}
        kept = self._of("message", message)
        if _DETAILS in kept:
            kept[_DETAILS] = _joined(tables(kept, _DETAILS))
        found = {"message": kept, "calls": {id: of for id, of in calls.items() if of}}
        return found if any(found.values()) else None

    def _of(self, place: str, holder: Mapping[str, Any]) -> dict[str, Any]:
        names = [one.name for one in self._returned if one.place == place]
        return {name: holder[name] for name in names if holder.get(name)}


def put_back(written: dict[str, Any], target: Target, native: Mapping[str, Any]) -> None:
    """Gives an assistant message with calls the fields that `target` wants in it."""
    calls = written["tool_calls"]
    kept = table(native, "calls")
    for one in target.returned:
        if one.place == "message":
            value = table(native, "message").get(one.name) or one.missing
            if value:
                written[one.name] = value
        elif one.place == "call":
            found = [(call, table(kept, call["id"]).get(one.name)) for call in calls]
            for call, value in found:
                if value:
                    call[one.name] = value
            if one.missing and not any(value for _, value in found):
                calls[0][one.name] = one.missing  # vendors sign the first of parallel calls


def _joined(details: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Details whole again: the fragments of one have its type and index."""
    joined: list[dict[str, Any]] = []
    for detail in details:
        last = joined[-1] if joined else {}
        same = all(last.get(name) == detail.get(name) for name in ("type", "index"))
        if not (joined and same and "index" in detail):
            joined.append(dict(detail))
            continue
        for name, value in detail.items():
            pieces = name in _PIECES and isinstance(value, str)
            if value is not None:
                last[name] = text(last, name) + value if pieces else value
    return joined
