"""What is to be done with the calls of a model's message: run them, or answer them without.

A call never runs twice unless its tool declares that this does no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from ..core.events import StopReason
from ..core.message import Message, Role, Text, ToolCall
from ..wire.toolargs import is_object
from .decisions import Answer, Run
from .events import Noted, ToolAnswered, ToolOutcome
from .standing import Identity, Standing, after_last, identity
from .task import Task
from .words import tell

MAX_REPEATS = 2  # identical calls that are answered from the first; then tools are withdrawn
AT_ONCE = 16  # calls that are run side by side, however many a message holds
_END_SHOWN = 120  # characters of broken arguments that are shown to who wrote them


class Declared(Protocol):
    """What the decision must know of a tool."""

    @property
    def safe(self) -> bool:
        """Whether a call may be made twice without harm."""
        ...

    def fault(self, arguments: str) -> str:
        """Why it cannot be called with this JSON object; "" if it can."""
        ...


def judge(now: Standing, task: Task, tools: Mapping[str, Declared]) -> Run | Answer:
    """Calls that need no run are answered at once; of the others a few are run together, and the
    rest when those are told.
    """
    told: list[ToolAnswered] = []
    notes: list[Noted] = []
    to_run: dict[Identity, ToolCall] = {}
    allowed = may_call(now, task)
    for call in now.pending:
        answer = _answer(now, task, tools, call, allowed=allowed)
        if answer is None:
            to_run.setdefault(identity(call), call)  # its twin will have the same answer
            if len(to_run) == AT_ONCE:
                break
            continue
        told.append(answer)
        if answer.outcome == "unknown" and call.id in now.intents:
            notes.append(Noted("tool_unknown", {"tool": call.name}))
    if told:
        return Answer(tuple(told), tuple(notes))
    return Run(tuple(to_run.values()))


def _answer(
    now: Standing, task: Task, tools: Mapping[str, Declared], call: ToolCall, *, allowed: bool
) -> ToolAnswered | None:
    """The answer to a call that must not be run; None if it must."""
    tool = tools.get(call.name)
    if call.id in now.intents:
        if tool and tool.safe:
            return None
        reason = tell("restarted", task.language)
        return answered(call, "unknown", tell("unknown_outcome", task.language, reason=reason))
    if now.stop == StopReason.CONTENT_FILTER.value or not allowed:
        return answered(call, "refused", tell("refused", task.language))
    if tool is None:
        there = ", ".join(sorted(tools)) or tell("no_tools", task.language)
        text = tell("unknown_tool", task.language, name=call.name, there=there)
        return answered(call, "error", text)
    fault = _broken(call, task) or tool.fault(call.arguments)
    if fault:
        return answered(call, "error", tell("bad_arguments", task.language, reason=fault))
    earlier = _earlier(now, call, again=tool.safe)
    if earlier:
        text = tell("repeated", task.language, result=earlier.message.text)
        return answered(call, earlier.outcome, text)
    return None


def may_call(now: Standing, task: Task) -> bool:
    """Whether the model was offered tools when it wrote its last message."""
    before = replace(now, messages=now.messages[: -1 - len(after_last(now.messages))])
    return tools_left(before, task)


def _broken(call: ToolCall, task: Task) -> str:
    if is_object(call.arguments):
        return ""
    key = "cut_arguments" if call.arguments.lstrip()[:1] in ("{", "") else "not_json"
    end = call.arguments[-_END_SHOWN:]
    return tell(key, task.language, count=len(call.arguments), end=end)


def _earlier(now: Standing, call: ToolCall, *, again: bool) -> ToolAnswered | None:
    """The answer to the same call earlier in this turn. One that failed may be tried `again`."""
    found = [
        answer
        for made, answer in now.results
        if made == identity(call) and not (again and answer.outcome in ("error", "timeout"))
    ]
    return found[-1] if found else None


def answered(
    call: ToolCall, outcome: ToolOutcome, text: str, ms: int = 0, rest: str = ""
) -> ToolAnswered:
    """The event of a call's answer, with the message that the model gets."""
    message = Message(Role.TOOL, (Text(text),), answers=call.id, failed=outcome != "ok")
    return ToolAnswered(call.id, call.name, outcome, message, ms, rest)


def tools_left(now: Standing, task: Task) -> bool:
    """The last step is for an answer in words, and so is what follows endless repetition."""
    return now.step < task.max_steps and repeats(now) < MAX_REPEATS


def repeats(now: Standing) -> int:
    """How often the most repeated call was repeated in this turn."""
    made = Counter(identity(call) for message in now.messages for call in message.calls)
    return max(made.values(), default=1) - 1
