"""One call, without I/O: events, failures and time in, commands out.

The machine never waits and never sends. It asks the planner what to do next and answers each
input with the commands to carry out, in order. After `Done` it answers nothing more.

What stands elsewhere: an attempt's own state (`leg`), what the reader has and may have (`reader`),
when silence has lasted too long (`timers`), what is wrong with an answer that ended (`findings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from ..core.attempt import Attempt, How, Outcome, Target
from ..core.events import StopReason, StreamEvent, TextDelta, UsageReport
from ..core.failure import NOTHING_MORE, Failure, Phase
from ..core.reason import Reason, Why
from ..core.request import Request, Surface
from .budget import HEDGE, RetryBudget
from .commands import Close, Command, Done, Emit, Open, Record, Wake
from .findings import (
    LEFT,
    OUTRUN,
    UNFINISHED,
    cut_call,
    emptiness,
    ends_well,
    last_words,
    lost_tool,
)
from .health import Health
from .leg import Leg, says_nothing
from .planner import GiveUp, Situation, Try, plan
from .policy import Route
from .reader import Reader
from .replay import Replay
from .splice import Splicer
from .timers import NEVER, deserted, expiry, hedge_at, outlasted, overdue, timeout, wakes_at


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
        self._reader = Reader(request.surface, released)
        self._legs: dict[int, Leg] = {}
        self._silent: list[Leg] = []  # witnesses that the text was whole when it was cut
        self._paid: dict[str, float] = {}  # from the retry budget, by target
        self._opened = 0
        self._deadline = 0.0
        self._next_at = 0.0
        self._waiting_since: float | None = None
        self._hedged = False
        self._commands: list[Command] = []

    @property
    def released(self) -> int:
        """Characters of text the reader has been given."""
        return self._reader.characters

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
            given = item if isinstance(item, Failure) else self._take(leg, item, now)
            if isinstance(given, Failure):
                self._give(leg, out)
                self._failed(leg, given, now)
                return self._flush()
            out += given
        self._give(leg, out)
        return self._flush()

    def end(self, attempt: int, now: float) -> list[Command]:
        """The bytes ended cleanly. Without `Finished` before, that is a failure."""
        return self.fail(attempt, UNFINISHED, now)

    def fail(self, attempt: int, failure: Failure, now: float) -> list[Command]:
        leg = self._legs.get(attempt)
        if leg:
            self._failed(leg, failure, now)
        return self._flush()

    def tick(self, now: float) -> list[Command]:
        policy = self._route.policy
        if self.state is State.WAITING and now >= min(self._next_at, self._deadline):
            self._schedule(now)
        for leg in list(self._legs.values()):
            if now >= self._deadline:
                self._failed(leg, overdue(leg.phase, policy.deadline), now)
            elif leg.finished and now >= leg.finished_at + policy.finish_grace:
                self._complete(leg, now)
            elif now >= expiry(leg):
                self._failed(leg, timeout(leg, now), now)
        self._hedge(now)
        return self._flush()

    def stalled_by_reader(self, seconds: float) -> None:
        """Our own reader was slow for so long: no fault of any upstream."""
        for leg in self._legs.values():
            leg.last_bytes_at += seconds
            leg.last_content_at += seconds
            leg.finished_at += seconds

    def cancel(self, now: float, why: Failure = LEFT) -> list[Command]:
        """The reader has left, or Holdfast is stopping."""
        reason = Reason(Why.LEFT) if why is LEFT else Reason(Why.FINAL, why.kind)
        for leg in list(self._legs.values()):
            silent = deserted(leg, now, self._health.long(leg.target))
            self._health.failed(leg.target, silent or why, now, self._jitter, weak=True)
            failure = replace(why, phase=leg.phase)
            self._keep(leg.record(now, failure, "stop", reason))
            self._close(leg)
        if self.state is not State.DONE:
            self._done(why)
        return self._flush()

    # What comes of an attempt.

    def _take(self, leg: Leg, event: StreamEvent, now: float) -> Sequence[StreamEvent] | Failure:
        if says_nothing(event):
            return ()
        if leg.hear(event, now):
            self._won(leg, now)
        return self._reader.sort(leg, event)

    def _give(self, leg: Leg, events: Sequence[StreamEvent]) -> None:
        given = self._reader.give(leg, events)
        if given:
            self._commands.append(Emit(tuple(given)))

    def _won(self, leg: Leg, now: float) -> None:
        """Content or the end has come: the target is well, a slower twin no longer needed."""
        if leg.first_event_at == now:
            self._health.answered(leg.target, now - leg.started_at)
        for other in [twin for twin in self._legs.values() if twin is not leg]:
            lost = outlasted(other, now) or replace(OUTRUN, phase=other.phase)
            self._health.failed(other.target, lost, now, self._jitter)
            self._keep(other.record(now, lost, "hedge", Reason(Why.OUTRUN)))
            self._close(other)

    # How an attempt ends.

    def _failed(self, leg: Leg, failure: Failure, now: float) -> None:
        if leg.finished:
            # The answer was whole; only the end marker or the usage was lost with the rest.
            self._complete(leg, now)
            return
        self._lose(leg, failure, now)

    def _complete(self, leg: Leg, now: float) -> None:
        failure = self._flaw(leg)
        if failure:
            self._lose(leg, failure, now)
            return
        self._won(leg, now)
        usage = self._reader.usage(leg)
        self._commands.append(Emit(self._reader.end(leg, usage)))
        self._health.succeeded(leg.target, now)
        self._budget.refund(leg.target.name, self._paid.pop(leg.target.name, 0.0))
        self._keep(leg.record(now, None, "finish", Reason(Why.WHOLE)))
        self._close(leg)
        self._done(None, usage)

    def _flaw(self, leg: Leg) -> Failure | None:
        """Why an answer that says that it is whole is not; else its last words are given."""
        released, tool_cut = self._reader.text, self._reader.tool_cut
        failure = emptiness(leg, released, tool_cut=tool_cut)
        if failure:
            return failure
        text = last_words(leg, released, tool_cut=tool_cut)
        if isinstance(text, Failure):
            return text
        self._give(leg, [TextDelta(text)] if text else [])
        return lost_tool(leg, tool_cut=tool_cut)

    def _lose(self, leg: Leg, failure: Failure, now: float) -> None:
        """The attempt is over and brought no end: record it and decide what comes next."""
        reader = self._reader
        reader.tool_cut = reader.tool_cut or cut_call(leg, failure, reader.text)
        spoke = leg.first_event_at is not None
        self._health.failed(leg.target, failure, now, self._jitter, weak=spoke)
        self._close(leg)
        attempt = leg.record(now, failure)
        if self._legs:
            self._keep(replace(attempt, decision="hedge", why=Reason(Why.TWIN)))
            self._hedged = False  # the twin is as lonely as the first was
            return
        if leg.released:
            self._silent.clear()  # more came after all
        elif failure.code == NOTHING_MORE and self._may_be_whole(leg):
            self._silent.append(leg)
        self.history.append(attempt)
        self._waiting_since = None
        self._schedule(now)

    def _may_be_whole(self, leg: Leg) -> bool:
        ended = leg.finished is not None and leg.finished.reason is StopReason.END
        return ended and not self._reader.tool_cut and ends_well(self._reader.text)

    # What comes next.

    def _schedule(self, now: float) -> None:
        """Asks the planner; the last attempt's record is completed with its decision."""
        waiting = self.state is State.WAITING
        decision = plan(self._situation(now), self._health, self._budget)
        if isinstance(decision, GiveUp) and self._witnessed():
            self._said_all()
            return
        if not waiting and self.history and not self.history[-1].decision:
            self._decide(decision)
        if isinstance(decision, GiveUp):
            self._done(decision.failure)
        elif decision.at <= now:
            self._open(decision, decision.price, now)
        else:
            self.state = State.WAITING
            self._waiting_since = now if self._waiting_since is None else self._waiting_since
            self._next_at = decision.at

    def _witnessed(self) -> bool:
        """Whether one had nothing to add who did say something when it was asked anew."""
        speak = {
            attempt.target.name
            for attempt in self.history
            if attempt.how is How.ANEW and attempt.first_event_at is not None
        }
        return any(leg.target.name in speak for leg in self._silent)

    def _said_all(self) -> None:
        """Nobody had a word to add to a text that ends as texts do: only its end was lost."""
        last = self._silent[-1]
        if not self.history[-1].decision:
            self._complete_record("finish", Reason(Why.SILENCE))
        usage = self._reader.usage(last)
        self._commands.append(Emit(self._reader.end(last, usage)))
        self._done(None, usage)

    def _situation(self, now: float, busy: frozenset[str] = frozenset()) -> Situation:
        return Situation(
            route=self._route,
            history=self.history,
            released=self._reader.has_text,
            continuable=self._request.continuable and not self._reader.refused,
            sealed=self._sealed(),
            replayable=self._request.choices == 1 and not self._reader.refused,
            now=now,
            deadline=self._deadline,
            jitter=self._jitter,
            waiting_since=self._waiting_since,
            busy=busy,
            replaceable=self._request.surface is Surface.REPLACE,
        )

    def _sealed(self) -> Why:
        if self._reader.refused:
            return Why.REFUSED
        return Why.STRUCTURED if self._request.structured else Why.CHOICES

    def _decide(self, decision: Try | GiveUp) -> None:
        word = decision.decision if isinstance(decision, Try) else "stop"
        self._complete_record(word, decision.why)

    def _complete_record(self, decision: str, why: Reason) -> None:
        self.history[-1] = replace(self.history[-1], decision=decision, why=why)
        self._commands.append(Record(self.history[-1]))

    def _open(self, choice: Try, price: float, now: float) -> None:
        self._pay(choice.target, price, now)
        self._opened += 1
        text = self._reader.text
        patience = self._health.patience(choice.target)
        leg = Leg(self._opened, choice.target, choice.how, now, patience, last_bytes_at=now)
        if choice.how is How.NATIVE:
            leg.splicer = Replay(text)
        elif choice.how is not How.START:
            leg.splicer = Splicer(text, choice.how, echoes="echoes_prefix" in choice.target.quirks)
        self._legs[leg.number] = leg
        self._health.asked(choice.target, now)
        self.state = State.RUNNING
        self._waiting_since = None
        behind = "" if choice.how is How.ANEW else text
        self._commands.append(Open(leg.number, choice.target, choice.how, behind))

    def _pay(self, target: Target, price: float, now: float) -> None:
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
        price = HEDGE if first.patience is None else choice.price
        if self._budget.allows(choice.target.name, price, now):
            self._open(choice, price, now)

    def _hedge_at(self) -> float:
        if self._hedged or self._reader.has_text or len(self._legs) != 1:
            return NEVER
        (leg,) = self._legs.values()
        return hedge_at(leg, self._route.policy)

    # Commands.

    def _keep(self, attempt: Attempt) -> None:
        self.history.append(attempt)
        self._commands.append(Record(attempt))

    def _close(self, leg: Leg) -> None:
        del self._legs[leg.number]
        self._commands.append(Close(leg.number))

    def _done(self, failure: Failure | None, usage: UsageReport | None = None) -> None:
        self.state = State.DONE
        outcome = Outcome(failure, tuple(self.history), usage, self._reader.characters)
        self._commands.append(Done(outcome))

    def _flush(self) -> list[Command]:
        commands, self._commands = self._commands, []
        if self.state in (State.WAITING, State.RUNNING):
            commands.append(Wake(self._wake_at()))
        return commands

    def _wake_at(self) -> float:
        if self.state is State.WAITING:
            return min(self._next_at, self._deadline)
        times = [wakes_at(leg, self._route.policy) for leg in self._legs.values()]
        return min(*times, self._hedge_at(), self._deadline)
