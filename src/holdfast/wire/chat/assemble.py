"""The events of one answer as one JSON body, for a client that does not stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from ..dialect import APPENDED, Head
from ..jsontext import dumps
from .put import answer_id, closing, finish_word, places, tool_call, usage
from .words import DELTA, LOGPROBS


@dataclass(slots=True)
class _Message:
    """One choice as far as it has come."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, ToolCallDelta] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)

    def add_call(self, event: ToolCallDelta) -> None:
        held = self.calls.get(event.index)
        if held is None:
            self.calls[event.index] = event
            return
        self.calls[event.index] = replace(
            held,
            id=held.id or event.id,
            name=held.name + event.name,
            arguments=held.arguments + event.arguments,
            extra=merged(held.extra or {}, event.extra or {}) or None,
        )

    def fields(self) -> dict[str, Any]:
        text, refusal = "".join(self.text), "".join(self.refusal)
        spoke_otherwise = bool(refusal or self.calls)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if spoke_otherwise and not text else text,
            "refusal": refusal or None,
        }
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        for index in sorted(self.calls):
            call = tool_call(self.calls[index])
            for whole in call.get("tool_calls", ()):
                del whole["index"]
            message = merged(message, call)
        return {**self.extra, **message}


class ChatAssembler:
    """Implements `wire.dialect.Assembler`."""

    def __init__(self, head: Head) -> None:
        self._head = {
            "id": answer_id(head),
            "object": "chat.completion",
            "created": head.created,
            "model": head.model,
        }
        self._messages: dict[int, _Message] = {}
        self._around: dict[str, Any] = {}
        self._usage: UsageReport | None = None
        self._finished: Finished | None = None

    def add(self, events: Sequence[StreamEvent]) -> None:
        for event in events:
            match event:
                case TextDelta(text, choice, extra):
                    self._message(choice, extra).text.append(text)
                case ReasoningDelta(text, choice, extra):
                    self._message(choice, extra).reasoning.append(text)
                case RefusalDelta(text, choice, extra):
                    self._message(choice, extra).refusal.append(text)
                case ToolCallDelta():
                    around = (event.extra or {}).get(DELTA)
                    self._message(event.choice, around).add_call(event)
                case Foreign(extra, choice):
                    self._message(choice, extra)
                case UsageReport():
                    self._usage = event
                case Finished():
                    self._finished = event
                    for index, extra in closing(event).items():
                        self._message(index, extra)
                case Restarted():
                    raise ValueError(APPENDED)
                case _:
                    assert_never(event)

    def message(self) -> dict[str, Any]:
        """The message of the first choice, as far as it has come."""
        return (self._messages.get(0) or _Message()).fields()

    def answer(self, extension: Mapping[str, Any] | None) -> bytes:
        """The whole answer; `extension` is told under "holdfast"."""
        last: dict[str, Any] = {}
        if self._usage:
            last["usage"] = usage(self._usage)
        if extension:
            last["holdfast"] = extension
        reasons = self._finished.reasons if self._finished else ()
        count = max(1, len(reasons), *(index + 1 for index in self._messages))
        choices = [self._choice(index) for index in range(count)]
        return dumps({**self._around, **self._head, "choices": choices, **last})

    def _choice(self, index: int) -> dict[str, Any]:
        message = self._messages.get(index) or _Message()
        word = finish_word(self._finished, index) if self._finished else None
        choice = {"index": index, "message": message.fields(), LOGPROBS: None}
        return {**choice, **message.beside, "finish_reason": word}

    def _message(self, choice: int, extra: Extra | None = None) -> _Message:
        message = self._messages.setdefault(choice, _Message())
        if extra:
            back = places(extra)
            message.extra = merged(message.extra, back.delta)
            message.beside = merged(message.beside, back.choice)
            self._around.update({**back.chunk, **back.head})
        return message


# Fields that are streamed in pieces: audio.
_PIECEWISE = frozenset({"data", "transcript"})


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Both: lists one after the other, objects field by field; of other values the last counts."""
    result = dict(old)
    for name, value in new.items():
        before = result.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            result[name] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            result[name] = [*before, *value]
        elif name in _PIECEWISE and isinstance(before, str) and isinstance(value, str):
            result[name] = before + value
        elif value is not None:
            result[name] = value
    return result
