"""What a client of this dialect is given: a message as events, or whole.

One id per message and one open block at a time, whatever happened behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from ...core.events import (
    Extra,
    Finished,
    Foreign,
    ReasoningDelta,
    RefusalDelta,
    Restarted,
    StopReason,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ..beside import BESIDE, Notes
from ..dialect import APPENDED, Head
from ..fields import table, text, whole, without
from ..jsontext import dumps, loads
from .words import BLOCK, BLOCK_START, BLOCK_STOP, CITATIONS, FINISH, LAST, SIGNATURE, STOP

Payload = dict[str, Any]

HEARTBEAT = b": hb\n"
_OURS = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")


class _Message:
    """Events in, the dialect's own events out; `content` holds the blocks that are finished."""

    def __init__(self, head: Head) -> None:
        self.content: list[Payload] = []
        self._head = {
            "id": f"msg_{head.ref}",
            "type": "message",
            "role": "assistant",
            "model": head.model,
        }
        self._around: Payload = {}
        self._notes = Notes(BLOCK_START)
        self._start: Payload = {}  # what an upstream's first event says beside the message
        self._first_usage: Payload = {"input_tokens": 0, "output_tokens": 0}
        self._begun = False
        self._block: Payload | None = None
        self._said: list[str] = []
        self._call: int | None = None  # the index of the tool call that is open
        self._foreign: dict[int, int] = {}  # an upstream's index -> ours
        self._inputs: dict[int, str] = {}  # of hosted tools
        self._usage: UsageReport | None = None
        self._finished: Finished | None = None
        self._refused = False

    @property
    def writes_text(self) -> bool:
        return self._block is not None and self._block["type"] == "text"

    @property
    def index(self) -> int:
        return len(self.content)

    def more(self, said: str) -> None:
        """More text of the block that is open."""
        self._said.append(said)

    def add(self, event: StreamEvent) -> list[Payload]:
        match event:
            case UsageReport():
                self._usage = event
                return []
            case Finished():
                self._finished = event
                return []
            case Foreign(extra) if extra.get("type") == "message_start":
                return self._described(extra)
            case _:
                return [*self.opened(), *self._heard(event)]

    def _heard(self, event: StreamEvent) -> list[Payload]:
        if noted := Notes.of(event):
            self._notes.add(noted)
            return self.close() if BLOCK_STOP in noted else []
        return self._notes.told(self._told(event), getattr(event, "extra", None))

    def _told(self, event: StreamEvent) -> list[Payload]:
        match event:
            case TextDelta(said, _, extra):
                return self._text(said, extra or {})
            case RefusalDelta(said):
                self._refused = True
                return self._text(said, {})
            case ReasoningDelta(said, _, extra):
                return self._thinking(said, extra or {})
            case ToolCallDelta():
                return self._tool(event)
            case Foreign(extra):
                return self._passed(extra)
            case UsageReport() | Finished():
                return []
            case Restarted():
                raise ValueError(APPENDED)
            case _:
                assert_never(event)

    # The message itself.

    def _described(self, event: Extra) -> list[Payload]:
        """What an upstream of this dialect says of the message, before it is begun."""
        if not self._begun:
            message = table(event, "message")
            self._start = without(event, "type", "message")
            self._around = without(message, *_OURS)
            self._first_usage |= table(message, "usage")
        return []

    def opened(self) -> list[Payload]:
        if self._begun:
            return []
        self._begun = True
        open_ends: Payload = {"content": [], "stop_reason": None, "stop_sequence": None}
        message = {**self._around, **self._head, **open_ends, "usage": self._first_usage}
        return [{**self._start, "type": "message_start", "message": message}]

    def closing(self) -> Payload:
        """How it ended, as `message_delta` and a whole message tell it."""
        finished = self._finished
        told: Payload = {"stop_reason": None, "stop_sequence": None}
        if finished:
            own = _word(finished)
            told["stop_reason"] = "refusal" if self._refused and own == "end_turn" else own
            told |= without(finished.extra or {}, BESIDE, LAST, *set(_OURS) - {"stop_sequence"})
        return told

    def around(self, name: str) -> Payload:
        """What an upstream of this dialect told with the end, beside the message."""
        extra = self._finished.extra if self._finished else None
        return without(table(extra or {}, name), "type", "delta", "usage")

    def usage(self) -> Payload:
        return usage(self._usage) if self._usage else dict(self._first_usage)

    def whole(self, extension: Mapping[str, Any] | None) -> Payload:
        self.close()
        ours = {"holdfast": extension} if extension else {}
        around = {**self._around, **self._head, "content": self.content}
        beside = self.around(BESIDE)
        return {**beside, **around, **self.closing(), "usage": self.usage(), **ours}

    # Blocks of content.

    def _text(self, said: str, extra: Extra) -> list[Payload]:
        told = []
        if not self.writes_text or BLOCK in extra:
            told += [
                *self.close(),
                self._open({**extra.get(BLOCK, {}), "type": "text", "text": ""}),
            ]
        if said:
            told.append(self._delta(said, {"type": "text_delta", "text": said}))
        for citation in extra.get(CITATIONS) or ():
            assert self._block
            self._block[CITATIONS] = [*(self._block.get(CITATIONS) or ()), citation]
            told.append(self._delta("", {"type": "citations_delta", "citation": citation}))
        return told

    def _thinking(self, said: str, extra: Extra) -> list[Payload]:
        told = []
        if not self._block or self._block["type"] != "thinking" or BLOCK in extra:
            fresh = {"type": "thinking", "thinking": "", "signature": ""}
            told += [*self.close(), self._open({**extra.get(BLOCK, {}), **fresh})]
            if BLOCK in extra and not said.strip():
                said = ""  # the gap is ours to show as a new block
        if said:
            told.append(self._delta(said, {"type": "thinking_delta", "thinking": said}))
        if extra.get(SIGNATURE):
            assert self._block
            self._block[SIGNATURE] = extra[SIGNATURE]
            told.append(self._delta("", {"type": "signature_delta", SIGNATURE: extra[SIGNATURE]}))
        return told

    def _tool(self, event: ToolCallDelta) -> list[Payload]:
        told = []
        if self._call != event.index:
            named = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
            beside = (event.extra or {}).get(BLOCK, {})
            told += [*self.close(), self._open({**named, **beside})]
            self._call = event.index
        if event.arguments or BESIDE in (event.extra or {}):
            delta = {"type": "input_json_delta", "partial_json": event.arguments}
            told.append(self._delta(event.arguments, delta))
        return told

    def _passed(self, event: Extra) -> list[Payload]:
        """An event of the upstream's own, with the index of the block as it is here."""
        upstream = whole(event, "index")
        if upstream is None:
            return [dict(event)]
        told = []
        if event.get("type") == BLOCK_START:
            told = self.close()
            self._foreign[upstream] = self.index
            self.content.append(dict(table(event, "content_block")))
        elif upstream not in self._foreign:  # it is of a block of ours, the last one
            return [{**event, "index": max(0, self.index - (self._block is None))}]
        index = self._foreign[upstream]
        self._inputs[index] = self._inputs.get(index, "") + text(
            table(event, "delta"), "partial_json"
        )
        if event.get("type") == BLOCK_STOP and self._inputs[index]:
            self.content[index]["input"] = _input(self._inputs[index])
        return [*told, {**event, "index": index}]

    def _open(self, block: Payload) -> Payload:
        self._block, self._said = block, []
        return {"type": BLOCK_START, "index": self.index, "content_block": dict(block)}

    def _delta(self, said: str, delta: Payload) -> Payload:
        if said:
            self._said.append(said)
        return {"type": "content_block_delta", "index": self.index, "delta": delta}

    def close(self) -> list[Payload]:
        block = self._block
        if block is None:
            return []
        stopped = self._notes.whole({"type": BLOCK_STOP, "index": self.index})
        said = "".join(self._said)
        match block["type"]:
            case "tool_use":
                block["input"] = _input(said)
            case kind:
                block[kind] = said
        self._block = self._call = None
        self._notes.forget()
        self.content.append(block)
        return [stopped]


class MessageStream:
    """Implements `wire.dialect.StreamWriter`."""

    heartbeat = HEARTBEAT
    ends_failed = False

    def __init__(self, head: Head) -> None:
        self._message = _Message(head)

    def encode(self, events: Sequence[StreamEvent]) -> bytes:
        message = self._message
        written = []
        for event in events:
            if (
                isinstance(event, TextDelta)
                and event.extra is None
                and event.text
                and (message.writes_text)
            ):
                message.more(event.text)
                written.append(_TEXT % (message.index, dumps(event.text)))
            else:
                written += map(_write, message.add(event))
        return b"".join(written)

    def finish(self, extension: Mapping[str, Any] | None) -> bytes:
        message = self._message
        ours = {"holdfast": extension} if extension else {}
        last = {
            "type": "message_delta",
            "delta": message.closing(),
            "usage": message.usage(),
            **message.around(BESIDE),
            **ours,
        }
        stop = {"type": "message_stop", **message.around(LAST)}
        told = [*message.opened(), *message.close(), last, stop]
        return b"".join(map(_write, told))

    def fail(self, error: Mapping[str, Any]) -> bytes:
        return b"event: error\ndata: " + dumps(refusal(error)) + b"\n\n"


class MessageAssembler:
    """Implements `wire.dialect.Assembler`."""

    def __init__(self, head: Head) -> None:
        self._message = _Message(head)

    def add(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            self._message.add(event)

    def blocks(self) -> list[Payload]:
        """The content so far. Nothing may be added afterwards."""
        self._message.close()
        return self._message.content

    def answer(self, extension: Mapping[str, Any] | None) -> bytes:
        return dumps(self._message.whole(extension))


def usage(report: UsageReport) -> Payload:
    """The upstream's own object where there is one; an estimate says that it is one."""
    read, written = report.cached_tokens, report.cache_write_tokens
    counts: Payload = {
        "input_tokens": max(0, report.input_tokens - (read or 0) - (written or 0)),
        "cache_creation_input_tokens": written or 0,
        "cache_read_input_tokens": read or 0,
        "output_tokens": report.output_tokens,
    }
    if report.reasoning_tokens is not None:
        counts["output_tokens_details"] = {"thinking_tokens": report.reasoning_tokens}
    flag = {"estimated": True} if report.estimated else {}
    return {**counts, **flag, **(report.extra or {})}


def _word(finished: Finished) -> str:
    """The upstream's own word if it is one of the dialect; but calls are there to be answered, and
    agents look for no other word.
    """
    missed = finished.word == "end_turn" and finished.reason is StopReason.TOOL_CALLS
    known = finished.word in STOP and not missed
    return finished.word if known else FINISH[finished.reason]


# The words of `error.type` that clients of this dialect act on, by ours and by the kind.
_TYPES = {
    "overloaded": "overloaded_error",
    "capacity": "overloaded_error",
    "timeout": "timeout_error",
    "deadline": "timeout_error",
    "no_route": "not_found_error",
    "forbidden": "api_error",
    "invalid_request_error": "invalid_request_error",
    "authentication_error": "authentication_error",
    "rate_limit_error": "rate_limit_error",
    "overloaded_error": "overloaded_error",
}


def refusal(error: Mapping[str, Any]) -> Payload:
    """`error`, as `gateway.errors` words it, in the shape of this dialect."""
    ours = table(error, "holdfast")
    kind = _TYPES.get(text(ours, "kind")) or _TYPES.get(text(error, "type"), "api_error")
    return {"type": "error", "error": {**error, "type": kind}, "request_id": ours.get("ref")}


def _input(arguments: str) -> Any:
    try:
        return loads(arguments or "{}")
    except ValueError:
        return {}


_TEXT = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"text_delta","text":%b}}\n\n'
)


def _write(payload: Payload) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(payload["type"]).encode(), dumps(payload))
