"""How a turn stands, folded from its events, and what is to be done next.

A turn that was killed and one that runs are the same to this: both are their events. What a
call brought that is not in the journal yet is judged by `finish` and `fall`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from ..core.events import StopReason
from ..core.failure import Failure, Kind
from ..core.message import Message, Role, Text, ToolCall
from ..core.record import failure_record
from ..wire.toolargs import is_object
from .events import (
    Asked,
    Ended,
    Noted,
    ReasoningAdded,
    Replaced,
    Said,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    ToolOutcome,
    TurnEvent,
    TurnOutcome,
    Why,
)
from .task import Task
from .words import tell

MAX_REPEATS = 2  # identical calls that are answered from the first; then tools are withdrawn
MAX_SQUEEZES = 3  # times that a prompt is made shorter because the upstream says it is too long
CUT_CALL = "cut_call"  # a step's `stop`: it said something, and its call could not be read
_END_SHOWN = 120  # characters of broken arguments that are shown to who wrote them


Identity = tuple[str, str]  # name and arguments: what makes two calls the same


@dataclass(frozen=True, slots=True)
class Standing:
    """A turn as its events tell it."""

    messages: tuple[Message, ...] = ()  # of this turn alone, as they go into the history
    step: int = 0  # the last that was begun; 0 before the first
    open: bool = False  # a model was asked and its message is not whole
    text: str = ""  # of the open step, as the person has it
    prose: str = ""  # all text that the person has, of all steps
    whys: tuple[Why, ...] = ()  # of every beginning of every step
    continues: int = 0  # of the open step, after its length limit
    stop: str = ""  # why the last whole message ended
    intents: Mapping[str, ToolAsked] = field(default_factory=dict)  # of that message, by call id
    results: tuple[tuple[Identity, ToolAnswered], ...] = ()  # of all calls that were run
    ended: Ended | None = None

    @property
    def asked(self) -> bool:
        return bool(self.messages)

    @property
    def last(self) -> Message | None:
        """The model's last whole message."""
        return next((m for m in reversed(self.messages) if m.role is Role.ASSISTANT), None)

    @property
    def pending(self) -> tuple[ToolCall, ...]:
        """Calls of the model's last message that have no answer, in order."""
        told = {m.answers for m in _after_last(self.messages)}
        return tuple(call for call in (self.last.calls if self.last else ()) if call.id not in told)

    @property
    def pages(self) -> Mapping[str, str]:
        """Outputs that were longer than what the model was shown, by the id of their call."""
        return {answer.call_id: answer.rest for _, answer in self.results if answer.rest}

    @property
    def squeezes(self) -> int:
        return self.whys.count("compacted")


def standing(events: Iterable[TurnEvent]) -> Standing:
    now = Standing()
    for event in events:
        now = after(now, event)
    return now


def after(now: Standing, event: TurnEvent) -> Standing:
    match event:
        case Asked(message):
            return replace(now, messages=(*now.messages, message))
        case StepBegan(step, why=why):
            again = now.open and step == now.step
            return replace(
                now,
                step=step,
                open=True,
                text=now.text if again else "",
                continues=(now.continues if again else 0) + (why == "length"),
                whys=(*now.whys, why),
            )
        case TextAdded(text):
            own = now.text + text if now.open else now.text
            return replace(now, text=own, prose=now.prose + text)
        case Replaced():
            kept = now.prose.removesuffix(now.text) if now.open else now.prose
            return replace(now, text="", prose=kept)
        case StepEnded(message=message, stop=stop):
            messages = (*now.messages, message)
            return replace(now, messages=messages, open=False, text="", stop=stop, intents={})
        case ToolAsked(call_id):
            return replace(now, intents={**now.intents, call_id: event})
        case ToolAnswered(call_id, message=message):
            intent = now.intents.get(call_id)  # vendors use an id again, but not in one message
            ran = (((intent.name, intent.arguments.strip()), event),) if intent else ()
            return replace(now, messages=(*now.messages, message), results=(*now.results, *ran))
        case Ended():
            return replace(now, ended=event)
        case ReasoningAdded() | Noted() | Said():
            return now
        case _:
            assert_never(event)


def remembered(events: Iterable[TurnEvent]) -> tuple[Message, ...]:
    """What goes into the history of the conversation: an answer that was cut is kept as far as
    the person has read it.
    """
    now = standing(events)
    cut = (Message(Role.ASSISTANT, (Text(now.text),)),) if now.open and now.text.strip() else ()
    return now.messages + cut


# What is to be done.


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the model. `text` is what the person has already read of this very step."""

    step: int
    why: Why
    text: str = ""
    tools: bool = True  # may it call any?


@dataclass(frozen=True, slots=True)
class Run:
    """Run these calls side by side, each with its intent written down before."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """These calls are answered without anything being run."""

    answers: tuple[ToolAnswered, ...]
    notes: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    ended: Ended


Decision = Ask | Run | Answer | End


class Declared(Protocol):
    """What the decision must know of a tool."""

    @property
    def safe(self) -> bool:
        """Whether a call may be made twice without harm."""
        ...

    def fault(self, arguments: str) -> str:
        """Why it cannot be called with this JSON object; "" if it can."""
        ...


def decide(now: Standing, task: Task, tools: Mapping[str, Declared]) -> Decision:
    """What comes next in a turn that was asked something."""
    if now.ended:
        return End(now.ended)
    if now.open:
        return Ask(now.step, "resumed", _read(now, task), _tools_left(now, task))
    if now.pending:
        return _judge(now, task, tools)
    if not now.step:
        return Ask(1, "ask", task.released, _tools_left(now, task))
    called = now.last is not None and bool(now.last.calls)
    if now.stop == CUT_CALL:
        return Ask(now.step + 1, "mended", tools=_tools_left(now, task))
    if not called or now.stop == StopReason.CONTENT_FILTER.value or not _may_call(now, task):
        return End(_verdict(now, task))
    return Ask(now.step + 1, "ask", tools=_tools_left(replace(now, step=now.step + 1), task))


def _read(now: Standing, task: Task) -> str:
    """What the person has of the open step; of the first, what an earlier turn told of it too."""
    return (task.released if now.last is None else "") + now.text


def _tools_left(now: Standing, task: Task) -> bool:
    """The last step is for an answer in words, and so is what follows endless repetition."""
    return now.step < task.max_steps and _repeats(now) < MAX_REPEATS


def _repeats(now: Standing) -> int:
    """How often the most repeated call was repeated in this turn."""
    made = [_identity(call) for message in now.messages for call in message.calls]
    return max((made.count(identity) for identity in made), default=1) - 1


def _identity(call: ToolCall) -> Identity:
    return call.name, call.arguments.strip()


def _verdict(now: Standing, task: Task) -> Ended:
    """How a turn ends whose last message calls nothing."""
    refused = now.last is not None and bool(now.last.refusal)
    if refused:
        return Ended("refused")  # in words of its own, which the person has read
    if now.stop == StopReason.CONTENT_FILTER.value:
        return Ended("refused", Kind.POLICY.value, {"released": len(now.prose)})
    if now.stop == StopReason.LENGTH.value:
        return Ended("limited", "length")
    if _repeats(now) >= MAX_REPEATS:
        return Ended("limited", "repeated_calls")
    if now.step >= task.max_steps and now.results:
        return Ended("limited", "too_many_steps", {"steps": now.step})
    told = task.released + now.prose
    return Ended("finished") if told.strip() else Ended("finished", Kind.EMPTY.value)


# Calls.


def _judge(now: Standing, task: Task, tools: Mapping[str, Declared]) -> Run | Answer:
    """Calls that need no run are answered at once; the others are run together."""
    told: list[ToolAnswered] = []
    notes: list[Noted] = []
    to_run: dict[Identity, ToolCall] = {}
    for call in now.pending:
        answer = _answer(now, task, tools, call)
        if answer is None:
            to_run.setdefault(_identity(call), call)  # its twin will have the same answer
            continue
        told.append(answer)
        if answer.outcome == "unknown" and call.id in now.intents:
            notes.append(Noted("tool_unknown", {"tool": call.name}))
    return Answer(tuple(told), tuple(notes)) if told else Run(tuple(to_run.values()))


def _answer(
    now: Standing, task: Task, tools: Mapping[str, Declared], call: ToolCall
) -> ToolAnswered | None:
    """The answer to a call that must not be run; None if it must."""
    tool = tools.get(call.name)
    if call.id in now.intents:
        if tool and tool.safe:
            return None
        reason = tell("restarted", task.language)
        return answered(call, "unknown", tell("unknown_outcome", task.language, reason=reason))
    if now.stop == StopReason.CONTENT_FILTER.value or not _may_call(now, task):
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


def _may_call(now: Standing, task: Task) -> bool:
    """Whether the model was offered tools when it wrote its last message."""
    before = replace(now, messages=now.messages[: -1 - len(_after_last(now.messages))])
    return _tools_left(before, task)


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
        for identity, answer in now.results
        if identity == _identity(call) and not (again and answer.outcome in ("error", "timeout"))
    ]
    return found[-1] if found else None


def answered(
    call: ToolCall, outcome: ToolOutcome, text: str, ms: int = 0, rest: str = ""
) -> ToolAnswered:
    """The event of a call's answer, with the message that the model gets."""
    message = Message(Role.TOOL, (Text(text),), answers=call.id, failed=outcome != "ok")
    return ToolAnswered(call.id, call.name, outcome, message, ms, rest)


def _after_last(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The tool results that follow the model's last message."""
    count = 0
    for message in reversed(messages):
        if message.role is not Role.TOOL:
            break
        count += 1
    return tuple(messages[len(messages) - count :])


# What a call brought.


@dataclass(frozen=True, slots=True)
class Brought:
    """What a call to a model brought that was whole, beside the text that the journal has."""

    stop: StopReason
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    refusal: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    grew: bool = True  # the person has been given more text


def finish(now: Standing, task: Task, brought: Brought) -> StepEnded | Ask:
    """The step is over, unless its message met the length limit and may be gone on with."""
    cut = brought.stop is StopReason.LENGTH and not brought.calls
    if cut and brought.grew and now.continues < task.max_continues:
        return Ask(now.step, "length", _read(now, task), _tools_left(now, task))
    text = _read(now, task).removesuffix(brought.refusal)
    message = Message(
        Role.ASSISTANT,
        (Text(text),) if text else (),
        calls=brought.calls,
        reasoning=brought.reasoning,
        refusal=brought.refusal,
    )
    return StepEnded(now.step, message, brought.usage, brought.stop.value)


def fall(
    now: Standing, task: Task, failure: Failure, ref: str, seen: Collection[Why]
) -> Ask | StepEnded | End:
    """A call failed for good: ask differently if that may help, else end and say why.

    Text that came before a tool call that cannot be read stands, and the model is told. `seen`
    names what the prompt held that could be left out: "without_images", "without_tools".
    """
    read = _read(now, task)
    why = _way_round(now, failure, seen)
    if why is None:
        return give_up(now, task, failure, ref)
    if why == "mended" and read:
        return StepEnded(now.step, Message(Role.ASSISTANT, (Text(read),)), stop=CUT_CALL)
    return Ask(now.step, why, read, _tools_left(now, task))


def give_up(now: Standing, task: Task, failure: Failure, ref: str) -> End:
    """The turn ends with this failure. What was read of the answer stays."""
    record = failure_record(failure)
    if now.continues:
        return End(Ended("limited", "length", {}, ref, record))
    values: dict[str, object] = {"released": len(_read(now, task))}
    if failure.retry_after is not None:
        values["retry_after"] = failure.retry_after
    outcome: TurnOutcome = "refused" if failure.kind is Kind.POLICY else "failed"
    return End(Ended(outcome, failure.kind.value, values, ref, record))


def _way_round(now: Standing, failure: Failure, seen: Collection[Why]) -> Why | None:
    """Another form of the same question that may succeed; each is tried a few times at most."""
    match failure.root.kind if failure.kind is Kind.BAD_GATEWAY else failure.kind:
        case Kind.TOO_LONG if now.squeezes < MAX_SQUEEZES:
            return "compacted"
        case Kind.UNSUPPORTED:
            return next((why for why in _LEFT_OUT if why in seen and why not in now.whys), None)
        case Kind.TOOL_ARGUMENTS if "mended" not in now.whys:
            return "mended"
        case _:
            return None


_LEFT_OUT: tuple[Why, ...] = ("without_images", "without_tools")
