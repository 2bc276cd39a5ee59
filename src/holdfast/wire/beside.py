"""What an upstream's event holds that nobody here has a name for, on its way to its own dialect.

It goes with the words of the event, as `BESIDE` in their `extra`. Where the event says nothing
that is told at once, it is a `Foreign` of its own, which holds it by the event's type: whoever
writes the next event of that type puts it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.events import (
    Extra,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
)
from ..core.failure import Failure
from .fields import ANY, Known, beyond, grafted

BESIDE = "beside"

Spoken = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta
Item = StreamEvent | Failure
Payload = dict[str, Any]


class Rest:
    """Finds what is left of events; `known` tells by their types what is read of them."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        self._known = known
        self._flat = {kind: flat for kind, names in known.items() if (flat := _flat(names))}

    def of(self, kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
        flat = self._flat.get(kind)
        if flat is not None and event.keys() <= flat[0]:  # as nearly always
            if not flat[1]:
                return {}
            held = event.get(flat[1])
            if isinstance(held, dict) and held.keys() <= flat[2]:
                return {}
        known = self._known.get(kind)
        return beyond(event, known) if known else {}


def _flat(known: Known) -> tuple[frozenset[str], str, frozenset[str]] | None:
    """All names, the one member that is looked into ("" if none is), and all names in it."""
    inside = [(name, names) for name, names in known.items() if names is not None]
    if ANY in known or len(inside) > 1:
        return None
    holder, names = inside[0] if inside else ("", {})
    if ANY in names or any(names.values()):
        return None
    return frozenset(known), holder, frozenset(names)


def noted(kind: str, rest: Mapping[str, Any]) -> Foreign:
    """`rest` alone, for the next event of this `kind`."""
    return Foreign({BESIDE: {kind: rest}}, content=False)


def spoken(item: Item, rest: Mapping[str, Any]) -> Item | None:
    """The item with `rest` beside its words; None if it has none."""
    return with_extra(item, BESIDE, rest) if isinstance(item, Spoken) else None


def with_extra(item: Item, name: str, value: object) -> Item:
    assert isinstance(item, Spoken)
    extra = {**(item.extra or {}), name: value}
    if isinstance(item, TextDelta):  # vendors pad each of them
        return TextDelta(item.text, item.choice, extra)
    return replace(item, extra=extra)


class Notes:
    """What has been noted for events that are yet to be written.

    `opening` is what the types of those end with that begin a part of the answer.
    """

    def __init__(self, opening: str) -> None:
        self._opening = opening
        self._by_kind: dict[str, Mapping[str, Any]] = {}

    @staticmethod
    def of(event: StreamEvent) -> Mapping[str, Any]:
        """What `event` notes, if it does nothing else: an event as it came has more members."""
        if not isinstance(event, Foreign) or len(event.extra) > 1:
            return {}
        found: Mapping[str, Any] = event.extra.get(BESIDE, {})
        return found

    def add(self, noted: Mapping[str, Any]) -> None:
        self._by_kind |= noted

    def whole(self, payload: Payload) -> Payload:
        """`payload` with what was noted for it, once."""
        if payload["type"] not in self._by_kind:
            return payload
        return grafted(payload, self._by_kind.pop(payload["type"]))

    def told(self, payloads: list[Payload], extra: Extra | None) -> list[Payload]:
        """What one event says, with all that is due to it; what it has itself is the last's."""
        whole = [self.whole(payload) for payload in payloads] if self._by_kind else payloads
        if whole and extra and BESIDE in extra:
            whole[-1] = grafted(whole[-1], extra[BESIDE])
        return whole

    def forget(self) -> None:
        """A part of the answer is over: what nobody has come for is not for the next one."""
        held = self._by_kind.items()
        self._by_kind = {kind: rest for kind, rest in held if kind.endswith(self._opening)}
