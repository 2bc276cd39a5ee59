"""What the chunks of one answer say, and whether they add up to a whole one.

A finish reason in a chunk of its own is taken at its word, and so is one beside the last words if
there was none beside those before. Elsewhere it may be a habit of the sender's (some write "stop"
into every chunk): it counts once the stream has ended, or the usage has come in a chunk of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.events import (
    Finished,
    Foreign,
    StopReason,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ...core.failure import SAID_TO_END, Failure, Kind, Phase
from ..classify import BEGUN_AGAIN, classify_event, finish_failure
from ..decode import Item
from ..fields import table, tables, text, whole, without
from ..stops import NO_FINISH
from ..trouble import error_of
from .choice import Choice
from .parts import says_something
from .words import AROUND, CLOSING, HEAD

# Of the answer as a whole; what they say is ours to say, or said in another place.
_OURS = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage"),
        *("error", "finish_reason", "holdfast"),
    }
)
# Of the answer as a whole, and its upstream's to say: it repeats them in every chunk.
_HEAD = ("system_fingerprint", "service_tier", "provider")
_CHUNK_FIELDS = _OURS | set(_HEAD)
_PADDING = "obfuscation"  # hides how long a text is
_STEADY = 2  # chunks after the first that have its id: then another id means another answer


class ChunkReader:
    """Implements `wire.decode.Reader`."""

    dialect = "chat"

    def __init__(self, vendor: str = "") -> None:
        self.vendor = vendor
        self.began = False  # a chunk has come
        self.spoke = False  # with content in it
        self.told = False  # `Finished` was given, and nothing has come since
        self.over = False  # [DONE] is no chunk
        self._counted = False  # a usage has come: one of zeros after it counts nothing
        self._doubtful = False  # content came beside or after a finish reason
        self._choices: dict[int, Choice] = {}
        self._seed = ""
        self._id: object = None  # of the last chunk that had one
        self._steady = 0  # chunks that have had it since
        self._head: tuple[Any, ...] = (None,) * len(_HEAD)

    @property
    def phase(self) -> Phase:
        return Phase.STREAM if self.spoke else Phase.FIRST

    def read(self, chunk: Mapping[str, Any]) -> list[Item]:
        self.began = True
        chunk = _unwrapped(chunk)
        items: list[Item] = []
        around: Mapping[str, Any] = {}
        if not chunk.keys() <= _CHUNK_FIELDS:
            around = {
                k: v for k, v in chunk.items() if k not in _CHUNK_FIELDS and says_something(v)
            }
        said = chunk.get
        head = said("system_fingerprint"), said("service_tier"), said("provider")  # as in _HEAD
        if head != self._head:
            items += self._headed(head)
        if (id := said("id")) == self._id:
            self._steady += 1
        elif id:
            if self.spoke and self._steady >= _STEADY and _opens(chunk):
                return [*items, BEGUN_AGAIN]
            self._id, self._steady = id, 0
        failure = self._read_choices(chunk, around, items)
        usage = _usage(chunk)
        if usage and (usage.input_tokens or usage.output_tokens or not self._counted):
            self._counted = True
            items.append(usage)
        error = error_of(chunk)
        if error is not None:
            failure = classify_event(error, self.phase, self.vendor)
        if failure:
            return [*items, failure]
        if not chunk.get("choices") and (around := without(around, _PADDING)):
            items.append(Foreign({AROUND: around}, content=False))
        summed_up = usage is not None and not chunk.get("choices")
        if not self.told and self._is_believable(summed_up=summed_up):
            items += self._finish()
        return items

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        choices = tables(body, "choices")
        return bool(choices) and all(
            table(choice, "message") and text(choice, "finish_reason") for choice in choices
        )

    def read_body(self, body: Mapping[str, Any]) -> list[Item] | None:
        body = _unwrapped(body)
        if "choices" not in body:
            return None
        items = self.read(body)
        failed = items and isinstance(items[-1], Failure)
        return items if failed else items + self.end(marked=True)

    def end(self, *, marked: bool) -> list[Item]:
        if self.told:
            return []
        missing = self._missing(marked=marked)
        if missing:
            kind = Kind.TRUNCATED if self._choices else Kind.EMPTY
            return [Failure(kind, Phase.END, detail=missing, code=SAID_TO_END if marked else None)]
        return self._finish()

    def _read_choices(
        self, chunk: Mapping[str, Any], around: Mapping[str, Any], items: list[Item]
    ) -> Failure | None:
        choices = chunk.get("choices")
        if isinstance(choices, dict):
            choices = [choices]
        failure = None
        for position, found in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(found, dict):
                index = found.get("index")
                choice = self._choice(index if isinstance(index, int) else position, chunk)
                events = choice.read(found, around)
                items += events
                self.told = self.told and all(isinstance(event, Foreign) for event in events)
                failure = self._weigh(choice, found, chunk) or failure
                if choice.spoke and choice.word is None and not choice.unended:
                    choice.unended = any(isinstance(e, TextDelta | ToolCallDelta) for e in events)
        return failure

    def _headed(self, head: tuple[Any, ...]) -> list[Item]:
        """What is new of what every chunk says; some leave it out of the last ones."""
        pairs = zip(_HEAD, head, self._head, strict=True)
        news = {name: now for name, now, before in pairs if now is not None and now != before}
        known = zip(head, self._head, strict=True)
        self._head = tuple(before if now is None else now for now, before in known)
        return [Foreign({HEAD: news}, content=False)] if news else []

    def _choice(self, index: int, chunk: Mapping[str, Any]) -> Choice:
        choice = self._choices.get(index)
        if choice is None:
            self._seed = self._seed or str(chunk.get("id") or "")
            self.told = False
            choice = Choice(index, f"{self._seed}\n{index}", self.vendor)
            self._choices[index] = choice
        return choice

    def _weigh(
        self, choice: Choice, found: Mapping[str, Any], chunk: Mapping[str, Any]
    ) -> Failure | None:
        """What the chunk means for the end of the choice: another word, or doubt about the last."""
        if choice.spoke:
            self.spoke = True
            choice.late = choice.word is not None
            self._doubtful = self._doubtful or choice.late
        word = found.get("finish_reason")
        if word is None:
            word = _misplaced(found, chunk)
        failure = None
        if isinstance(word, str) and word.lower() not in NO_FINISH:
            self._doubtful = self._doubtful or (choice.spoke and not choice.unended)
            self.told = self.told and word == choice.word
            choice.word, choice.late = word, False
            failure = finish_failure(word, self.phase)
        delta = found.get("delta")
        error = found.get("error") or (delta.get("error") if isinstance(delta, dict) else None)
        return classify_event(error, self.phase, self.vendor) if error else failure

    def _is_believable(self, *, summed_up: bool) -> bool:
        """Whether the finish reasons so far can be taken at their word at once.

        `summed_up`: what the answer took has just been told, which is known when it is over.
        """
        if self._missing(marked=not summed_up) or (self._doubtful and not summed_up):
            return False
        # "stop" before any content may as well be one of those that come with every chunk.
        return self.spoke or any(c.reason is not StopReason.END for c in self._choices.values())

    def _missing(self, *, marked: bool) -> str:
        """What keeps the answer from being whole; "" if nothing does."""
        end = "the end marker came" if marked else "the bytes ended"
        if not self.began:
            return f"{end} and nothing before"
        if not self._choices:
            return f"{end} without any content or finish reason"
        for index, choice in self._choices.items():
            of = f" of choice {index}" if len(self._choices) > 1 else ""
            if choice.word is None:
                return f"{end} without the finish reason{of}"
            if choice.late and not marked:
                return f"{end} and content had followed the finish reason{of}"
        return ""

    def _finish(self) -> list[Item]:
        self.told = True
        choices = [self._choices[index] for index in sorted(self._choices)]
        items: list[Item] = [event for choice in choices for event in choice.end()]
        fault = next(filter(None, (choice.fault() for choice in choices)), "")
        if fault:  # what was held back stays unsaid, so that another attempt can say it
            return [Failure(Kind.TOOL_ARGUMENTS, Phase.STREAM, detail=fault)]
        reasons = tuple(choice.reason for choice in choices)
        word = choices[0].word or ""
        closing = [choice.closing for choice in choices]
        extra = {CLOSING: closing} if any(closing) else None
        items.append(Finished(reasons[0], reasons if len(reasons) > 1 else (), word, extra))
        return items


def _unwrapped(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    """`chunk`, or the one that is the only thing in an envelope of the sender's own."""
    if "choices" in chunk:
        return chunk
    inside = (held for held in chunk.values() if isinstance(held, dict) and held.get("choices"))
    return next(inside, chunk)


def _opens(chunk: Mapping[str, Any]) -> bool:
    """Whether it is like the first chunk of an answer, which names the role, and ends nothing."""
    return any(
        table(choice, "delta").get("role") and not choice.get("finish_reason")
        for choice in tables(chunk, "choices")
    )


def _misplaced(found: Mapping[str, Any], chunk: Mapping[str, Any]) -> object:
    """A finish reason that stands beside the place where it is due."""
    delta = found.get("delta")
    inside = delta.get("finish_reason") if isinstance(delta, dict) else None
    return found.get("finishReason") or inside or chunk.get("finish_reason")


def _usage(chunk: Mapping[str, Any]) -> UsageReport | None:
    """Usage where OpenAI puts it, or Groq, or Moonshot (in a choice)."""
    usage = chunk.get("usage")
    if usage is None:
        choices = chunk.get("choices")
        last = choices[-1] if isinstance(choices, list) and choices else None
        usage = last.get("usage") if isinstance(last, dict) else None
    if usage is None and (groq := chunk.get("x_groq")):
        usage = groq.get("usage") if isinstance(groq, dict) else None
    if not isinstance(usage, dict) or not usage:
        return None
    counts = (
        _count(usage, "prompt_tokens", "input_tokens"),
        _count(usage, "completion_tokens", "output_tokens"),
    )
    return UsageReport(
        *counts,
        extra=usage,
        cached_tokens=_detail(usage, "prompt_tokens_details", "cached_tokens"),
        reasoning_tokens=_detail(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _detail(usage: Mapping[str, Any], details: str, name: str) -> int | None:
    """DeepSeek names the cached tokens beside the others."""
    inside = usage.get(details)
    value = whole(inside, name) if isinstance(inside, dict) else None
    if value is None and name == "cached_tokens":
        value = whole(usage, "prompt_cache_hit_tokens")
    return value


def _count(usage: Mapping[str, Any], *names: str) -> int:
    counts = (whole(usage, name) for name in names)
    return next((count for count in counts if count is not None), 0)
