"""What is to be done next in a turn, as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..core.events import StopReason
from ..core.failure import Kind
from .decisions import Ask, Decision, End
from .events import Ended
from .judging import MAX_REPEATS, Declared, judge, may_call, repeats, tools_left
from .standing import CUT_CALL, SPOKEN_CALL, Standing
from .task import Task


def decide(now: Standing, task: Task, tools: Mapping[str, Declared]) -> Decision:
    """What comes next in a turn that was asked something."""
    if now.ended:
        return End(now.ended)
    if now.open:
        return Ask(now.step, "resumed", now.read(task.released), tools_left(now, task))
    if now.pending:
        return judge(now, task, tools)
    if not now.step:
        return Ask(1, "ask", task.released, tools_left(now, task))
    called = now.last is not None and bool(now.last.calls)
    if now.stop == CUT_CALL:
        return Ask(now.step + 1, "mended", tools=tools_left(now, task))
    if not called or now.stop == StopReason.CONTENT_FILTER.value or not may_call(now, task):
        return End(_verdict(now, task))
    return Ask(now.step + 1, "ask", tools=tools_left(replace(now, step=now.step + 1), task))


def _verdict(now: Standing, task: Task) -> Ended:
    """How a turn ends whose last message calls nothing."""
    refused = now.last is not None and bool(now.last.refusal)
    if refused:
        return Ended("refused")  # in words of its own, which the person has read
    if now.stop == StopReason.CONTENT_FILTER.value:
        return Ended("refused", Kind.POLICY.value, {"released": len(now.prose)})
    if now.stop == StopReason.LENGTH.value:
        return Ended("limited", "length")
    if now.stop == SPOKEN_CALL:
        return Ended("limited", "spoken_call")
    if repeats(now) >= MAX_REPEATS:
        return Ended("limited", "repeated_calls")
    if now.step >= task.max_steps and now.results:
        return Ended("limited", "too_many_steps", {"steps": now.step})
    told = (task.released + now.prose).strip() or now.shows
    return Ended("finished") if told else Ended("finished", Kind.EMPTY.value)
