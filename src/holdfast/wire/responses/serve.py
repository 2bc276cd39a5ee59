"""What a client of this dialect is given: a response as events, or whole.

One id and an unbroken row of sequence numbers per response, whatever happened behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.events import Extra, Finished, Foreign, StopReason, StreamEvent, TextDelta, UsageReport
from ...core.request import Request
from ..beside import BESIDE, Notes
from ..dialect import Head
from ..fields import grafted, table, without
from ..jsontext import dumps
from .items import Items, Payload
from .namespaces import flat_names
from .words import (
    CREATED,
    ENDS,
    IN_PROGRESS,
    LIFECYCLE,
    QUEUED,
    REASONS,
)

HEARTBEAT = b": hb\n"

# What a response repeats of its request, and what it says where nothing was asked.
_ECHOED: Mapping[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
# Of an upstream's response: what is ours to say, and what is between the client and us.
_OURS = (
    *("id", "object", "created_at", "model", "status", "output", "usage", "error"),
    *("background", "store", "previous_response_id"),
)


class _Response:
    """The response object as far as it is known."""

    def __init__(self, head: Head, request: Request) -> None:
        spaces = {flat: name for name, flat in flat_names(request.body).items()}
        self.items = Items(head.ref, spaces)
        self._head = {
            "id": f"resp_{head.ref}",
            "object": "response",
            "created_at": head.created,
            "model": head.model,
        }
        asked = ((name, request.body.get(name)) for name in _ECHOED)
        self._around = {**_ECHOED, **{name: value for name, value in asked if value is not None}}
        self._usage: UsageReport | None = None
        self._finished: Finished | None = None
        self._beside: Mapping[str, Any] = {}  # what an upstream's last event said beside

    def add(self, event: StreamEvent) -> list[Payload]:
        match event:
            case UsageReport():
                self._usage = event
            case Finished():
                self._finished = event
                self._around |= without(event.extra or {}, *_OURS)
            case Foreign(extra) if extra.get("type") in LIFECYCLE:
                self._around |= without(table(extra, "response"), *_OURS)
            case Foreign() if ENDS & Notes.of(event).keys():
                (self._beside,) = Notes.of(event).values()
            case _:
                return self.items.add(event)
        return []

    @property
    def status(self) -> str:
        reason = self._finished.reason if self._finished else StopReason.END
        return "incomplete" if reason in REASONS else "completed"

    def told(self, status: str, **members: Any) -> Payload:
        """The response with this status; `output` holds the items that are finished."""
        return {
            "incomplete_details": None,
            **self._around,
            **self._head,
            "status": status,
            "error": None,
            "output": list(self.items.output),
            "usage": None,
            **members,
        }

    def ended(self, extension: Mapping[str, Any] | None) -> Payload:
        members: Payload = {"usage": usage(self._usage) if self._usage else None}
        if self._finished and self._finished.reason in REASONS:
            ours = {"reason": REASONS[self._finished.reason]}
            members["incomplete_details"] = self._around.get("incomplete_details") or ours
        if extension:
            members["holdfast"] = extension
        return grafted(self.told(self.status, **members), table(self._beside, "response"))

    def last(self, extension: Mapping[str, Any] | None) -> Payload:
        """The event that ends it."""
        event = {"type": f"response.{self.status}", "response": self.ended(extension)}
        return grafted(event, without(self._beside, "response"))


class ResponseStream:
    """Implements `wire.dialect.StreamWriter`."""

    heartbeat = HEARTBEAT
    ends_failed = True

    def __init__(self, head: Head, request: Request) -> None:
        self._response = _Response(head, request)
        self._number = 0
        self._begun: list[str] = []  # the events that open a response
        self._spoke = False  # others came
        self._plain: tuple[object, bytes, bytes] | None = None  # around a delta of the open text

    def encode(self, events: Sequence[StreamEvent]) -> bytes:
        written = []
        for event in events:
            if isinstance(event, TextDelta) and event.text and _is_plain(event.extra):
                written.append(self._text(event))
            else:
                told = self._response.add(event)
                written += [*self._opened(event), *map(self._write, told)]
        return b"".join(written)

    def finish(self, extension: Mapping[str, Any] | None) -> bytes:
        status = self._response.status
        closed = [*self._opened(None), *map(self._write, self._response.items.close(status))]
        return b"".join([*closed, self._write(self._response.last(extension))])

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """`response.failed`, with all that is known of the cause in its error."""
        opened = [*self._opened(None), *map(self._write, self._response.items.close("incomplete"))]
        response = self._response.told("failed", error=error)
        return b"".join([*opened, self._write({"type": "response.failed", "response": response})])

    def _opened(self, event: StreamEvent | None) -> list[bytes]:
        """The events that come before all others: an upstream's own, and those that it left out."""
        if self._spoke:
            return []
        said = event.extra if isinstance(event, Foreign) else {}
        kind = said.get("type")
        self._spoke = kind not in LIFECYCLE
        kinds = (CREATED, IN_PROGRESS) if self._spoke else (CREATED, str(kind))
        due = [each for each in dict.fromkeys(kinds) if each not in self._begun]
        self._begun += due
        return [self._opening(each, said if each == kind else {}) for each in due]

    def _opening(self, kind: str, said: Mapping[str, Any]) -> bytes:
        status = "queued" if kind == QUEUED else "in_progress"
        response = self._response.told(status, output=[])
        return self._write({**without(said, "response"), "type": kind, "response": response})

    def _text(self, event: TextDelta) -> bytes:
        """The common case, worth a short cut: more text of the part that is open."""
        current = self._response.items.plain
        if current is None or self._plain is None or self._plain[0] is not current:
            opened = self._opened(event)
            told = self._response.add(event)
            self._plain = self._around(told[-1])
            return b"".join([*opened, *map(self._write, told)])
        current.text.append(event.text)
        _, before, after = self._plain
        number = self._number
        self._number += 1
        beside = b",%b" % dumps(event.extra[BESIDE])[1:-1] if event.extra else b""
        return b'%b%d,"delta":%b%b%b' % (before, number, dumps(event.text), beside, after)

    def _around(self, delta: Payload) -> tuple[object, bytes, bytes]:
        rest = dumps({name: delta[name] for name in _AROUND_TEXT})
        kind = delta["type"].encode()
        before = b'event: %b\ndata: {"type":"%b","sequence_number":' % (kind, kind)
        return (self._response.items.plain, before, b"," + rest[1:] + b"\n\n")

    def _write(self, payload: Payload) -> bytes:
        kind, number = payload["type"], self._number
        self._number += 1
        data = dumps({"type": kind, "sequence_number": number, **payload})
        return b"event: %b\ndata: %b\n\n" % (str(kind).encode(), data)


# What is the same in all deltas of one part.
_AROUND_TEXT = ("item_id", "output_index", "content_index", "logprobs")


def _is_plain(extra: Extra | None) -> bool:
    """Whether it holds no more than what stands beside the words in the very event."""
    return extra is None or (len(extra) == 1 and BESIDE in extra)


class ResponseAssembler:
    """Implements `wire.dialect.Assembler`."""

    def __init__(self, head: Head, request: Request) -> None:
        self._response = _Response(head, request)

    def add(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            self._response.add(event)

    def answer(self, extension: Mapping[str, Any] | None) -> bytes:
        self._response.items.close(self._response.status)
        return dumps(self._response.ended(extension))


def usage(report: UsageReport) -> Payload:
    """The upstream's own object where there is one; an estimate says that it is one."""
    read = {"cached_tokens": report.cached_tokens or 0}
    if report.cache_write_tokens is not None:
        read["cache_write_tokens"] = report.cache_write_tokens
    counts: Payload = {
        "input_tokens": report.input_tokens,
        "input_tokens_details": read,
        "output_tokens": report.output_tokens,
        "output_tokens_details": {"reasoning_tokens": report.reasoning_tokens or 0},
        "total_tokens": report.input_tokens + report.output_tokens,
    }
    flag = {"estimated": True} if report.estimated else {}
    return {**counts, **flag, **(report.extra or {})}
