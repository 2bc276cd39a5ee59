"""What the events of a response say, and whether they add up to a whole one.

Only `response.completed`, `response.incomplete`, `response.failed` and `error` end a response.
Whoever leaves deltas out still says everything in the "done" events or in the last response:
what was not said before is taken from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ...core.events import (
    Finished,
    Foreign,
    StopReason,
    ToolCallDelta,
    UsageReport,
)
from ...core.failure import SAID_TO_END, Failure, Kind, Phase
from ..beside import noted, spoken
from ..classify import BEGUN_AGAIN, classify_event, finish_failure
from ..decode import Item
from ..fields import table, text, whole, without
from ..stops import stop_reason
from ..trouble import error_of
from .known import REST
from .outputs import Outputs
from .words import (
    CREATED,
    ENDS,
    INCOMPLETE,
    ITEM_DONE,
    LIFECYCLE,
)

Event = Mapping[str, Any]
Act = Callable[["EventReader", Event], list[Item]]

# They keep the line alive and belong to no response.
_NOTHING = frozenset({"keepalive", "ping", "response.heartbeat"})
_BARE = frozenset({"type", "sequence_number"})
_REMEMBERED = 32  # events
_OWN = "response."  # what the types of events begin with that are about the response
# What these say has been said before, or has not.
_SUMMING_UP = frozenset(
    {
        *ENDS,
        ITEM_DONE,
        "response.output_text.done",
        "response.refusal.done",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.done",
    }
)
_WORDS = frozenset(
    {
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.refusal.delta",
        "response.reasoning_summary_text.delta",
        "response.reasoning_text.delta",
        "response.function_call_arguments.delta",
        "response.custom_tool_call_input.delta",
    }
)


class EventReader:
    """Implements `wire.decode.Reader`."""

    dialect = "responses"

    def __init__(self, vendor: str = "") -> None:
        self.vendor = vendor
        self.began = False
        self.told = False
        self.over = False
        self._outputs = Outputs()
        self._described: Event | None = None  # the response itself, as it was passed on
        self._numbered: dict[int, Event] | None = {}  # the last events; None: numbers mean nothing

    @property
    def phase(self) -> Phase:
        return self._outputs.phase

    def read(self, chunk: Event) -> list[Item]:
        self.began = True
        if self._has_come(chunk):
            return []
        kind = chunk.get("type")
        if not isinstance(kind, str):
            error = error_of(chunk)
            return [] if error is None else [classify_event(error, self.phase, self.vendor)]
        act = self._ACTS.get(kind)
        items = act(self, chunk) if act else self._outputs.read(kind, chunk)
        if items is not None:
            if kind in _SUMMING_UP:
                items = _up_to_failure(items)
            rest = REST.of(kind, chunk)
            return _placed(items, kind, rest) if rest else items
        if not kind.startswith(_OWN) and (error := error_of(chunk)) is not None:
            return [classify_event(error, self.phase, self.vendor)]
        if kind in _NOTHING:
            return [] if chunk.keys() <= _BARE else [Foreign(chunk, content=False)]
        of_item = "output_index" in chunk
        return [Foreign(chunk, content=of_item, open=of_item)]

    def _has_come(self, event: Event) -> bool:
        """Whether it is a repetition, as on a line that was mended. Some number no event rightly:
        then no two of one number are known to be the same.
        """
        number, numbered = event.get("sequence_number"), self._numbered
        if numbered is None or not isinstance(number, int):
            return False
        before = numbered.get(number)
        if before is not None and before != event:
            self._numbered = None
        elif before is None:
            numbered[number] = event
            if len(numbered) > _REMEMBERED:
                del numbered[next(iter(numbered))]
        return before == event and len(numbered) > 1

    def is_whole(self, body: Event) -> bool:
        return body.get("object") == "response" and text(body, "status") in self._ENDS

    def read_body(self, body: Event) -> list[Item] | None:
        if body.get("object") != "response" and not isinstance(body.get("output"), list):
            return None
        self.began = True
        status = text(body, "status")
        kind = f"response.{status}"
        last = {"type": kind, "response": body}
        items = [] if self._described else self._describe({"type": CREATED, "response": body})
        if status in self._ENDS:
            told = _up_to_failure(self._ENDS[status](self, last))
            return [*items, *_placed(told, kind, REST.of(kind, last))]
        detail = f"the response is no more than {status or 'begun'}"
        return [Failure(Kind.TRUNCATED, Phase.END, detail=detail, code=SAID_TO_END)]

    def end(self, *, marked: bool) -> list[Item]:
        if self.told:
            return []
        end = "the end marker came" if marked else "the bytes ended"
        if not self.began:
            return [Failure(Kind.EMPTY, Phase.END, detail=f"{end} and nothing before")]
        code, detail = SAID_TO_END if marked else None, f"{end} without response.completed"
        return [Failure(Kind.TRUNCATED, Phase.END, detail=detail, code=code)]

    # The response itself.

    def _describe(self, event: Event) -> list[Item]:
        """The events that open a response mostly say the same: once is enough then."""
        response = without(table(event, "response"), "output", "usage", "status")
        if self._outputs.spoke and event.get("type") == CREATED and self._is_another(response):
            return [BEGUN_AGAIN]
        said = {**without(event, "sequence_number"), "response": response}
        if without(said, "type") == self._described:
            return []
        self._described = without(said, "type")
        return [Foreign(said, content=False)]

    def _is_another(self, response: Event) -> bool:
        """Some say once more what they have said of the one response."""
        before = table(self._described or {}, "response")
        return text(before, "id") != text(response, "id")

    def _ended(self, event: Event) -> list[Item]:
        """The status counts: some end every response with the same event."""
        status = text(table(event, "response"), "status")
        return self._ENDS.get(status, EventReader._completed)(self, event)

    def _completed(self, event: Event) -> list[Item]:
        response = table(event, "response")
        outputs, calls = self._outputs, self._outputs.calls
        items = outputs.missed(response)
        items += outputs.read_text(text(response, "output_text"))
        items += [ToolCallDelta(f.index, "", "", f.arguments) for f in calls.complete()]
        fault = calls.fault()
        if fault:
            return [*items, Failure(Kind.TOOL_ARGUMENTS, Phase.STREAM, detail=fault)]
        reason = StopReason.TOOL_CALLS if calls else StopReason.END
        return items + self._finish(response, reason, "completed")

    def _incomplete(self, event: Event) -> list[Item]:
        response = table(event, "response")
        word = text(table(response, "incomplete_details"), "reason")
        failure = finish_failure(word, self.phase)
        items = self._outputs.missed(response)
        if failure:
            return [*items, failure]
        reason = INCOMPLETE.get(word) or stop_reason(word)
        cut = StopReason.LENGTH if reason is StopReason.END and word not in INCOMPLETE else reason
        rest = self._outputs.calls.cut()
        items += [ToolCallDelta(f.index, "", "", f.arguments) for f in rest]
        return items + self._finish(response, cut, word)

    def _failed(self, event: Event) -> list[Item]:
        response = table(event, "response")
        error = response.get("error") or event.get("error") or response.get("status_details")
        if not error:
            word = text(response, "status") or "failed"
            failure = finish_failure(word, self.phase)
            return [failure or Failure(Kind.SERVER_ERROR, self.phase, detail=word)]
        return [classify_event(error, self.phase, self.vendor)]

    def _error(self, event: Event) -> list[Item]:
        error = event.get("error") or without(event, "type", "sequence_number")
        return [classify_event(error, self.phase, self.vendor)]

    def _finish(self, response: Event, reason: StopReason, word: str) -> list[Item]:
        self.told = self.over = True
        usage = _usage(table(response, "usage"))
        extra = without(response, "output", "usage")
        return [*([usage] if usage else []), Finished(reason, word=word, extra=extra or None)]

    _ACTS: ClassVar[Mapping[str, Act]] = {
        **dict.fromkeys(LIFECYCLE, _describe),
        "response.completed": _ended,
        "response.done": _ended,
        "response.incomplete": _incomplete,
        "response.failed": _failed,
        "response.cancelled": _failed,
        "error": _error,
        "response.error": _error,
    }

    # What a whole response in one body amounts to, by its status.
    _ENDS: ClassVar[Mapping[str, Act]] = {
        "completed": _completed,
        "incomplete": _incomplete,
        "failed": _failed,
        "cancelled": _failed,
    }


def _placed(items: list[Item], kind: str, rest: dict[str, Any]) -> list[Item]:
    """`items`, which an event of this `kind` says, with the `rest` of it in its place.

    It goes with the words of a delta, before what opens anything, and after all else, but an end.
    """
    last = items[-1] if items else None
    if not rest or isinstance(last, Failure | Foreign):  # the latter is the event itself
        return items
    if last and kind in _WORDS and (both := spoken(last, rest)):
        return [*items[:-1], both]
    if kind.endswith(".added"):
        return [noted(kind, rest), *items]
    if kind in ENDS:
        return [*items[:-1], noted(kind, rest), *items[-1:]]
    return [*items, noted(kind, rest)]


def _up_to_failure(items: list[Item]) -> list[Item]:
    """Nothing is told after a failure."""
    places = (place for place, item in enumerate(items) if isinstance(item, Failure))
    return items[: next(places, len(items)) + 1]


def _usage(usage: Event) -> UsageReport | None:
    """Proxies leave the counts under the names of chat completions now and then."""
    if not usage:
        return None
    read = table(usage, "input_tokens_details") or table(usage, "prompt_tokens_details")
    written = table(usage, "output_tokens_details") or table(usage, "completion_tokens_details")
    return UsageReport(
        whole(usage, "input_tokens") or whole(usage, "prompt_tokens") or 0,
        whole(usage, "output_tokens") or whole(usage, "completion_tokens") or 0,
        extra=usage,
        cached_tokens=whole(read, "cached_tokens"),
        cache_write_tokens=whole(read, "cache_write_tokens"),
        reasoning_tokens=whole(written, "reasoning_tokens"),
    )
