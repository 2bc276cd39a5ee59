"""What the events of a message say, and whether they add up to a whole one.

Only `message_stop` after a stop reason ends a message. `error` may come after a 200.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ...core.events import (
    Finished,
    Foreign,
    ReasoningDelta,
    StopReason,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ...core.failure import SAID_TO_END, Failure, Kind, Phase
from ..beside import BESIDE, Rest, noted, spoken
from ..classify import BEGUN_AGAIN, classify_event, finish_failure
from ..decode import Item
from ..fields import Known, table, tables, text, whole, without
from ..jsontext import dumps
from ..stops import stop_reason
from ..toolargs import ToolCalls
from ..trouble import error_of
from .words import BLOCK, BLOCK_START, BLOCK_STOP, CITATIONS, LAST, SIGNATURE, STOP

Event = Mapping[str, Any]
Act = Callable[["EventReader", Event], list[Item]]

GAP = "\n\n"
_JSON = "partial_json"
_OURS = frozenset({"text", "thinking", "tool_use"})
_CALLS = "_tool_use"  # what the kinds of calls end with that are answered by a block of their own
_DELTA: Known = dict.fromkeys(("type", "text", "thinking", "signature", "citation", _JSON))


class EventReader:
    """Implements `wire.decode.Reader`."""

    dialect = "messages"

    def __init__(self, vendor: str = "") -> None:
        self.vendor = vendor
        self.began = False
        self.told = False
        self.over = False
        self._spoke = False
        self._calls = ToolCalls()
        self._kinds: dict[int, str] = {}  # of content blocks
        self._seen: set[str] = set()  # kinds of blocks that have begun
        self._opening: dict[int, dict[str, Any]] = {}  # what the block's first words carry
        self._usage: dict[str, Any] = {}
        self._last: dict[str, Any] = {}  # the delta of the message itself
        self._beside: dict[str, Any] = {}  # what stands beside it

    @property
    def phase(self) -> Phase:
        return Phase.STREAM if self._spoke else Phase.FIRST

    def read(self, chunk: Event) -> list[Item]:
        self.began = True
        kind = chunk.get("type")
        act = self._ACTS.get(kind) if isinstance(kind, str) else None
        if act:
            items = act(self, chunk)
            rest = _REST.of(str(kind), chunk)
            return _placed(items, str(kind), rest) if rest else items
        error = error_of(chunk)
        if error is not None:
            return [classify_event(error, self.phase, self.vendor)]
        return [Foreign(chunk, content=False)] if isinstance(kind, str) else []

    def is_whole(self, body: Event) -> bool:
        return body.get("type") == "message" and bool(text(body, "stop_reason"))

    def read_body(self, body: Event) -> list[Item] | None:
        if body.get("type") != "message" and not ("stop_reason" in body and "content" in body):
            return None
        self.began = True
        items = self._start({"message": body})
        said = text(body, "content")
        blocks = [{"type": "text", "text": said}] if said else tables(body, "content")
        for index, block in enumerate(blocks):
            items += self._block({"index": index, "content_block": block})
            items += self._block_end({"index": index})
        self._last = without(body, "usage", "content")
        return items + self._stop({})

    def end(self, *, marked: bool) -> list[Item]:
        if self.told:
            return []
        end = "the end marker came" if marked else "the bytes ended"
        if not self.began:
            return [Failure(Kind.EMPTY, Phase.END, detail=f"{end} and nothing before")]
        code, detail = SAID_TO_END if marked else None, f"{end} without message_stop"
        return [Failure(Kind.TRUNCATED, Phase.END, detail=detail, code=code)]

    # The message itself.

    def _start(self, event: Event) -> list[Item]:
        if self._spoke:
            return [BEGUN_AGAIN]
        message = table(event, "message")
        self._usage |= table(message, "usage")
        said = {"type": "message_start", **event, "message": without(message, "content")}
        return [Foreign(said, content=False)]

    def _delta(self, event: Event) -> list[Item]:
        self._usage |= {n: v for n, v in table(event, "usage").items() if v is not None}
        self._last |= {n: v for n, v in table(event, "delta").items() if v is not None}
        self._beside |= without(event, "type", "usage", "delta")
        return []

    def _stop(self, event: Event) -> list[Item]:
        word = text(self._last, "stop_reason") or text(event, "stop_reason")
        if not word:
            detail = "message_stop came without a stop reason"
            return [Failure(Kind.TRUNCATED, Phase.END, detail=detail, code=SAID_TO_END)]
        failure = finish_failure(word, self.phase)
        if failure:
            return [failure]
        reason = STOP.get(word) or stop_reason(word)
        if reason is StopReason.END and self._calls:
            reason = StopReason.TOOL_CALLS
        completes = reason in (StopReason.END, StopReason.TOOL_CALLS)
        rest = self._calls.complete() if completes else self._calls.cut()
        items: list[Item] = [ToolCallDelta(f.index, "", "", f.arguments) for f in rest]
        if completes:
            fault = self._calls.fault()
            if fault:
                return [*items, Failure(Kind.TOOL_ARGUMENTS, Phase.STREAM, detail=fault)]
        self.told = self.over = True
        around = {BESIDE: self._beside, LAST: without(event, "type", "stop_reason")}
        extra = without(self._last, "stop_reason") | {n: v for n, v in around.items() if v}
        usage = [_usage(self._usage)] if self._usage else []
        return [*items, *usage, Finished(reason, word=word, extra=extra or None)]

    def _error(self, event: Event) -> list[Item]:
        return [
            classify_event(event.get("error") or without(event, "type"), self.phase, self.vendor)
        ]

    # Content blocks.

    def _block(self, event: Event) -> list[Item]:
        block, index = table(event, "content_block"), whole(event, "index") or 0
        kind = self._kinds[index] = text(block, "type")
        match kind:
            case "text":
                citations = tables(block, CITATIONS)
                cited = {CITATIONS: citations} if citations else {}
                told = () if block.get(CITATIONS) == [] else (CITATIONS,)
                self._open(index, kind, without(block, "type", "text", *told))
                return self._say(index, text(block, "text"), cited)
            case "thinking":
                self._open(index, kind, without(block, "type", "thinking", "signature"))
                signed = {SIGNATURE: block["signature"]} if block.get("signature") else {}
                return self._say(index, text(block, "thinking"), signed)
            case "tool_use":
                given = block.get("input")
                arguments = dumps(given).decode() if given else ""
                return self._call(index, text(block, "id"), text(block, "name"), arguments, block)
            case _:
                return [Foreign({"type": BLOCK_START, **event}, open=True)]

    def _open(self, index: int, kind: str, fields: dict[str, Any]) -> None:
        self._opening[index] = {BLOCK: fields, "again": kind in self._seen}
        self._seen.add(kind)

    def _block_delta(self, event: Event) -> list[Item]:
        delta, index = table(event, "delta"), whole(event, "index") or 0
        match delta.get("type", "text_delta"):
            case "text_delta":
                return self._say(index, text(delta, "text"), {}, "text")
            case "thinking_delta":
                return self._say(index, text(delta, "thinking"), {}, "thinking")
            case "signature_delta":
                return self._say(index, "", {SIGNATURE: text(delta, "signature")}, "thinking")
            case "citations_delta":
                return self._say(index, "", {CITATIONS: [delta.get("citation")]}, "text")
            case "input_json_delta" if (call := self._call_at(index)) is not None:
                given = delta.get(_JSON)
                part = dumps(given).decode() if isinstance(given, dict) else text(delta, _JSON)
                return self._call(call, "", "", part, {})
            case _:
                inside = self._kinds.get(index, "text") not in _OURS
                return [*self._begun(index), Foreign(event, open=inside)]

    def _call_at(self, index: int) -> int | None:
        """The tool call that arguments belong to: words have none, so that who counts blocks
        wrongly means the last call. None if it is a tool that the vendor runs.
        """
        kind = self._kinds.get(index, "tool_use")
        if kind == "tool_use":
            return index
        calls = (at for at, kind in self._kinds.items() if kind == "tool_use")
        return max(calls, default=None) if kind in _OURS else None

    def _block_end(self, event: Event) -> list[Item]:
        index = whole(event, "index") or 0
        kind = self._kinds.get(index, "text")
        if kind not in _OURS:
            return [Foreign({"type": BLOCK_STOP, **event}, open=kind.endswith(_CALLS))]
        bare = self._calls.complete(index) if kind == "tool_use" else []
        items: list[Item] = [ToolCallDelta(f.index, "", "", f.arguments) for f in bare]
        return [*items, noted(BLOCK_STOP, _REST.of(BLOCK_STOP, event))]

    def _begun(self, index: int) -> list[Item]:
        """The opening of a block in which nothing has been said yet."""
        opening = self._opening.pop(index, None)
        if opening is None:
            return []
        make = ReasoningDelta if self._kinds[index] == "thinking" else TextDelta
        return [make("", extra={BLOCK: opening[BLOCK]})]

    def _say(self, index: int, said: str, extra: dict[str, Any], kind: str = "") -> list[Item]:
        """Words of a block, with what its first ones have to say beside themselves."""
        kind = self._kinds.setdefault(index, kind)
        make = ReasoningDelta if kind == "thinking" else TextDelta
        if not said and not extra:
            return []
        self._spoke = self._spoke or bool(said)
        opening = self._opening.pop(index, None)
        if opening is None:
            return [make(said, extra=extra or None)]
        again = opening.pop("again")
        extra = {**opening, **extra} if again or opening[BLOCK] or not said else extra
        if again and kind == "thinking":
            # Told in two, so that readers without blocks see a gap between two trains of thought.
            rest = without(extra, BLOCK) or None
            gap: Item = make(GAP, extra=opening)
            return [gap, make(said, extra=rest)] if said or rest else [gap]
        return [make(said, extra=extra or None)]

    def _call(self, index: int, id: str, name: str, arguments: str, block: Event) -> list[Item]:
        fragment = self._calls.add(index, id, name, arguments)
        fields = without(block, "type", "id", "name", "input")
        self._spoke = True
        said = (fragment.index, fragment.id, fragment.name, fragment.arguments)
        if not any(said[1:]):
            return []
        return [ToolCallDelta(*said, extra={BLOCK: fields} if fields else None)]

    _ACTS: ClassVar[Mapping[str, Act]] = {
        "ping": lambda reader, event: [],
        "message_start": _start,
        "message_delta": _delta,
        "message_stop": _stop,
        BLOCK_START: _block,
        "content_block_delta": _block_delta,
        BLOCK_STOP: _block_end,
        "error": _error,
    }


_REST = Rest(
    {
        "ping": {"type": None},
        BLOCK_START: dict.fromkeys(("type", "index", "content_block")),
        "content_block_delta": {"type": None, "index": None, "delta": _DELTA},
        BLOCK_STOP: dict.fromkeys(("type", "index")),
    }
)


def _placed(items: list[Item], kind: str, rest: dict[str, Any]) -> list[Item]:
    """`items`, which an event of this `kind` says, with the `rest` of it in its place.

    It goes with the words of a delta, before what opens a block, and else stands alone.
    """
    last = items[-1] if items else None
    if isinstance(last, Failure | Foreign):  # the latter is the event itself
        return items
    if kind == "ping":
        return [Foreign({"type": kind, **rest}, content=False)]
    if last and kind == "content_block_delta" and (both := spoken(last, rest)):
        return [*items[:-1], both]
    return [noted(kind, rest), *items] if kind == BLOCK_START else [*items, noted(kind, rest)]


def _usage(usage: Event) -> UsageReport:
    """Here the input counts only what was not read from or written to the cache."""
    read = whole(usage, "cache_read_input_tokens")
    written = whole(usage, "cache_creation_input_tokens")
    details = table(usage, "output_tokens_details")
    return UsageReport(
        (whole(usage, "input_tokens") or 0) + (read or 0) + (written or 0),
        whole(usage, "output_tokens") or 0,
        extra=usage,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=whole(details, "thinking_tokens"),
    )
