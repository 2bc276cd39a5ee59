"""One call, without I/O: events, failures and time in, commands out.

The machine never waits and never sends. It asks the planner what to do next, holds back
what must not be released yet, and answers each input with the commands to carry out, in
order. After `Done` it answers nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from typing import assert_never

from ..core.attempt import Attempt, How, Outcome, Target
from ..core.events import (
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
from ..core.failure import Failure, Hop, Kind, Phase
from ..core.reason import Reason, Why
from ..core.request import Request, Surface
from ..core.tokens import estimate_tokens
from .budget import HEDGE, RetryBudget
from .commands import Close, Command, Done, Emit, Open, Record, Wake
from .health import Health
from .leg import Leg, says_nothing
from .planner import GiveUp, Situation, Try, plan
from .policy import Route
from .replay import Replay
from .splice import Splicer

_CONTENT = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta)

_CUT = Failure(
    Kind.TRUNCATED,
    Phase.END,
    detail="ended without a finish reason",
    detail_zh="没有给出结束原因就结束了",
)
_LEFT = Failure(
    Kind.CANCELLED, Phase.STREAM, Hop.CLIENT, detail="the reader left", detail_zh="读者已离开"
)
_OUTRUN = Failure(
    Kind.CANCELLED,
    Phase.FIRST,
    Hop.ENGINE,
    detail="another attempt answered first",
    detail_zh="另一次尝试先有了回答",
)
_UNCLEAR = Failure(
    Kind.DIVERGED,
    Phase.END,
    detail="the continuation was cut short before it was clear where it goes on",
    detail_zh="续写在看得出从哪里接上之前就被截断了",
)
_NO_CALL = Failure(
    Kind.DIVERGED,
    Phase.END,
    detail="the cut attempt was calling a tool and the continuation did not",
    detail_zh="中断的尝试正在调用工具，而续写没有调用",
)


class State(Enum):
    IDLE = "idle"
    WAITING = "waiting"  # for the time of the next attempt
    RUNNING = "running"  # one attempt, or two while hedging
    DONE = "done"


class StreamMachine:
    """Carries one call from its first attempt to its one end."""

    def __init__(
        self,
        request: Request,
        route: Route,
        health: Health,
        budget: RetryBudget,
        jitter: float,
        released: str = "",
    ) -> None:
        """`released`: what the reader was given in an earlier life of this call, to go on from."""
        self.state = State.IDLE
        self.history: list[Attempt] = []
        self._request = request
        self._route = route
        self._health = health
        self._budget = budget
        self._jitter = jitter
        self._legs: dict[int, Leg] = {}
        self._paid: dict[str, float] = {}  # from the retry budget, by target
        self._opened = 0
        self._deadline = 0.0
        self._next_at = 0.0
        self._waiting_since: float | None = None
        self._hedged = False
        self._text: list[str] = [released] if released else []
        self._released = len(released)
        self._reasoning_from: int | None = None
        self._refused = False  # words of a refusal were released
        self._tool_cut = False  # a tool call was being made when released text was cut
        self._commands: list[Command] = []

    @property
    def released(self) -> int:
        """Characters of text the reader has been given."""
        return self._released

    # Inputs. Each returns the commands to carry out, in order.

    def start(self, now: float) -> list[Command]:
        assert self.state is State.IDLE
        self._deadline = now + self._route.policy.deadline
        self._schedule(now)
        return self._flush()

    def progressed(
        self,
        attempt: int,
        phase: Phase,
        now: float,
        status: int | None = None,
        upstream_ids: tuple[tuple[str, str], ...] = (),
    ) -> list[Command]:
        """The attempt has reached `phase`."""
        leg = self._legs.get(attempt)
        if leg:
            leg.reach(phase, now)
            leg.status = status or leg.status
            leg.upstream_ids = upstream_ids or leg.upstream_ids
        return self._flush()

    def receive(
        self, attempt: int, items: Sequence[StreamEvent | Failure], now: float
    ) -> list[Command]:
        """Bytes came; `items` is what they said, which may be nothing."""
        leg = self._legs.get(attempt)
        if leg is None:
            return []
        leg.last_bytes_at = now
        out: list[StreamEvent] = []
        for item in items:
            failure = item if isinstance(item, Failure) else self._take(leg, item, out, now)
            if failure:
                self._emit(leg, out)
                self._failed(leg, failure, now)
                return self._flush()
        self._emit(leg, out)
        return self._flush()

    def end(self, attempt: int, now: float) -> list[Command]:
        """The bytes ended cleanly. Without `Finished` before, that is a failure."""
        return self.fail(attempt, _CUT, now)

    def fail(self, attempt: int, failure: Failure, now: float) -> list[Command]:
        leg = self._legs.get(attempt)
        if leg:
            self._failed(leg, failure, now)
        return self._flush()

    def tick(self, now: float) -> list[Command]:
        if self.state is State.WAITING and now >= min(self._next_at, self._deadline):
            self._schedule(now)
        for leg in list(self._legs.values()):
            if now >= self._deadline:
                self._failed(leg, self._overdue(leg.phase), now)
            elif leg.finished and now >= leg.finished_at + self._route.policy.finish_grace:
                self._complete(leg, now)
            elif now >= leg.expiry():
                self._failed(leg, leg.timeout(now), now)
        self._hedge(now)
        return self._flush()

    def stalled_by_reader(self, seconds: float) -> None:
        """Our own reader was slow for so long: no fault of any upstream."""
        for leg in self._legs.values():
            leg.last_bytes_at += seconds
            leg.last_content_at += seconds
            leg.finished_at += seconds

    def cancel(self, now: float) -> list[Command]:
        """The reader has left."""
        failure = _LEFT
        for leg in list(self._legs.values()):
            self._health.failed(leg.target, failure, now, self._jitter)
            self._keep(leg.record(now, replace(failure, phase=leg.phase), "stop", Reason(Why.LEFT)))
            self._close(leg)
        if self.state is not State.DONE:
            self._done(failure)
        return self._flush()

    # What an event means.

    def _take(
        self, leg: Leg, event: StreamEvent, out: list[StreamEvent], now: float
    ) -> Failure | None:
        """Sorts one event: into `out` if it may be released, into the leg if it must wait."""
        if isinstance(event, _CONTENT):
            if says_nothing(event):
                return None
            leg.content(now)
            leg.finished = None  # content after a finish reason: that was no proof
            self._won(leg, now)
        match event:
            case TextDelta():
                leg.spoke = True
                return self._take_text(leg, event, out)
            case ReasoningDelta():
                leg.reasoned = True
                self._take_reasoning(leg, event, out)
            case RefusalDelta():
                leg.spoke = True
                out += [*leg.release_foreign(), event]
            case ToolCallDelta():
                leg.hold_tool(event)
            case Foreign():
                self._take_foreign(leg, event, now)
            case UsageReport():
                leg.usage = event
            case Finished():
                leg.finished, leg.finished_at = event, now
            case Restarted():
                raise ValueError("no upstream makes an answer void")
            case _:
                assert_never(event)
        return None

    def _take_reasoning(self, leg: Leg, event: ReasoningDelta, out: list[StreamEvent]) -> None:
        if self._reasoning_from not in (None, leg.number) or leg.how is not How.START:
            return
        if event.text:
            out += [*leg.release_foreign(), event]
        else:  # a signature: of use only beside the answer that it goes with
            leg.foreign.append(event)

    def _take_foreign(self, leg: Leg, event: Foreign, now: float) -> None:
        leg.hold_foreign(event)
        if event.content:
            leg.content(now)
            leg.finished = None
            leg.spoke = True
            self._won(leg, now)

    def _take_text(self, leg: Leg, event: TextDelta, out: list[StreamEvent]) -> Failure | None:
        if leg.splicer is None:
            out += [*leg.release_foreign(), event]
            return None
        text = leg.splicer.feed(event.text)
        if isinstance(text, Failure):
            return text
        if text:
            out.append(replace(event, text=text, extra=None))  # of a text that is no more
        return None

    def _emit(self, leg: Leg, events: Sequence[StreamEvent]) -> None:
        if not events or leg.number not in self._legs:
            return
        if self._request.surface is Surface.NONE:
            leg.withheld.extend(events)
            return
        if any(isinstance(event, TextDelta | RefusalDelta) for event in events):
            events = [*self._restart(leg), *events]
        for event in events:
            if isinstance(event, TextDelta | RefusalDelta) and event.text:
                self._text.append(event.text)
                self._released += len(event.text)
                leg.released += len(event.text)
                self._refused = self._refused or isinstance(event, RefusalDelta)
            elif isinstance(event, ReasoningDelta):
                self._reasoning_from = leg.number
        self._commands.append(Emit(tuple(events)))

    def _restart(self, leg: Leg) -> list[StreamEvent]:
        """Makes void what was given before an attempt that answers anew has something to give."""
        if leg.how is not How.START or leg.released or not self._text:
            return []
        self._text.clear()
        self._released = 0
        self._refused = self._tool_cut = False
        return [Restarted()]

    # How an attempt ends.

    def _failed(self, leg: Leg, failure: Failure, now: float) -> None:
        if leg.finished:
            # The answer was whole; only the end marker or the usage was lost with the rest.
            self._complete(leg, now)
            return
        self._lose(leg, failure, now)

    def _complete(self, leg: Leg, now: float) -> None:
        failure = (
            leg.emptiness(tool_cut=self._tool_cut) or self._finish_text(leg) or self._lost_tool(leg)
        )
        if failure:
            self._lose(leg, failure, now)
            return
        assert leg.finished is not None
        self._won(leg, now)
        usage = self._usage(leg)
        tools = sorted(leg.tools.values(), key=lambda call: (call.choice, call.index))
        foreign = leg.release_foreign()
        counted = [usage] if usage else []
        events = (*self._restart(leg), *leg.withheld, *foreign, *tools, *counted, leg.finished)
        if self._request.surface is Surface.NONE:
            texts = [e.text for e in events if isinstance(e, TextDelta)]
            self._released = leg.released = sum(map(len, texts))
        self._commands.append(Emit(events))
        self._health.succeeded(leg.target, now)
        self._budget.refund(leg.target.name, self._paid.pop(leg.target.name, 0.0))
        self._keep(leg.record(now, None, "finish", Reason(Why.WHOLE)))
        self._close(leg)
        self._done(None, usage)

    def _finish_text(self, leg: Leg) -> Failure | None:
        if leg.splicer is None or (leg.tools and not leg.spoke):
            return None  # a call that comes back alone has no seam
        joined = leg.splicer.seam is not None
        text = leg.splicer.finish()
        if isinstance(text, Failure):
            return text
        if not joined and leg.was_cut and not (leg.splicer.seam and leg.splicer.seam.verified):
            return _UNCLEAR
        if text:
            self._emit(leg, [TextDelta(text)])
        return None

    def _lost_tool(self, leg: Leg) -> Failure | None:
        """A cut tool call must come back as a tool call, not as prose about one."""
        if self._tool_cut and not leg.tools and leg.how is not How.START:
            return _NO_CALL
        return None

    def _lose(self, leg: Leg, failure: Failure, now: float) -> None:
        """The attempt is over and brought no end: record it and decide what comes next."""
        self._tool_cut = self._tool_cut or bool(leg.tools and self._text)
        spoke = leg.first_event_at is not None
        self._health.failed(leg.target, failure, now, self._jitter, spoke=spoke)
        self._close(leg)
        attempt = leg.record(now, failure)
        if self._legs:
            self._keep(replace(attempt, decision="hedge", why=Reason(Why.TWIN)))
            self._hedged = False  # the twin is as lonely as the first was
            return
        self.history.append(attempt)
        self._waiting_since = None
        self._schedule(now)

    def _usage(self, leg: Leg) -> UsageReport | None:
        """Tokens of the logical answer: a continuation's own count lacks what came before it."""
        if leg.how in (How.START, How.NATIVE) or leg.usage is None:
            return leg.usage
        before = estimate_tokens("".join(self._text)[: self._released - leg.released])
        tokens = leg.usage.output_tokens + before
        return replace(leg.usage, output_tokens=tokens, estimated=True, extra=None)

    # What comes next.

    def _schedule(self, now: float) -> None:
        """Asks the planner; the last attempt's record is completed with its decision."""
        waiting = self.state is State.WAITING
        decision = plan(self._situation(now), self._health, self._budget)
        if not waiting and self.history and not self.history[-1].decision:
            self._decide(decision)
        if isinstance(decision, GiveUp):
            self._done(decision.failure)
        elif decision.at <= now:
            self._open(decision, now)
        else:
            self.state = State.WAITING
            self._waiting_since = now if self._waiting_since is None else self._waiting_since
            self._next_at = decision.at

    def _situation(self, now: float, busy: frozenset[str] = frozenset()) -> Situation:
        return Situation(
            route=self._route,
            history=self.history,
            released=bool(self._text),
            continuable=self._request.continuable and not self._refused,
            replayable=self._request.choices == 1 and not self._refused,
            now=now,
            deadline=self._deadline,
            jitter=self._jitter,
            waiting_since=self._waiting_since,
            busy=busy,
            replaceable=self._request.surface is Surface.REPLACE,
        )

    def _decide(self, decision: Try | GiveUp) -> None:
        word = decision.decision if isinstance(decision, Try) else "stop"
        self.history[-1] = replace(self.history[-1], decision=word, why=decision.why)
        self._commands.append(Record(self.history[-1]))

    def _open(self, choice: Try, now: float) -> None:
        self._pay(choice.target, choice.price, now)
        self._opened += 1
        text = "".join(self._text)
        patience = self._health.patience(choice.target)
        leg = Leg(self._opened, choice.target, choice.how, now, patience, last_bytes_at=now)
        if choice.how is How.NATIVE:
            leg.splicer = Replay(text)
        elif choice.how is not How.START:
            echoes = "echoes_prefix" in choice.target.quirks
            leg.splicer = Splicer(text, choice.how, echoes=echoes)
        self._legs[leg.number] = leg
        self._health.asked(choice.target, now)
        self.state = State.RUNNING
        self._waiting_since = None
        self._commands.append(Open(leg.number, choice.target, choice.how, text))

    def _pay(self, target: Target, price: float, now: float) -> None:
        if price:
            self._budget.spend(target.name, price, now)
            self._paid[target.name] = self._paid.get(target.name, 0.0) + price

    def _hedge(self, now: float) -> None:
        """Asks a second target while the first is silent; the first to speak wins."""
        if now < self._hedge_at():
            return
        self._hedged = True
        (first,) = self._legs.values()
        busy = frozenset({first.target.name})
        choice = plan(self._situation(now, busy), self._health, self._budget)
        if isinstance(choice, GiveUp) or choice.at > now:
            return
        # Beside one in doubt it is only asked earlier than it would be.
        price = HEDGE if first.patience is None else 0.0
        if self._budget.allows(choice.target.name, price, now):
            self._pay(choice.target, price, now)
            self._open(choice, now)

    def _hedge_at(self) -> float:
        if self._hedged or self._text or len(self._legs) != 1:
            return float("inf")
        (leg,) = self._legs.values()
        if leg.first_event_at is not None:
            return float("inf")
        waits = [wait for wait in (self._route.policy.hedge, leg.patience) if wait is not None]
        return leg.started_at + min(waits, default=float("inf"))

    def _won(self, leg: Leg, now: float) -> None:
        """Content or the end has come: the target is well, a slower twin no longer needed."""
        if leg.first_event_at == now:
            self._health.answered(leg.target, now - leg.started_at)
        for other in [twin for twin in self._legs.values() if twin is not leg]:
            lost = other.outlasted(now) or replace(_OUTRUN, phase=other.phase)
            self._health.failed(other.target, lost, now, self._jitter)
            self._keep(other.record(now, lost, "hedge", Reason(Why.OUTRUN)))
            self._close(other)

    def _overdue(self, phase: Phase) -> Failure:
        seconds = self._route.policy.deadline
        return Failure(
            Kind.DEADLINE,
            phase,
            Hop.ENGINE,
            detail=f"the deadline of {seconds:g} s has passed",
            detail_zh=f"{seconds:g} 秒的时限已过",
        )

    # Commands.

    def _keep(self, attempt: Attempt) -> None:
        self.history.append(attempt)
        self._commands.append(Record(attempt))

    def _close(self, leg: Leg) -> None:
        del self._legs[leg.number]
        self._commands.append(Close(leg.number))

    def _done(self, failure: Failure | None, usage: UsageReport | None = None) -> None:
        self.state = State.DONE
        outcome = Outcome(failure, tuple(self.history), usage, self._released)
        self._commands.append(Done(outcome))

    def _flush(self) -> list[Command]:
        commands, self._commands = self._commands, []
        if self.state in (State.WAITING, State.RUNNING):
            commands.append(Wake(self._wake_at()))
        return commands

    def _wake_at(self) -> float:
        if self.state is State.WAITING:
            return min(self._next_at, self._deadline)
        grace = self._route.policy.finish_grace
        times = [
            leg.finished_at + grace if leg.finished else leg.expiry() for leg in self._legs.values()
        ]
        return min(*times, self._hedge_at(), self._deadline)
