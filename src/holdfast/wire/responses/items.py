"""The output of one response, item by item: events in, the dialect's own events out.

One item is open at a time. Whoever does not stream takes the finished `output` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, assert_never

from ...core.events import (
    Extra,
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
from ..beside import BESIDE, Notes
from ..dialect import APPENDED
from ..fields import table, text, whole, without
from .namespaces import Name
from .words import (
    ANNOTATIONS,
    BREAK,
    CUSTOM,
    DONE,
    FUNCTION,
    ITEM,
    ITEM_DONE,
    LOGPROBS,
    OWN,
    PART,
    RAW,
)

Payload = dict[str, Any]
NO_SPACES: Mapping[str, Name] = MappingProxyType({})


@dataclass(slots=True)
class _Open:
    """The item that is being told. `parts` are the finished ones, `text` is of the last."""

    index: int
    item: Payload
    parts: list[Payload] = field(default_factory=list)
    part: Payload | None = None
    text: list[str] = field(default_factory=list)
    call: int | None = None  # the index of a tool call


class Items:
    """`ref` makes the ids of items that come from no upstream of this dialect, `spaces` the names.

    It says which tools in namespaces the flat names of such upstreams stand for.
    """

    def __init__(self, ref: str, spaces: Mapping[str, Name] = NO_SPACES) -> None:
        self.output: list[Payload] = []
        self._ref = ref
        self._spaces = spaces
        self._open: _Open | None = None
        self._places: dict[int, int] = {}  # an upstream's output index -> ours
        self._notes = Notes(".added")

    @property
    def plain(self) -> _Open | None:
        """The open item, if text without more can be added to it."""
        current = self._open
        is_text = current and current.part and current.part["type"] == "output_text"
        return current if is_text else None

    def add(self, event: StreamEvent) -> list[Payload]:
        if noted := Notes.of(event):
            self._notes.add(noted)
            return self._closed(noted[ITEM_DONE]) if ITEM_DONE in noted else []
        extra: Extra = getattr(event, "extra", None) or {}
        return self._notes.told(self._told(event, extra), extra)

    def _closed(self, rest: Mapping[str, Any]) -> list[Payload]:
        return self.close(text(table(rest, "item"), "status") or "completed")

    def _told(self, event: StreamEvent, extra: Extra) -> list[Payload]:
        match event:
            case TextDelta(text):
                return self._text(text, extra)
            case RefusalDelta(text):
                return [*self._edge("message", extra), *self._spoken("refusal", text)]
            case ReasoningDelta(text):
                return self._reasoning(text, extra)
            case ToolCallDelta():
                return self._call(event)
            case Foreign():
                return self._foreign(extra)
            case UsageReport() | Finished():
                return []
            case Restarted():
                raise ValueError(APPENDED)
            case _:
                assert_never(event)

    def close(self, status: str = "completed") -> list[Payload]:
        """Ends the open item, if there is one."""
        current = self._open
        if current is None:
            return []
        self._open = None
        told = self._end_part(current)
        item = {**current.item, "status": status}
        match item["type"]:
            case "message":
                item["content"] = current.parts
            case "reasoning":
                item |= _reasoned(current.parts)
                del item["status"]
            case kind:
                name = "input" if kind == CUSTOM else "arguments"
                item[name] = "".join(current.text)
                told.append(self._notes.whole(self._called(current, name, item)))
        done = self._notes.whole(_of_item(ITEM_DONE, current.index, item))
        self.output.append(done["item"])
        self._notes.forget()
        return [*told, done]

    # Messages.

    def _text(self, said: str, extra: Extra) -> list[Payload]:
        told = self._edge("message", extra)
        if BREAK in extra:  # the gap is ours to show as a new item
            return told
        if said:
            told += self._spoken("output_text", said, extra.get(LOGPROBS) or ())
        for annotation in extra.get(ANNOTATIONS) or ():
            told += self._annotated(annotation)
        self._close_with(extra, "message")
        return told

    def _close_with(self, extra: Extra, *kinds: str) -> None:
        """What an upstream says of an item only when it closes it."""
        current = self._open
        if DONE in extra and current and current.item["type"] in kinds:
            current.item |= without(extra[DONE], *OWN, "id")

    def _edge(self, kind: str, extra: Extra) -> list[Payload]:
        """Where an item begins, or a part of one."""
        if ITEM not in extra and PART not in extra:
            return []
        current = self._open
        if PART in extra and current and current.item["type"] == kind:
            return self._end_part(current)
        told = self.close()
        if ITEM in extra:
            told += self._begin(kind, extra[ITEM])
        return told

    def _spoken(self, kind: str, said: str, logprobs: Any = ()) -> list[Payload]:
        if not said:
            return []
        told = self._message()
        current = self._open
        assert current
        if current.part is None or current.part["type"] != kind:
            told += self._end_part(current)
            fresh: Payload = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
            name = "text" if kind == "output_text" else "refusal"
            told.append(self._begin_part(current, {"type": kind, name: "", **fresh}))
        assert current.part
        current.text.append(said)
        event: Payload = {"type": f"response.{kind}.delta", **self._where(current), "delta": said}
        if kind == "output_text":
            event["logprobs"] = list(logprobs)
            current.part["logprobs"] += logprobs
        return [*told, event]

    def _message(self) -> list[Payload]:
        if self._open and self._open.item["type"] == "message":
            return []
        return [*self.close(), *self._begin("message", {})]

    def _annotated(self, annotation: Any) -> list[Payload]:
        current = self._open
        if current is None or current.part is None or "annotations" not in current.part:
            return []
        current.part["annotations"].append(annotation)
        place = {"annotation_index": len(current.part["annotations"]) - 1}
        kind = "response.output_text.annotation.added"
        return [{"type": kind, **self._where(current), **place, "annotation": annotation}]

    def _begin_part(self, current: _Open, part: Payload) -> Payload:
        current.part, current.text = part, []
        told = {key: [] if isinstance(value, list) else value for key, value in part.items()}
        return {"type": "response.content_part.added", **self._where(current), "part": told}

    def _end_part(self, current: _Open) -> list[Payload]:
        part = current.part
        if part is None:
            return []
        kind, said = part["type"], "".join(current.text)
        name = "refusal" if kind == "refusal" else "text"
        part[name] = said
        where = self._where(current)
        done: Payload = {"type": f"response.{_STEMS[kind]}.done", **where, name: said}
        if kind == "output_text":
            done["logprobs"] = part["logprobs"]
        ended = self._notes.whole({"type": _PART_DONE[kind], **where, "part": part})
        current.parts.append(ended["part"])
        current.part = None
        return [self._notes.whole(done), ended]

    # Reasoning.

    def _reasoning(self, said: str, extra: Extra) -> list[Payload]:
        told: list[Payload] = []
        kind = "reasoning_text" if RAW in extra else "summary_text"
        current = self._open
        if ITEM in extra or current is None or current.item["type"] != "reasoning":
            told += self.close()
            told += self._begin("reasoning", extra.get(ITEM) or {})
            current = self._open
        assert current
        if BREAK in extra:
            return [*told, *self._end_part(current)]
        if said:
            if current.part is None or current.part["type"] != kind:
                told += self._end_part(current)
                current.part, current.text = {"type": kind, "text": ""}, []
                where = self._where(current)
                told.append({"type": _PART_ADDED[kind], **where, "part": dict(current.part)})
            current.text.append(said)
            delta = {"type": f"response.{_STEMS[kind]}.delta", **self._where(current)}
            told.append({**delta, "delta": said})
        self._close_with(extra, "reasoning")
        return told

    # Tool calls.

    def _call(self, event: ToolCallDelta) -> list[Payload]:
        told: list[Payload] = []
        current = self._open
        if current is None or current.call != event.index:
            told += self.close()
            kind = CUSTOM if event.custom else FUNCTION
            said = {"call_id": event.id, **self._named(event.name)}
            said["input" if event.custom else "arguments"] = ""
            told += self._begin(kind, (event.extra or {}).get(ITEM) or {}, said)
            current = self._open
            assert current
            current.call = event.index
        current.item["call_id"] = current.item["call_id"] or event.id
        if event.name and not current.item["name"]:
            current.item |= self._named(event.name)
        self._close_with(event.extra or {}, FUNCTION, CUSTOM)
        if event.arguments or BESIDE in (event.extra or {}):
            current.text.append(event.arguments)
            stem = "custom_tool_call_input" if event.custom else "function_call_arguments"
            where = {"item_id": current.item["id"], "output_index": current.index}
            told.append({"type": f"response.{stem}.delta", **where, "delta": event.arguments})
        return told

    def _named(self, name: str) -> Payload:
        if name not in self._spaces:
            return {"name": name}
        space, own = self._spaces[name]
        return {"name": own, "namespace": space}

    def _called(self, current: _Open, name: str, item: Payload) -> Payload:
        stem = "custom_tool_call_input" if name == "input" else "function_call_arguments"
        where = {"item_id": item["id"], "output_index": current.index}
        named = {"name": item["name"]} if name == "arguments" else {}
        return {"type": f"response.{stem}.done", **where, **named, name: item[name]}

    # What comes from an upstream of this dialect and has no other words.

    def _foreign(self, event: Extra) -> list[Payload]:
        told: list[Payload] = []
        changed = without(event, "sequence_number")
        is_item = event.get("type") in ("response.output_item.added", ITEM_DONE)
        upstream = whole(event, "output_index")
        if is_item:
            upstream = upstream or 0
        place = None if is_item else self._place_of(text(event, "item_id"))
        if place is None and upstream is not None:
            if is_item and upstream not in self._places:
                told = self.close()
                self._places[upstream] = self._next()
            place = self._places.get(upstream, self._next())  # an item that was not announced
        if place is not None:
            changed["output_index"] = place
        if is_item and place is not None:
            self.output[place : place + 1] = [table(event, "item")]
        return [*told, changed]

    def _place_of(self, id: str) -> int | None:
        """Where the item stands that an upstream of this dialect calls so."""
        if self._open and id == self._open.item["id"]:
            return self._open.index
        told = enumerate(self.output)
        return next((place for place, item in told if id and item.get("id") == id), None)

    # Items in general.

    def _begin(
        self, kind: str, given: Mapping[str, Any], said: Extra | None = None
    ) -> list[Payload]:
        """Opens an item with the upstream's own fields, if it came from this dialect."""
        index = self._next()
        ours = item_id(PREFIXES[kind], self._ref, index)
        item: Payload = {**without(given, *OWN), "id": text(given, "id") or ours, "type": kind}
        match kind:
            case "message":
                item |= {"role": "assistant", "status": "in_progress", "content": []}
            case "reasoning":
                item |= {"summary": []}
            case _:
                item |= {**(said or {}), "status": "in_progress"}
        self._open = _Open(index, item)
        told = dict(item)
        return [_of_item("response.output_item.added", index, told)]

    def _next(self) -> int:
        return len(self.output)

    def _where(self, current: _Open) -> Payload:
        where = {"item_id": current.item["id"], "output_index": current.index}
        part = current.part
        if part and part["type"] == "summary_text":
            count = sum(p["type"] == "summary_text" for p in current.parts)
            return {**where, "summary_index": count}
        count = len([p for p in current.parts if p["type"] != "summary_text"])
        return {**where, "content_index": count}


def item_id(prefix: str, ref: str, index: int) -> str:
    return f"{prefix}_{ref.lower()}{index:03d}"


def _of_item(kind: str, index: int, item: Payload) -> Payload:
    return {"type": kind, "output_index": index, "item": item}


def _reasoned(parts: list[Payload]) -> Payload:
    summary = [part for part in parts if part["type"] == "summary_text"]
    content = [part for part in parts if part["type"] == "reasoning_text"]
    return {"summary": summary, **({"content": content} if content else {})}


PREFIXES: Mapping[str, str] = {"message": "msg", "reasoning": "rs", FUNCTION: "fc", CUSTOM: "ctc"}
_STEMS = {
    "output_text": "output_text",
    "refusal": "refusal",
    "summary_text": "reasoning_summary_text",
    "reasoning_text": "reasoning_text",
}
_PART_ADDED = {
    "summary_text": "response.reasoning_summary_part.added",
    "reasoning_text": "response.content_part.added",
}
_PART_DONE = {
    "output_text": "response.content_part.done",
    "refusal": "response.content_part.done",
    "summary_text": "response.reasoning_summary_part.done",
    "reasoning_text": "response.content_part.done",
}
