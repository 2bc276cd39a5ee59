"""Runs one turn from where its journal stands to its one end.

`stepper` decides; this carries it out: asks models, runs tools, and writes down what happens.
Nothing counts before it is in the journal: an intent is durable before its tool runs, and
every path out of a turn, but for a lost lane or a dying process, ends in one `Ended`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from ..core.events import (
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
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.message import Native, ToolCall
from ..core.record import failure_record
from ..core.request import Surface
from ..engine.ports import Journal
from ..resilience.policy import Route
from ..upstream.executor import Call
from .asking import Models
from .brought import Brought, fall, finish, strangers
from .codec import read_events, write_event
from .decisions import Answer, Ask, Decision, End, Run
from .events import (
    Asked,
    Ended,
    MediaAdded,
    Noted,
    ReasoningAdded,
    Replaced,
    StepBegan,
    StepEnded,
    TextAdded,
    ToolAnswered,
    ToolAsked,
    TurnEvent,
)
from .framing import Framer
from .judging import answered
from .media import LARGEST, Spent, bytes_of, named, parted, sized, sizes
from .spoken import Speech
from .standing import Standing, after, standing
from .stepper import decide
from .task import Task
from .toolrun import READ, run_tool
from .tools import AgentTool, Toolbox, ToolContext
from .words import tell

GRACE = 5.0  # seconds for a cancelled tool to leave
PARAGRAPH = "\n\n"  # between the texts of two steps


def _never() -> bool:
    return False


class Runner:
    """Shared by all turns."""

    def __init__(self, models: Models, framer: Framer, toolbox: Toolbox) -> None:
        self._models = models
        self._framer = framer
        self._toolbox = toolbox

    async def run(
        self, task: Task, journal: Journal, stopping: Callable[[], bool] = _never
    ) -> Ended:
        """Runs the turn, or what is left of it, and returns its last event, which becomes durable
        with the end of the turn: the caller has to return now.

        A cancellation is the person's if `stopping()`, and then an end like any other.
        Otherwise it goes through, and so do LaneLost and StoreFailed: the turn has not ended
        then, and another life goes on with it. So does a StreamFailed of kind CANCELLED, which
        says that this process is about to stop.
        """
        turn = _Turn(task, journal, self._models, self._framer, self._toolbox)
        turn.hear()
        if stopping():
            return await turn.stopped()
        try:
            return await turn.run()
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not stopping() or current is None:
                raise
            current.uncancel()
            return await turn.stopped()


class _Turn:
    """One turn under way."""

    def __init__(
        self, task: Task, journal: Journal, models: Models, framer: Framer, toolbox: Toolbox
    ) -> None:
        self._task = task
        self._journal = journal
        self._models = models
        self._framer = framer
        self._toolbox = toolbox
        self._tools: dict[str, AgentTool] = {}
        self._now: Standing = standing(read_events(entry.event for entry in journal.past))
        self._refused: _Refused | None = None  # the last call that failed

    def hear(self) -> None:
        """What is asked counts as said, whatever becomes of the answer."""
        if not self._now.asked:
            asked, brought = parted(self._task.asked)
            if brought:
                self._add(MediaAdded("", brought))
            self._add(Asked(asked))

    async def run(self) -> Ended:
        if self._now.ended:
            return self._now.ended
        route = self._models.routes(self._task.route)
        if route is None:
            return self._end(_no_route(self._task.route))
        await self._open_tools()
        decision = self._decide()
        while not isinstance(decision, End):
            decision = await self._carry_out(decision, route)
        return self._end(decision.ended)

    async def stopped(self) -> Ended:
        """The person wants no more: what is open is closed, so that it can be remembered."""
        if self._now.ended:
            await self._journal.settle()
            return self._now.ended
        for call in self._now.pending:
            self._add(self._abandoned(call))
        return self._end(Ended("stopped"))

    async def _carry_out(self, decision: Ask | Run | Answer, route: Route) -> Decision:
        match decision:
            case Ask():
                return await self._ask(decision, route)
            case Run(calls):
                await self._run_tools(calls)
            case Answer(answers, notes):
                for answer in answers:
                    self._add(answer)
                for note in notes:
                    self._add(note)
                await self._journal.settle()
            case _:
                assert_never(decision)
        return self._decide()

    def _decide(self) -> Decision:
        return decide(self._now, self._task, self._offered())

    def _add(self, event: TurnEvent) -> None:
        self._journal.add(write_event(event))
        self._now = after(self._now, event)

    def _end(self, ended: Ended) -> Ended:
        """It becomes durable together with the end of the turn."""
        self._journal.last(write_event(ended))
        self._now = after(self._now, ended)
        return ended

    # Asking.

    async def _ask(self, ask: Ask, route: Route) -> Decision:
        """One call. What it says is written down as it comes."""
        framed = await self._framer.frame(self._task, self._now, ask, self._offered())
        refused = self._refused
        if refused and ask.why == "compacted" and framed.weight >= refused.weight:
            told = (refused.failure, refused.ref, framed.seen)
            done = fall(self._now, self._task, *told, shorter=False)
            return self._stepped(done) if isinstance(done, StepEnded) else done
        ref = self._models.new_ref()
        for note in framed.notes:
            self._add(note)
        if ask.step > self._now.step and self._now.prose:
            self._tell(_gap(self._now.prose))
        self._add(StepBegan(ask.step, self._task.route, ref, ask.why))
        # What another life has shown is not this turn's to take back.
        anew = self._task.replaceable and ask.text == self._now.text
        surface = Surface.REPLACE if anew else Surface.APPEND_ONLY
        language = self._task.language
        call = self._models.call(route, framed.prompt, ref, language, ask.text, surface)
        try:
            brought = await self._read(call, ask.text)
        except StreamFailed as failed:
            if _is_stopping(call):
                raise
            self._refused = _Refused(failed.failure, ref, framed.weight)
            done = fall(self._now, self._task, failed.failure, ref, framed.seen)
            return self._stepped(done) if isinstance(done, StepEnded) else done
        if call.outcome and call.outcome.recovered:
            self._add(Noted("rescued", {"ref": ref, "attempts": len(call.attempts)}))
        by = call.attempts[-1].target.key
        untold = strangers(self._now, by)
        if untold:
            self._add(Noted("reasoning_left_out", {"target": by, "messages": untold}))
        finished = finish(self._now, self._task, brought)
        return self._stepped(finished) if isinstance(finished, StepEnded) else finished

    def _stepped(self, ended: StepEnded) -> Decision:
        """Whatever has an effect outside of the journal settles what stands before it."""
        self._add(ended)
        return self._decide()

    async def _read(self, call: Call, read: str) -> Brought:
        """What the call brings, behind what the person has `read`. Raises StreamFailed."""
        before = len(self._now.text)
        heard, speech = _Heard(), Speech(self._offered(), read)
        try:
            async with call:
                async for batch in call:
                    void = batch.index(Restarted()) + 1 if Restarted() in batch else 0
                    if void:
                        self._add(Replaced())
                        heard, speech, before = _Heard(), Speech(self._offered()), 0
                    text = heard.take(batch[void:])
                    if text.reasoning and self._task.show_reasoning:
                        self._add(ReasoningAdded(text.reasoning))
                    self._tell(speech.take(text.words))
        except StreamFailed:
            self._hear_out(speech)
            raise
        spoken = self._hear_out(speech)
        return heard.brought(grew=len(self._now.text) > before, spoken=spoken)

    def _hear_out(self, speech: Speech) -> bool:
        """Whether what was held back is a call; if not, it is told."""
        tool = speech.call()
        if tool:
            self._add(Noted("spoken_call", {"tool": tool}))
        else:
            self._tell(speech.rest())
        return bool(tool)

    def _tell(self, words: str) -> None:
        if words:
            self._add(TextAdded(words))

    # Tools.

    async def _open_tools(self) -> None:
        self._tools, missing = await self._toolbox.open(self._task.tools)
        if not self._now.step:
            for one in missing:
                record = failure_record(one.failure)
                self._add(Noted("tool_missing", {"tool": one.name, "failure": record}))

    def _offered(self) -> Mapping[str, AgentTool]:
        """The tools of the task, and one to read on where an output had more."""
        return self._tools | {READ.name: READ} if self._now.pages else self._tools

    async def _run_tools(self, calls: Sequence[ToolCall]) -> None:
        """Side by side. Each result is written down when it is there."""
        for call in calls:
            if call.id not in self._now.intents:
                self._add(ToolAsked(call.id, call.name, call.arguments))
        await self._journal.settle()
        spent = Spent(sum(bytes_of(answer.message) for _, answer in self._now.results))
        given = ToolContext(self._task.context, self._task.language, self._now.pages)
        offered = self._offered()
        clock = self._models.clock
        running = {
            asyncio.create_task(run_tool(offered[call.name], call, given, clock, spent))
            for call in calls
        }
        try:
            while running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._told(task.result())
                await self._journal.settle()
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=GRACE)

    def _told(self, event: ToolAnswered) -> None:
        words, brought = parted(event.message)
        if brought:
            self._add(MediaAdded(event.call_id, brought))
        self._add(replace(event, message=words, sizes=sizes(event.message)))
        tool = self._offered()[event.name]
        if event.outcome == "unknown" or (event.outcome == "timeout" and not tool.safe):
            self._add(Noted("tool_unknown", {"tool": event.name}))
        if event.left_out:
            told = {"name": named(event.left_out), "limit": sized(LARGEST)}
            self._add(Noted("media_left_out", told))

    def _abandoned(self, call: ToolCall) -> ToolAnswered:
        """The answer to a call that the person has stopped."""
        language = self._task.language
        tool = self._offered().get(call.name)
        if call.id not in self._now.intents or (tool and tool.safe):
            return answered(call, "refused", tell("stopped", language))
        reason = tell("stopped_midway", language)
        return answered(call, "unknown", tell("unknown_outcome", language, reason=reason))


@dataclass(frozen=True, slots=True)
class _Refused:
    """A call that failed, and the weight of what was asked."""

    failure: Failure
    ref: str
    weight: int


@dataclass(frozen=True, slots=True)
class _Text:
    words: str
    reasoning: str


class _Heard:
    """What a call has said so far."""

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._usage: dict[str, int] = {}
        self._stop = StopReason.END
        self._native: Native | None = None

    def take(self, batch: Sequence[StreamEvent]) -> _Text:
        """The text in the batch; all else is kept."""
        words: list[str] = []
        thoughts: list[str] = []
        for event in batch:
            match event:
                case TextDelta(text):
                    words.append(text)
                case RefusalDelta(text):
                    words.append(text)
                    self._refusal.append(text)
                case ReasoningDelta(text):
                    thoughts.append(text)
                    self._reasoning.append(text)
                case ToolCallDelta():
                    call = ToolCall(event.id, event.name, event.arguments, event.custom)
                    self._calls.append(call)
                case UsageReport():
                    self._usage = _usage(event)
                case Finished():
                    self._stop, self._native = event.reason, event.native
                case Restarted():
                    raise ValueError("taken out of the batch before")
                case Foreign():
                    continue  # a vendor's own tools at work: what they find is in the text
                case _:
                    assert_never(event)
        return _Text("".join(words), "".join(thoughts))

    def brought(self, *, grew: bool, spoken: bool) -> Brought:
        return Brought(
            self._stop,
            tuple(self._calls),
            "".join(self._reasoning),
            "".join(self._refusal),
            self._usage,
            grew,
            self._native,
            spoken,
        )


def _gap(text: str) -> str:
    """What is missing behind `text` for a paragraph to begin."""
    return PARAGRAPH[len(text) - len(text.rstrip("\n")) :]


def _usage(report: UsageReport) -> dict[str, int]:
    usage = {"input_tokens": report.input_tokens, "output_tokens": report.output_tokens}
    return usage | ({"estimated": 1} if report.estimated else {})


def _is_stopping(call: Call) -> bool:
    """Whether the call's last attempt was ended by this process on its way out."""
    last = call.attempts[-1].failure if call.attempts else None
    return last is not None and last.kind is Kind.STOPPING


def _no_route(name: str) -> Ended:
    failure = Failure(Kind.NO_ROUTE, Phase.ADMIT, Hop.ENGINE, detail=f"there is no route {name!r}")
    return Ended("failed", failure.kind.value, {"route": name}, failure=failure_record(failure))
