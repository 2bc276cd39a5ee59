"""Turn events as the plain JSON of a journal, and back: exactly what was written.

`{"type": NAME, FIELD: ...}`; a field that has its default is left out. Fields that this version
does not know are passed over, so that older and newer processes can share a journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar

from ..core.message import Audio, File, Image, Message, Native, Part, Role, Text, ToolCall
from .events import (
    Asked,
    Ended,
    MediaAdded,
    Noted,
    ReasoningAdded,
    Replaced,
    Said,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
)

Json = Mapping[str, Any]

_EVENTS: Mapping[str, type[TurnEvent]] = {
    "asked": Asked,
    "step_began": StepBegan,
    "text_added": TextAdded,
    "reasoning_added": ReasoningAdded,
    "replaced": Replaced,
    "step_ended": StepEnded,
    "tool_asked": ToolAsked,
    "media_added": MediaAdded,
    "tool_answered": ToolAnswered,
    "noted": Noted,
    "said": Said,
    "ended": Ended,
}
_PARTS: Mapping[str, type[Part]] = {"text": Text, "image": Image, "file": File, "audio": Audio}
_NAMES: Mapping[type, str] = {made: name for name, made in (*_EVENTS.items(), *_PARTS.items())}

T = TypeVar("T")


class Unreadable(ValueError):
    """An entry that no version of Holdfast writes so."""


def write_event(event: TurnEvent) -> dict[str, Any]:
    return {"type": _NAMES[type(event)], **_written(event)}


def read_event(data: Json) -> TurnEvent | None:
    """None for a type of event that only a later version knows. Raises Unreadable."""
    kind = _EVENTS.get(data.get("type", ""))
    return None if kind is None else _read(kind, data)


def read_events(entries: Iterable[Json]) -> list[TurnEvent]:
    """All that this version knows. Raises Unreadable."""
    return [event for entry in entries if (event := read_event(entry)) is not None]


def write_message(message: Message) -> dict[str, Any]:
    return _written(message)


def read_message(data: Json) -> Message:
    """Raises Unreadable."""
    return _read(Message, data)


def _written(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    written = {}
    for spec in fields(value):
        found = getattr(value, spec.name)
        default = spec.default if spec.default_factory is MISSING else spec.default_factory()
        if found != default:
            written[spec.name] = _WRITERS.get(spec.name, _as_it_is)(found)
    return written


def _read(kind: type[T], data: Any) -> T:
    if not isinstance(data, Mapping):
        raise Unreadable(f"{kind.__name__} is to be an object")
    readers, needed = _form(kind)  # type: ignore[arg-type] # a class is hashable
    if missing := [name for name in needed if name not in data]:
        raise Unreadable(f"{kind.__name__} lacks {', '.join(missing)}")
    return kind(**{name: readers[name](value) for name, value in data.items() if name in readers})


@cache
def _form(kind: type) -> tuple[Mapping[str, Callable[[Any], Any]], Sequence[str]]:
    """How each field is read, and which have no default: histories are long."""
    known = fields(kind)
    needed = [spec.name for spec in known if spec.default is spec.default_factory is MISSING]
    return {spec.name: _READERS.get(spec.name, _as_it_is) for spec in known}, needed


def _as_it_is(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _write_parts(parts: Sequence[Part]) -> list[Json]:
    return [{"type": _NAMES[type(part)], **_written(part)} for part in parts]


def _read_parts(parts: Iterable[Json]) -> tuple[Part, ...]:
    """A part of a kind that only a later version knows is left out."""
    return tuple(_read(_PARTS[name], part) for part in parts if (name := part["type"]) in _PARTS)


def _write_calls(calls: Sequence[ToolCall]) -> list[Json]:
    return [_written(call) for call in calls]


def _read_calls(calls: Iterable[Json]) -> tuple[ToolCall, ...]:
    return tuple(_read(ToolCall, call) for call in calls)


def _read_role(value: Any) -> Role:
    try:
        return Role(value)
    except ValueError:
        raise Unreadable(f"no role is called {value!r}") from None


# By the name of the field: one word means one thing in all of them.
_WRITERS: Mapping[str, Callable[[Any], Any]] = {
    "message": write_message,
    "role": lambda role: role.value,
    "parts": _write_parts,
    "calls": _write_calls,
    "native": lambda native: native and _written(native),
    "left_out": list,
    "sizes": list,
}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "message": read_message,
    "role": _read_role,
    "parts": _read_parts,
    "calls": _read_calls,
    "native": lambda native: native and _read(Native, native),
    "left_out": tuple,
    "sizes": tuple,
}
