"""What a client of this dialect is given: events as server-sent chunks.

One id, model and role per answer, whatever happened behind.
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
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ..dialect import APPENDED, Head
from ..jsontext import dumps
from .put import answer_id, closing, finish_word, places, tool_call, usage
from .words import AROUND, DELTA, HEAD

HEARTBEAT = b": hb\n"  # a comment alone: a blank line would make some SDKs parse an empty event
DONE = b"data: [DONE]\n\n"
_END = b"}\n\n"  # of a chunk


class ChatStream:
    """Implements `wire.dialect.StreamWriter`."""

    heartbeat = HEARTBEAT
    ends_failed = False

    def __init__(self, head: Head, include_usage: bool) -> None:
        self._head: dict[str, Any] = {
            "id": answer_id(head),
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
        }
        if include_usage:
            self._head["usage"] = None  # in all chunks but the last
        self._include_usage = include_usage
        self._usage: UsageReport | None = None
        self._begun: dict[int, tuple[bytes, bytes]] = {}  # what stands around a text, by choice

    def encode(self, events: Sequence[StreamEvent]) -> bytes:
        """The chunks that say `events`; usage waits for `finish`."""
        written = []
        for event in events:
            if (
                isinstance(event, TextDelta)
                and event.text
                and _is_plain(event.extra)
                and (begun := self._begun.get(event.choice))
            ):
                before, after = begun
                if event.extra:
                    after = b"%b,%b\n\n" % (after[: -len(_END)], dumps(event.extra[AROUND])[1:])
                written.append(before + dumps(event.text) + after)
            else:
                written.append(self._event(event))
        return b"".join(written)

    def finish(self, extension: Mapping[str, Any] | None) -> bytes:
        """The end of a whole answer. `extension` is told under "holdfast" in the last chunk.

        Only who asked for usage is sent a chunk without choices: many a client cannot take one.
        """
        last: dict[str, Any] = {}
        if extension:
            last["holdfast"] = extension
        if self._include_usage and (self._usage or last):
            told = usage(self._usage) if self._usage else None
            return self._write({"choices": [], "usage": told, **last}) + DONE
        if last:
            return self._write({"choices": [_choice(0, {})], **last}) + DONE
        return DONE

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """The end of an answer that could not be saved; no end marker follows, on purpose."""
        choices = [_choice(index, {}, "error") for index in sorted(self._begun) or [0]]
        return self._write({"error": error, "choices": choices})

    def _event(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta(text, choice, extra):
                delta = {"content": text} if text else {}
                return self._delta(choice, delta, extra) if text or extra else b""
            case ReasoningDelta(text, choice, extra):
                delta = {"reasoning_content": text} if text else {}
                return self._delta(choice, delta, extra) if text or extra else b""
            case RefusalDelta(text, choice, extra):
                return self._delta(choice, {"refusal": text}, extra) if text else b""
            case ToolCallDelta():
                around = (event.extra or {}).get(DELTA)
                return self._delta(event.choice, tool_call(event), around)
            case Foreign(extra) if HEAD in extra:
                return self._headed(extra[HEAD])
            case Foreign(extra, choice):
                return self._delta(choice, {}, extra)
            case UsageReport():
                self._usage = event
                return b""
            case Finished():
                return self._finished(event)
            case Restarted():
                raise ValueError(APPENDED)
            case _:
                assert_never(event)

    def _delta(
        self,
        choice: int,
        delta: dict[str, Any],
        extra: Extra | None = None,
        word: str | None = None,
    ) -> bytes:
        back = places(extra or {})
        delta = {**self._role(choice), **back.delta, **delta}
        told = {**_choice(choice, delta), **back.choice, "finish_reason": word}
        return self._write({**back.chunk, "choices": [told]})

    def _finished(self, event: Finished) -> bytes:
        count = max(1, len(event.reasons), *(index + 1 for index in self._begun))
        extras = closing(event)
        return b"".join(
            self._delta(index, {}, extras.get(index), finish_word(event, index))
            for index in range(count)
        )

    def _role(self, choice: int) -> dict[str, Any]:
        """The role, in the first delta of a choice only."""
        if choice in self._begun:
            return {}
        self._begun[choice] = self._around(choice)
        return {"role": "assistant"}

    def _around(self, choice: int) -> tuple[bytes, bytes]:
        mark = "\0"
        chunk = self._write({"choices": [_choice(choice, {"content": mark})]})
        before, _, after = chunk.partition(dumps(mark))
        return before, after

    def _headed(self, head: Mapping[str, Any]) -> bytes:
        """An upstream has more to say in every chunk."""
        self._head |= head
        self._begun = {choice: self._around(choice) for choice in self._begun}
        return b""

    def _write(self, fields: Mapping[str, Any]) -> bytes:
        return b"data: " + dumps({**self._head, **fields}) + b"\n\n"


def _is_plain(extra: Extra | None) -> bool:
    """Whether it holds no more than what stands around the words in their chunk."""
    return extra is None or (len(extra) == 1 and AROUND in extra)


def _choice(index: int, delta: dict[str, Any], word: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": word}
