"""What the items of a response's output say, as far as they have come.

An item is said by its deltas, summed up by its "done" events and once more in the last response:
what was not said before is taken from there, and what is lacking between is a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...core.events import Foreign, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from ...core.failure import Failure, Kind, Phase
from ..beside import noted, with_extra
from ..decode import Item
from ..fields import grafted, table, tables, text, whole, without
from ..jsontext import dumps, loads
from ..toolargs import ToolCalls
from .known import REST
from .words import (
    ANNOTATIONS,
    BREAK,
    CUSTOM,
    DONE,
    FUNCTION,
    GAP,
    ITEM,
    ITEM_DONE,
    LOGPROBS,
    OWN,
    PART,
    RAW,
)

Event = Mapping[str, Any]
Act = Callable[["Outputs", Event], list[Item]]

_ARGUMENTS = ("arguments", 0)
_LOST = "words were lost on the way: the end tells more of them"
_OURS = frozenset({"message", "reasoning", FUNCTION, CUSTOM})


@dataclass(slots=True)
class _Output:
    """One item of the output, as far as it has come: what was `said` of each part."""

    kind: str
    fields: dict[str, Any]
    said: dict[tuple[str, int], list[str]] = field(default_factory=dict)
    annotated: dict[int, int] = field(default_factory=dict)  # annotations by part
    begun: bool = False
    closed: bool = False
    id: str = ""


class Outputs:
    """All items of one response."""

    def __init__(self) -> None:
        self.spoke = False
        self.calls = ToolCalls()
        self._items: dict[int, _Output] = {}
        self._newest: dict[int, int] = {}  # where the last item stands that was given an index
        self._begun: set[str] = set()  # kinds of items of which one has begun

    @property
    def phase(self) -> Phase:
        return Phase.STREAM if self.spoke else Phase.FIRST

    def read(self, kind: str, event: Event) -> list[Item] | None:
        """What an event of this `kind` says; None if it is not about an item that we know."""
        act = self._ACTS.get(kind)
        return act(self, event) if act else None

    def read_text(self, said: str) -> list[Item]:
        """The text that a last response tells beside its output, if nothing else was said."""
        return [] if self.spoke else self._say(0, ("text", 0), said)

    def missed(self, response: Event) -> list[Item]:
        """What only the last response says."""
        items: list[Item] = []
        places = self._places(tables(response, "output"))
        for index, item in places:
            known = self._items.get(index)
            if known is None or not known.closed:
                items += self._item_done({"output_index": index, "item": item})
        return items

    def _places(self, output: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
        """The index that each item had in the stream: not all count without gaps.

        It is known by its id. Else the first message of the one is the first of the other, and so
        with every kind.
        """
        of_kind: dict[str, list[int]] = {}
        of_id: dict[str, int] = {}
        for index in sorted(self._items):
            of_kind.setdefault(self._items[index].kind, []).append(index)
            of_id.setdefault(self._items[index].id, index)
        free = max(self._items, default=-1) + 1
        places = []
        for item in output:
            alike = of_kind.get(text(item, "type")) or [free]
            place = of_id.get(text(item, "id") or " ", alike[0])
            for others in of_kind.values():
                if place in others:
                    others.remove(place)
            places.append((place, item))
            free += 1
        return places

    # Items of the output.

    def _item_added(self, event: Event) -> list[Item]:
        item, index = table(event, "item"), self._index(event)
        kind = text(item, "type")
        fields = without(item, "content", "summary", "status")
        self._items[index] = _Output(kind, fields, id=text(item, "id"))
        if kind in (FUNCTION, CUSTOM):
            return self._call(index, item, _arguments(item), begins=True)
        return [] if kind in _OURS or not kind else [Foreign(event, open=True)]

    def _item_done(self, event: Event) -> list[Item]:
        item, index = table(event, "item"), self._index(event)
        output = self._items.get(index)
        items: list[Item] = []
        if output is None:
            items = self._item_added({**event, "type": "response.output_item.added"})
            output = self._items[index]
        output.closed, output.id = True, text(item, "id") or output.id
        output.kind = text(item, "type") or output.kind
        match output.kind:
            case "message":
                whole_text = text(item, "content")
                parts = [{"type": "text", "text": whole_text}] if whole_text else []
                for place, part in _places_of(output, parts or tables(item, "content")):
                    items += self._part_done(index, place, part)
                news = _news(output, item)
                items += [TextDelta("", extra={DONE: news})] if news else []
            case "reasoning":
                items += self._reasoning_done(index, output, item)
            case "function_call" | "custom_tool_call":
                items += self._call_rest(index, item, _arguments(item))
                bare = self.calls.complete(index)
                items += [ToolCallDelta(f.index, "", "", f.arguments) for f in bare]
                place, news = self.calls.add(index, "", "", "").index, _news(output, item)
                items += [ToolCallDelta(place, "", "", "", extra={DONE: news})] if news else []
            case _:
                return [*items, Foreign({**event, "type": ITEM_DONE})]
        return [*items, _closed(event, text(item, "status"))]

    def _reasoning_done(self, index: int, output: _Output, item: Event) -> list[Item]:
        items: list[Item] = []
        for place, part in enumerate(tables(item, "summary")):
            items += self._rest(index, ("summary", place), text(part, "text"))
        for place, part in enumerate(tables(item, "content")):
            items += self._rest(index, ("reasoning", place), text(part, "text"))
        extra: dict[str, Any] = {DONE: dict(item)}
        if not output.begun:  # nothing to be read in it: perhaps it is encrypted
            output.begun = True
            extra[ITEM] = output.fields
        return [*items, ReasoningDelta("", extra=extra)]

    def _part(self, event: Event) -> list[Item]:
        """The edge of what the deltas say."""
        output = self._items.get(self._index(event))
        return [Foreign(event, open=True)] if output and output.kind not in _OURS else []

    def _part_done(self, index: int, place: int, part: Event) -> list[Item]:
        if part.get("type") == "refusal":
            return self._rest(index, ("refusal", place), text(part, "refusal"))
        if part.get("type") not in ("output_text", "text"):
            return []
        output = self._item(index)
        logprobs = None if ("text", place) in output.said else part.get(LOGPROBS)
        items = self._rest(index, ("text", place), text(part, "text"))
        if items and logprobs and isinstance(logprobs, list) and isinstance(items[-1], TextDelta):
            items[-1] = with_extra(items[-1], LOGPROBS, logprobs)
        annotations = tables(part, ANNOTATIONS)[output.annotated.get(place, 0) :]
        return [*items, *(self._annotated(index, place, each) for each in annotations)]

    # Text of any sort.

    def _text_delta(self, event: Event) -> list[Item]:
        delta = text(event, "delta")
        logprobs = event.get(LOGPROBS)
        if not delta:
            return []
        items = self._say(self._index(event), ("text", _place(event)), delta)
        if logprobs and isinstance(logprobs, list):
            items[-1] = with_extra(items[-1], LOGPROBS, logprobs)
        return items

    def _text_done(self, event: Event) -> list[Item]:
        return self._rest(self._index(event), ("text", _place(event)), text(event, "text"))

    def _annotation(self, event: Event) -> list[Item]:
        annotation = event.get("annotation")
        return (
            [self._annotated(self._index(event), _place(event), annotation)] if annotation else []
        )

    def _annotated(self, index: int, place: int, annotation: object) -> TextDelta:
        told = self._item(index).annotated
        told[place] = told.get(place, 0) + 1
        return TextDelta("", extra={ANNOTATIONS: [annotation]})

    def _refusal_delta(self, event: Event) -> list[Item]:
        return self._say(self._index(event), ("refusal", _place(event)), text(event, "delta"))

    def _refusal_done(self, event: Event) -> list[Item]:
        return self._rest(self._index(event), ("refusal", _place(event)), text(event, "refusal"))

    def _summary_delta(self, event: Event) -> list[Item]:
        place = whole(event, "summary_index") or 0
        return self._say(self._index(event), ("summary", place), text(event, "delta"))

    def _summary_done(self, event: Event) -> list[Item]:
        place = whole(event, "summary_index") or 0
        return self._rest(self._index(event), ("summary", place), text(event, "text"))

    def _reasoning_delta(self, event: Event) -> list[Item]:
        return self._say(self._index(event), ("reasoning", _place(event)), text(event, "delta"))

    def _reasoning_text_done(self, event: Event) -> list[Item]:
        return self._rest(self._index(event), ("reasoning", _place(event)), text(event, "text"))

    def _rest(self, index: int, part: tuple[str, int], told: str) -> list[Item]:
        """What of `told`, which is the whole part, the deltas have left out.

        Words of the model are not lost in silence; that it words them otherwise is no loss.
        """
        said = self._so_far(index, part)
        if told.startswith(said):
            return self._say(index, part, told[len(said) :])
        if part[0] in ("text", "refusal") and _lacks(said, told):
            return [Failure(Kind.PROTOCOL, self.phase, detail=_LOST)]
        return []

    def _so_far(self, index: int, part: tuple[str, int]) -> str:
        return "".join(self._item(index).said.get(part, ()))

    def _say(self, index: int, part: tuple[str, int], delta: str) -> list[Item]:
        if not delta:
            return []
        self.spoke = True
        channel, _ = part
        output = self._item(index)
        output.kind = output.kind or _KINDS[channel]
        extra = self._beginning(output, part)
        output.said.setdefault(part, []).append(delta)
        make = _MAKES[channel]
        if channel == "reasoning":
            extra[RAW] = True
        if extra.pop(BREAK, False):
            return [make(GAP, extra={BREAK: True, **extra}), make(delta, extra=_raw(extra))]
        return [make(delta, extra=extra or None)]

    def _beginning(self, output: _Output, part: tuple[str, int]) -> dict[str, Any]:
        """What the first words of an item, or of a part of one, have to say beside themselves."""
        if part in output.said:
            return {}
        if not output.begun:
            output.begun = True
            again = output.kind in self._begun
            self._begun.add(output.kind)
            return {ITEM: output.fields, **({BREAK: True} if again else {})}
        if part[0] in ("summary", "reasoning"):
            return {BREAK: True}
        return {PART: True} if part[0] == "text" else {}

    def _index(self, event: Event) -> int:
        """Where its item stands; who does not count items names them, or speaks of the last.

        Where all items are given one index their ids tell them apart; who gives an item another
        id in every event counts.
        """
        index = whole(event, "output_index")
        id = text(event, "item_id") or text(table(event, "item"), "id")
        there = self._items.get(-1 if index is None else index)
        if index is not None and there and id in ("", there.id):
            return self._newest.get(index, index) if not id else index
        is_new = event.get("type") == "response.output_item.added"
        if is_new and index is not None and not there:
            return index
        known = (place for place, output in self._items.items() if id and output.id == id)
        place = next(known, None)
        return self._unnamed(event, index, id, is_new=is_new) if place is None else place

    def _unnamed(self, event: Event, index: int | None, id: str, *, is_new: bool) -> int:
        """Where an item stands of which no other event has told the `id`."""
        last = max(self._items, default=-1)
        if index is None:
            return last + 1 if is_new else max(last, 0)
        place = self._newest.get(index, index)
        there = self._items.get(place)
        if there is None or not there.id or not id:
            return place
        if is_new or (there.closed and event.get("type") == ITEM_DONE):
            place = self._newest[index] = last + 1
        return place

    def _item(self, index: int) -> _Output:
        """An upstream that announces no items has one message."""
        return self._items.setdefault(index, _Output("message", {}))

    # Tool calls.

    def _call(self, index: int, item: Event, arguments: str, *, begins: bool) -> list[Item]:
        custom = self._item(index).kind == CUSTOM
        call_id = (text(item, "call_id") or text(item, "id")) if begins else ""
        name = text(item, "name") if begins else ""
        fragment = self.calls.add(index, call_id, name, arguments, freeform=custom)
        extra = {ITEM: self._item(index).fields} if fragment.id else None
        self.spoke = True
        said = (fragment.index, fragment.id, fragment.name, fragment.arguments)
        if not (begins or any(said[1:])):
            return []
        self._item(index).said.setdefault(_ARGUMENTS, []).append(fragment.arguments)
        return [ToolCallDelta(*said, extra=extra, custom=custom)]

    def _call_delta(self, event: Event) -> list[Item]:
        return self._call(self._index(event), event, text(event, "delta"), begins=False)

    def _call_done(self, event: Event) -> list[Item]:
        return self._call_rest(self._index(event), event, _arguments(event))

    def _call_rest(self, index: int, item: Event, arguments: str) -> list[Item]:
        said = self._so_far(index, _ARGUMENTS)
        if arguments.startswith(said):
            rest = arguments[len(said) :]
            return self._call(index, item, rest, begins=False) if rest else []
        if not arguments or _is_same(said, arguments):
            return []
        detail = "the arguments of a tool call are not those that its end tells"
        return [Failure(Kind.TOOL_ARGUMENTS, self.phase, detail=detail)]

    _ACTS: ClassVar[Mapping[str, Act]] = {
        "response.output_item.added": _item_added,
        ITEM_DONE: _item_done,
        "response.content_part.added": _part,
        "response.content_part.done": _part,
        "response.output_text.delta": _text_delta,
        "response.output_text.done": _text_done,
        "response.output_text.annotation.added": _annotation,
        "response.refusal.delta": _refusal_delta,
        "response.refusal.done": _refusal_done,
        "response.reasoning_summary_part.added": _part,
        "response.reasoning_summary_part.done": _part,
        "response.reasoning_summary_text.delta": _summary_delta,
        "response.reasoning_summary_text.done": _summary_done,
        "response.reasoning_text.delta": _reasoning_delta,
        "response.reasoning_text.done": _reasoning_text_done,
        "response.function_call_arguments.delta": _call_delta,
        "response.function_call_arguments.done": _call_done,
        "response.custom_tool_call_input.delta": _call_delta,
        "response.custom_tool_call_input.done": _call_done,
    }


_KINDS = {"text": "message", "refusal": "message", "summary": "reasoning", "reasoning": "reasoning"}
_MAKES: Mapping[str, type[TextDelta] | type[ReasoningDelta] | type[RefusalDelta]] = {
    "text": TextDelta,
    "refusal": RefusalDelta,
    "summary": ReasoningDelta,
    "reasoning": ReasoningDelta,
}


def _places_of(output: _Output, parts: list[dict[str, Any]]) -> Iterable[tuple[int, Event]]:
    """`parts` of a whole message, with their places in a stream that may count from elsewhere."""
    said = sorted(place for channel, place in output.said if channel in ("text", "refusal"))
    elsewhere = bool(said) and said[-1] >= len(parts)
    return enumerate(parts, said[0] if elsewhere else 0)


def _closed(event: Event, status: str) -> Foreign:
    """That an item is over: what tells so has its place among what only this dialect knows."""
    rest = REST.of(ITEM_DONE, event)
    if status == "incomplete":
        rest = grafted({"item": {"status": status}}, rest)
    return noted(ITEM_DONE, rest)


def _lacks(said: str, told: str) -> bool:
    """Whether `told` is `said` with words more in one place: what was to stand there is lost."""
    more = len(told) - len(said)
    same = (place for place, (a, b) in enumerate(zip(said, told, strict=False)) if a != b)
    place = next(same, len(said))
    return more > 0 and told.endswith(said[place:]) and bool(told[place : place + more].strip())


def _is_same(said: str, told: str) -> bool:
    """Whether two texts are the same JSON."""
    try:
        return bool(loads(said) == loads(told))
    except ValueError:
        return False


def _news(output: _Output, item: Event) -> dict[str, Any]:
    """What an item says of itself only when it is closed."""
    told = without(item, *OWN, "id", "role").items()
    return {n: v for n, v in told if v is not None and output.fields.get(n) != v}


def _raw(extra: Mapping[str, Any]) -> dict[str, Any] | None:
    return {RAW: True} if RAW in extra else None


def _place(event: Event) -> int:
    return whole(event, "content_index") or 0


def _arguments(item: Event) -> str:
    """Arguments as JSON text; some give the object itself."""
    if isinstance(given := item.get("arguments"), dict):
        return dumps(given).decode()
    return text(item, "arguments") or text(item, "input")
