"""Messages to a bot as the plain JSON of a turn's body, and back: exactly what was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .event import Attachment, Inbound, Notice, NoticeKind, Person, Place, Scene

Json = Mapping[str, Any]


def write_inbound(inbound: Inbound | Notice) -> dict[str, Any]:
    written = asdict(inbound)
    written["place"] = write_place(inbound.place)
    if isinstance(inbound, Notice):
        written["kind"] = inbound.kind.value
    return written


def read_inbound(data: Json) -> Inbound | Notice:
    values = {**data, "place": read_place(data["place"])}
    if "sender" not in data:
        return Notice(**{**values, "kind": NoticeKind(data["kind"])})
    values["sender"] = Person(**data["sender"])
    values["attachments"] = tuple(Attachment(**one) for one in data.get("attachments", ()))
    return Inbound(**values)


def write_place(place: Place) -> dict[str, Any]:
    return {
        "conversation": place.conversation,
        "scene": place.scene.value,
        "anchor": dict(place.anchor),
    }


def read_place(data: Json) -> Place:
    return Place(data["conversation"], Scene(data["scene"]), data["anchor"])
