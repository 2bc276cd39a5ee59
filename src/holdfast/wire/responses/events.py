"""What the events of a response say, and whether they add up to a whole one.

Only `response.completed`, `response.incomplete`, `response.failed` and `error` end a response.
Whoever leaves deltas out still says everything in the "done" events or in the last response:
what was not said before is taken from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    StopReason,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ...core.failure import Failure, Kind, Phase
from ..classify import classify_event, finish_failure
from ..decode import Item
from ..fields import table, tables, text, whole, without
from ..jsontext import dumps
from ..stops import stop_reason
from ..toolargs import ToolCalls
from ..trouble import error_of
from .words import (
    ANNOTATIONS,
    BREAK,
    CUSTOM,
    DONE,
    FUNCTION,
    GAP,
    INCOMPLETE,
    ITEM,
    LIFECYCLE,
    LOGPROBS,
    OWN,
    PART,
    RAW,
)

Event = Mapping[str, Any]
Act = Callable[["EventReader", Event], list[Item]]

# They keep the line alive and belong to no response.
_NOTHING = frozenset({"keepalive", "ping", "response.heartbeat"})
_OURS = frozenset({"message", "reasoning", FUNCTION, CUSTOM})
# Events that close what their deltas have said already.
_CLOSING = frozenset({"response.content_part.added", "response.content_part.done"})


@dataclass(slots=True)
class _Output:
    """One item of the output, as far as it has come. `said` counts characters by part."""

    kind: str
    fields: dict[str, Any]
    said: dict[tuple[str, int], int] = field(default_factory=dict)
    begun: bool = False
    closed: bool = False


class EventReader:
    """Implements `wire.decode.Reader`."""

    dialect = "responses"

    def __init__(self) -> None:
        self.began = False
        self.told = False
        self.over = False
        self._spoke = False
        self._outputs: dict[int, _Output] = {}
        self._begun: set[str] = set()  # kinds of items of which one has begun
        self._calls = ToolCalls()
        self._described = False  # the response itself was passed on

    @property
    def phase(self) -> Phase:
        return Phase.STREAM if self._spoke else Phase.FIRST

    def read(self, chunk: Event) -> list[Item]:
        self.began = True
        kind = chunk.get("type")
        if not isinstance(kind, str):
            error = error_of(chunk)
            return [] if error is None else [classify_event(error, self.phase)]
        act = self._ACTS.get(kind)
        if act:
            return act(self, chunk)
        if kind in _NOTHING:
            return []
        output = self._outputs.get(_index(chunk))
        if output and output.kind in _OURS and kind in _CLOSING:
            return []
        return [Foreign(chunk, content="output_index" in chunk)]

    def is_whole(self, body: Event) -> bool:
        return body.get("object") == "response" and text(body, "status") in self._ENDS

    def read_body(self, body: Event) -> list[Item] | None:
        if body.get("object") != "response" and not isinstance(body.get("output"), list):
            return None
        self.began = True
        status = text(body, "status")
        items = [] if self._described else self._describe({"response": body})
        if status in self._ENDS:
            return [*items, *self._ENDS[status](self, {"response": body})]
        detail = f"the response is no more than {status or 'begun'}"
        return [Failure(Kind.TRUNCATED, Phase.END, detail=detail)]

    def end(self, *, marked: bool) -> list[Item]:
        if self.told:
            return []
        end = "the end marker came" if marked else "the bytes ended"
        if not self.began:
            return [Failure(Kind.EMPTY, Phase.END, detail=f"{end} and nothing before")]
        detail = f"{end} without response.completed"
        return [Failure(Kind.TRUNCATED, Phase.END, detail=detail)]

    # The response itself.

    def _describe(self, event: Event) -> list[Item]:
        if self._described:
            return []
        self._described = True
        response = table(event, "response")
        said = {"type": "response.created", "response": without(response, "output", "usage")}
        return [Foreign(said, content=False)]

    def _ended(self, event: Event) -> list[Item]:
        """The status counts: some end every response with the same event."""
        status = text(table(event, "response"), "status")
        return self._ENDS.get(status, EventReader._completed)(self, event)

    def _completed(self, event: Event) -> list[Item]:
        response = table(event, "response")
        items = self._missed(response)
        if not self._spoke:
            items += self._say(0, ("text", 0), text(response, "output_text"))
        items += [ToolCallDelta(f.index, "", "", f.arguments) for f in self._calls.complete()]
        fault = self._calls.fault()
        if fault:
            return [*items, Failure(Kind.TOOL_ARGUMENTS, Phase.STREAM, detail=fault)]
        reason = StopReason.TOOL_CALLS if self._calls else StopReason.END
        return items + self._finish(response, reason, "completed")

    def _incomplete(self, event: Event) -> list[Item]:
        response = table(event, "response")
        word = text(table(response, "incomplete_details"), "reason")
        failure = finish_failure(word, self.phase)
        items = self._missed(response)
        if failure:
            return [*items, failure]
        reason = INCOMPLETE.get(word) or stop_reason(word)
        cut = StopReason.LENGTH if reason is StopReason.END and word not in INCOMPLETE else reason
        return items + self._finish(response, cut, word)

    def _failed(self, event: Event) -> list[Item]:
        response = table(event, "response")
        error = response.get("error") or event.get("error") or response.get("status_details")
        if not error:
            word = text(response, "status") or "failed"
            failure = finish_failure(word, self.phase)
            return [failure or Failure(Kind.SERVER_ERROR, self.phase, detail=word)]
        return [classify_event(error, self.phase)]

    def _error(self, event: Event) -> list[Item]:
        error = event.get("error") or without(event, "type", "sequence_number")
        return [classify_event(error, self.phase)]

    def _finish(self, response: Event, reason: StopReason, word: str) -> list[Item]:
        self.told = self.over = True
        usage = _usage(table(response, "usage"))
        extra = without(response, "output", "usage")
        return [*([usage] if usage else []), Finished(reason, word=word, extra=extra or None)]

    def _missed(self, response: Event) -> list[Item]:
        """What only the last response says."""
        items: list[Item] = []
        places = self._places(tables(response, "output"))
        for index, item in places:
            known = self._outputs.get(index)
            if known is None or not known.closed:
                items += self._item_done({"output_index": index, "item": item})
        return items

    def _places(self, output: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
        """The index that each item had in the stream: not all count without gaps.

        The first message of the one is the first of the other, and so with every kind.
        """
        of_kind: dict[str, list[int]] = {}
        for index in sorted(self._outputs):
            of_kind.setdefault(self._outputs[index].kind, []).append(index)
        free = max(self._outputs, default=-1) + 1
        places = []
        for item in output:
            known = of_kind.get(text(item, "type"))
            places.append((known.pop(0) if known else free, item))
            free += 1
        return places

    # Items of the output.

    def _item_added(self, event: Event) -> list[Item]:
        item, index = table(event, "item"), _index(event)
        kind = text(item, "type")
        self._outputs[index] = _Output(kind, without(item, "content", "summary", "status"))
        if kind in (FUNCTION, CUSTOM):
            return self._call(index, item, _arguments(item), begins=True)
        return [] if kind in _OURS else [Foreign(event)]

    def _item_done(self, event: Event) -> list[Item]:
        item, index = table(event, "item"), _index(event)
        output = self._outputs.get(index)
        items: list[Item] = []
        if output is None:
            items = self._item_added({**event, "type": "response.output_item.added"})
            output = self._outputs[index]
        output.closed = True
        match output.kind:
            case "message":
                whole_text = text(item, "content")
                parts = [{"type": "text", "text": whole_text}] if whole_text else []
                for place, part in enumerate(parts or tables(item, "content")):
                    items += self._part_done(index, place, part)
                news = _news(output, item)
                items += [TextDelta("", extra={DONE: news})] if news else []
            case "reasoning":
                items += self._reasoning_done(index, output, item)
            case "function_call" | "custom_tool_call":
                items += self._call_rest(index, item, _arguments(item))
                place, news = self._calls.add(index, "", "", "").index, _news(output, item)
                items += [ToolCallDelta(place, "", "", "", extra={DONE: news})] if news else []
            case _:
                items.append(Foreign({**event, "type": "response.output_item.done"}))
        return items

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

    def _part_done(self, index: int, place: int, part: Event) -> list[Item]:
        if part.get("type") == "refusal":
            return self._rest(index, ("refusal", place), text(part, "refusal"))
        if part.get("type") not in ("output_text", "text"):
            return []
        unsaid = ("text", place) not in self._output(index).said
        items = self._rest(index, ("text", place), text(part, "text"))
        extra = {n: part[n] for n in (ANNOTATIONS, LOGPROBS) if part.get(n)}
        return [*items, TextDelta("", extra=extra)] if unsaid and extra else items

    # Text of any sort.

    def _text_delta(self, event: Event) -> list[Item]:
        delta = text(event, "delta")
        logprobs = event.get("logprobs")
        if not delta:
            return []
        items = self._say(_index(event), ("text", _place(event)), delta)
        if logprobs:
            last = items[-1]
            assert isinstance(last, TextDelta)
            items[-1] = TextDelta(delta, extra={**(last.extra or {}), LOGPROBS: logprobs})
        return items

    def _text_done(self, event: Event) -> list[Item]:
        return self._rest(_index(event), ("text", _place(event)), text(event, "text"))

    def _annotation(self, event: Event) -> list[Item]:
        annotation = event.get("annotation")
        return [TextDelta("", extra={ANNOTATIONS: [annotation]})] if annotation else []

    def _refusal_delta(self, event: Event) -> list[Item]:
        return self._say(_index(event), ("refusal", _place(event)), text(event, "delta"))

    def _refusal_done(self, event: Event) -> list[Item]:
        return self._rest(_index(event), ("refusal", _place(event)), text(event, "refusal"))

    def _summary_delta(self, event: Event) -> list[Item]:
        place = whole(event, "summary_index") or 0
        return self._say(_index(event), ("summary", place), text(event, "delta"))

    def _summary_done(self, event: Event) -> list[Item]:
        place = whole(event, "summary_index") or 0
        return self._rest(_index(event), ("summary", place), text(event, "text"))

    def _reasoning_delta(self, event: Event) -> list[Item]:
        return self._say(_index(event), ("reasoning", _place(event)), text(event, "delta"))

    def _reasoning_text_done(self, event: Event) -> list[Item]:
        return self._rest(_index(event), ("reasoning", _place(event)), text(event, "text"))

    def _rest(self, index: int, part: tuple[str, int], said: str) -> list[Item]:
        """What of `said`, which is the whole part, the deltas have left out."""
        before = self._output(index).said.get(part, 0)
        return self._say(index, part, said[before:])

    def _say(self, index: int, part: tuple[str, int], delta: str) -> list[Item]:
        if not delta:
            return []
        self._spoke = True
        channel, _ = part
        output = self._output(index)
        extra = self._beginning(output, part)
        output.said[part] = output.said.get(part, 0) + len(delta)
        if channel == "refusal":
            return [RefusalDelta(delta)]
        make = TextDelta if channel == "text" else ReasoningDelta
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

    def _output(self, index: int) -> _Output:
        """An upstream that announces no items has one message."""
        return self._outputs.setdefault(index, _Output("message", {}))

    # Tool calls.

    def _call(self, index: int, item: Event, arguments: str, *, begins: bool) -> list[Item]:
        custom = self._output(index).kind == CUSTOM
        call_id = (text(item, "call_id") or text(item, "id")) if begins else ""
        name = text(item, "name") if begins else ""
        fragment = self._calls.add(index, call_id, name, arguments, freeform=custom)
        extra = {ITEM: self._output(index).fields} if fragment.id else None
        self._spoke = True
        said = (fragment.index, fragment.id, fragment.name, fragment.arguments)
        if not (begins or any(said[1:])):
            return []
        key = ("arguments", 0)
        output = self._output(index)
        output.said[key] = output.said.get(key, 0) + len(fragment.arguments)
        return [ToolCallDelta(*said, extra=extra, custom=custom)]

    def _call_delta(self, event: Event) -> list[Item]:
        return self._call(_index(event), event, text(event, "delta"), begins=False)

    def _call_done(self, event: Event) -> list[Item]:
        return self._call_rest(_index(event), event, _arguments(event))

    def _call_rest(self, index: int, item: Event, arguments: str) -> list[Item]:
        before = self._output(index).said.get(("arguments", 0), 0)
        rest = arguments[before:]
        return self._call(index, item, rest, begins=False) if rest else []

    def _pass(self, event: Event) -> list[Item]:
        return []

    _ACTS: ClassVar[Mapping[str, Act]] = {
        **dict.fromkeys(LIFECYCLE, _describe),
        "response.completed": _ended,
        "response.done": _ended,
        "response.incomplete": _incomplete,
        "response.failed": _failed,
        "response.cancelled": _failed,
        "error": _error,
        "response.error": _error,
        "response.output_item.added": _item_added,
        "response.output_item.done": _item_done,
        "response.output_text.delta": _text_delta,
        "response.output_text.done": _text_done,
        "response.output_text.annotation.added": _annotation,
        "response.refusal.delta": _refusal_delta,
        "response.refusal.done": _refusal_done,
        "response.reasoning_summary_part.added": _pass,
        "response.reasoning_summary_part.done": _pass,
        "response.reasoning_summary_text.delta": _summary_delta,
        "response.reasoning_summary_text.done": _summary_done,
        "response.reasoning_text.delta": _reasoning_delta,
        "response.reasoning_text.done": _reasoning_text_done,
        "response.function_call_arguments.delta": _call_delta,
        "response.function_call_arguments.done": _call_done,
        "response.custom_tool_call_input.delta": _call_delta,
        "response.custom_tool_call_input.done": _call_done,
    }

    # What a whole response in one body amounts to, by its status.
    _ENDS: ClassVar[Mapping[str, Act]] = {
        "completed": _completed,
        "incomplete": _incomplete,
        "failed": _failed,
        "cancelled": _failed,
    }


def _news(output: _Output, item: Event) -> dict[str, Any]:
    """What an item says of itself only when it is closed."""
    told = without(item, *OWN, "id", "role").items()
    return {n: v for n, v in told if v is not None and output.fields.get(n) != v}


def _raw(extra: Mapping[str, Any]) -> dict[str, Any] | None:
    return {RAW: True} if RAW in extra else None


def _index(event: Event) -> int:
    return whole(event, "output_index") or 0


def _place(event: Event) -> int:
    return whole(event, "content_index") or 0


def _arguments(item: Event) -> str:
    """Arguments as JSON text; some give the object itself."""
    if isinstance(given := item.get("arguments"), dict):
        return dumps(given).decode()
    return text(item, "arguments") or text(item, "input")


def _usage(usage: Event) -> UsageReport | None:
    if not usage:
        return None
    return UsageReport(
        whole(usage, "input_tokens") or 0,
        whole(usage, "output_tokens") or 0,
        extra=usage,
        cached_tokens=whole(table(usage, "input_tokens_details"), "cached_tokens"),
        cache_write_tokens=whole(table(usage, "input_tokens_details"), "cache_write_tokens"),
        reasoning_tokens=whole(table(usage, "output_tokens_details"), "reasoning_tokens"),
    )
