"""What follows from a call to a model: the step is whole, or is asked again, or the turn ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..core.events import StopReason
from ..core.failure import Failure, Kind
from ..core.message import Message, Native, Role, Text, ToolCall
from ..core.record import failure_record
from ..wire.toolargs import unused
from .compaction import SQUEEZES
from .decisions import Ask, End
from .events import Ended, StepEnded, TurnOutcome, Why
from .judging import tools_left
from .standing import CUT_CALL, LEFT_OUT, SPOKEN_CALL, Standing
from .task import Task


@dataclass(frozen=True, slots=True)
class Brought:
    """What a call to a model brought that was whole, beside the text that the journal has."""

    stop: StopReason
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    refusal: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    grew: bool = True  # the person has been given more text
    native: Native | None = None
    spoken: bool = False  # a call of a tool was written out as text, which was not shown


def strangers(now: Standing, by: str) -> int:
    """How many messages of this turn hold what `by`, who answers now, could not be told."""
    return sum(message.native is not None and message.native.by != by for message in now.messages)


def finish(now: Standing, task: Task, brought: Brought) -> StepEnded | Ask:
    """The step is over, unless its message met the length limit and may be gone on with, or said
    nothing but a call that is none.
    """
    filtered = brought.stop is StopReason.CONTENT_FILTER
    spoken = brought.spoken and not (brought.calls or filtered)
    may_mend = "mended" not in now.whys and tools_left(now, task)
    if spoken and may_mend and not now.read(task.released):
        return Ask(now.step, "mended")
    cut = brought.stop is StopReason.LENGTH and not (brought.calls or spoken)
    if cut and brought.grew and now.continues < task.max_continues:
        return Ask(now.step, "length", now.read(task.released), tools_left(now, task))
    text = now.read(task.released).removesuffix(brought.refusal)
    calls = _told_apart(brought.calls, (*task.history, *now.messages))
    message = Message(
        Role.ASSISTANT,
        (Text(text),) if text else (),
        calls=calls,
        reasoning=brought.reasoning,
        refusal=brought.refusal,
        native=brought.native if calls and calls == brought.calls else None,
    )
    stop = (CUT_CALL if may_mend else SPOKEN_CALL) if spoken else brought.stop.value
    return StepEnded(now.step, message, brought.usage, stop)


def _told_apart(calls: Sequence[ToolCall], before: Sequence[Message]) -> tuple[ToolCall, ...]:
    """The calls with ids that none `before` has: some vendors begin to count anew with every
    answer, and others take no id twice.
    """
    taken = {call.id for message in before for call in message.calls}
    apart: list[ToolCall] = []
    for call in calls:
        id = unused(call.id, taken)
        taken.add(id)
        apart.append(call if id == call.id else replace(call, id=id))
    return tuple(apart)


def fall(
    now: Standing,
    task: Task,
    failure: Failure,
    ref: str,
    seen: Collection[Why],
    *,
    shorter: bool = True,
) -> Ask | StepEnded | End:
    """A call failed for good: ask differently if that may help, else end and say why.

    Text that came before a tool call that cannot be read stands, and the model is told. `seen`
    names what the prompt held that could be left out: "without_images", "without_tools";
    `shorter`: it may be made shorter besides.
    """
    read = now.read(task.released)
    why = _way_round(now, failure, seen, shorter=shorter)
    if why is None:
        return give_up(now, task, failure, ref)
    if why == "mended" and read:
        return StepEnded(now.step, Message(Role.ASSISTANT, (Text(read),)), stop=CUT_CALL)
    return Ask(now.step, why, read, tools_left(now, task))


def give_up(now: Standing, task: Task, failure: Failure, ref: str) -> End:
    """The turn ends with this failure. What was read of the answer stays."""
    record = failure_record(failure)
    if now.continues:
        return End(Ended("limited", "length", {}, ref, record))
    if failure.kind is Kind.EMPTY and now.shows:
        return End(Ended("finished", ref=ref, failure=record))  # a tool has shown the answer
    values: dict[str, object] = {"released": len(now.read(task.released))}
    if failure.retry_after is not None:
        values["retry_after"] = failure.retry_after
    outcome: TurnOutcome = "refused" if failure.kind is Kind.POLICY else "failed"
    return End(Ended(outcome, failure.kind.value, values, ref, record))


def _way_round(
    now: Standing, failure: Failure, seen: Collection[Why], *, shorter: bool
) -> Why | None:
    """Another form of the same question that may succeed; each is tried a few times at most."""
    match failure.root.kind if failure.kind is Kind.BAD_GATEWAY else failure.kind:
        case Kind.TOO_LONG if shorter and now.squeezes < len(SQUEEZES):
            return "compacted"
        case Kind.INVALID if "without_images" in seen and "without_images" not in now.whys:
            return "without_images"  # of all that may be wrong it is the likeliest
        case Kind.TOO_LONG | Kind.UNSUPPORTED:
            return next((why for why in LEFT_OUT if why in seen and why not in now.whys), None)
        case Kind.TOOL_ARGUMENTS if "mended" not in now.whys:
            return "mended"
        case _:
            return None
