"""Events as the fields of a delta or a message: the one place where names are put back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.events import Extra, Finished, ToolCallDelta, UsageReport
from ..dialect import Head
from ..fields import without
from ..stops import STANDARD
from .words import AROUND, BESIDE, CLOSING, CUSTOM, DELTA, FINISH, HEAD, LEGACY, LOGPROBS


def answer_id(head: Head) -> str:
    return f"chatcmpl-{head.ref}"


def tool_call(event: ToolCallDelta) -> dict[str, Any]:
    """A fragment as the fields of a delta: `tool_calls`, or the old `function_call`."""
    extra = without(event.extra or {}, DELTA)
    kind = CUSTOM if event.custom else extra.pop("type", "function")
    inside = extra.pop("function", {})
    function: dict[str, Any] = {"name": event.name} if event.name else {}
    function["input" if kind == CUSTOM else "arguments"] = event.arguments
    if kind == LEGACY:
        return {"function_call": {**inside, **function}}
    call: dict[str, Any] = {"index": event.index}
    if event.id:
        call["id"] = event.id
    if event.id or event.name:
        call["type"] = kind
    field = CUSTOM if kind == CUSTOM else "function"
    return {"tool_calls": [{**call, field: {**inside, **function}, **extra}]}


def finish_word(finished: Finished, choice: int) -> str:
    """The finish reason of one choice; the upstream's own word for it if that is a standard one."""
    reasons = finished.reasons
    reason = reasons[choice] if choice < len(reasons) else finished.reason
    if choice == 0 and finished.word in STANDARD:
        return finished.word
    return FINISH[reason]


def closing(finished: Finished) -> Mapping[int, Extra]:
    """What was told beside the finish reason of each choice."""
    return dict(enumerate((finished.extra or {}).get(CLOSING, ())))


def usage(report: UsageReport) -> dict[str, Any]:
    """The upstream's own object where there is one; an estimate says that it is one."""
    counts: dict[str, Any] = {
        "prompt_tokens": report.input_tokens,
        "completion_tokens": report.output_tokens,
        "total_tokens": report.input_tokens + report.output_tokens,
    }
    details = {
        "prompt_tokens_details": {"cached_tokens": report.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": report.reasoning_tokens},
    }
    known = {name: d for name, d in details.items() if None not in d.values()}
    flag = {"estimated": True} if report.estimated else {}
    return {**counts, **known, **flag, **(report.extra or {})}


@dataclass(frozen=True, slots=True)
class Places:
    """The places that an event's `extra` was taken from, and goes back to."""

    delta: Mapping[str, Any]
    choice: Mapping[str, Any]
    chunk: Mapping[str, Any]
    head: Mapping[str, Any]


def places(extra: Extra) -> Places:
    delta = dict(extra)
    choice = dict(delta.pop(BESIDE, {}))
    chunk, head = delta.pop(AROUND, {}), delta.pop(HEAD, {})
    if LOGPROBS in delta:
        choice[LOGPROBS] = delta.pop(LOGPROBS)
    return Places(delta, choice, chunk, head)
