"""Many calls over a shared health and budget, against targets that behave as scripted, in
virtual time: what people wait for, and what the targets have to bear.

A target is a `Script`: what its `number`th request (from 0), made at `now` with the text that the
reader already has, brings after how many seconds. A step is text, a phase that is reached, a
failure, or `WHOLE`.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.resilience.actors import target

from holdfast.core.attempt import Attempt, Continuation, Target
from holdfast.core.events import Finished, StopReason, TextDelta
from holdfast.core.failure import Failure, Phase
from holdfast.core.request import Request
from holdfast.resilience.budget import RetryBudget
from holdfast.resilience.commands import Close, Command, Done, Emit, Open, Record, Wake
from holdfast.resilience.health import Health
from holdfast.resilience.machine import StreamMachine
from holdfast.resilience.policy import Policy, Route

WHOLE = Finished(StopReason.END, word="stop")
SILENCE = float("inf")  # seconds until a step that never comes

What = str | Phase | Failure | Finished
Step = tuple[float, What]
Script = Callable[[int, float, str], Iterable[Step]]


@dataclass(slots=True)
class Told:
    """What one person met: when they asked, read the first word, and had their end."""

    asked_at: float
    first_at: float | None = None
    ended_at: float = 0.0
    text: str = ""
    failure: Failure | None = None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def waited(self) -> float:
        """Seconds to the first word, or to the sentence that says there is none."""
        return (self.ended_at if self.first_at is None else self.first_at) - self.asked_at


@dataclass(slots=True)
class _Running:
    machine: StreamMachine
    told: Told
    wake: float = SILENCE
    open: dict[int, Iterator[Step]] = field(default_factory=dict)


class World:
    def __init__(
        self, scripts: Mapping[str, Script], *, keys: int = 1, seed: int = 7, **policy: float | None
    ) -> None:
        targets = [
            target(name, f"k{n}" if keys > 1 else "", Continuation.PREFILL)
            for name in scripts
            for n in range(keys)
        ]
        self.route = Route("r", tuple(targets), replace(Policy(), **policy))  # type: ignore[arg-type]
        self.health, self.budget = Health(), RetryBudget()
        self.asked: dict[str, list[float]] = {name: [] for name in scripts}  # when, by target
        self.under_way: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._scripts = scripts
        self._dice = random.Random(seed)
        self._agenda: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()

    def calls(self, times: Iterable[float]) -> list[Told]:
        """One call at each of `times`; what became of them."""
        told: list[Told] = []
        for at in times:
            told.append(Told(at))
            self._at(at, lambda now, who=told[-1]: self._begin(who, now))  # type: ignore[misc]
        while self._agenda:
            now, _, act = heapq.heappop(self._agenda)
            act(now)
        return told

    def sequence(self, number: int, pause: float = 1.0) -> list[Told]:
        """`number` calls, each begun `pause` seconds after the one before has ended."""
        told: list[Told] = []
        now = 0.0
        for _ in range(number):
            told += self.calls([now])
            now = told[-1].ended_at + pause
        return told

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._agenda, (when, next(self._order), act))

    def _begin(self, told: Told, now: float) -> None:
        jitter = self._dice.random()
        machine = StreamMachine(Request("chat", "r"), self.route, self.health, self.budget, jitter)
        run = _Running(machine, told)
        self._obey(run, machine.start(now), now)

    def _obey(self, run: _Running, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            match command:
                case Open(number, who, _, released):
                    self._open(run, number, who, released, now)
                case Close(number):
                    del run.open[number]
                case Emit(events):
                    run.told.text += "".join(e.text for e in events if isinstance(e, TextDelta))
                    if run.told.text and run.told.first_at is None:
                        run.told.first_at = now
                case Record(attempt):
                    run.told.attempts.append(attempt)
                    self.under_way[attempt.target.name] -= 1
                case Wake(at):
                    if at != run.wake:
                        run.wake = at
                        self._at(max(at, now), lambda then, at=at: self._tick(run, at, then))  # type: ignore[misc]
                case Done(outcome):
                    run.told.ended_at, run.told.failure = now, outcome.failure
                    run.wake = SILENCE

    def _open(self, run: _Running, number: int, who: Target, released: str, now: float) -> None:
        before = self.asked[who.name]
        steps = iter(self._scripts[who.name](len(before), now, released))
        before.append(now)
        self.under_way[who.name] += 1
        self.most_at_once[who.name] = max(self.most_at_once[who.name], self.under_way[who.name])
        run.open[number] = steps
        run.machine.progressed(number, Phase.HEADERS, now)
        self._expect(run, number, now)

    def _expect(self, run: _Running, number: int, now: float) -> None:
        step = next(run.open[number], None)
        if step and step[0] < SILENCE:
            self._at(now + step[0], lambda then: self._happen(run, number, step[1], then))

    def _happen(self, run: _Running, number: int, what: What, now: float) -> None:
        if number not in run.open:
            return
        self._obey(run, self._told(run.machine, number, what, now), now)
        if what is WHOLE:
            self._obey(run, run.machine.end(number, now), now)
        elif number in run.open:
            self._expect(run, number, now)

    def _told(self, machine: StreamMachine, number: int, what: What, now: float) -> list[Command]:
        match what:
            case Failure():
                return machine.fail(number, what, now)
            case Phase():
                return machine.progressed(number, what, now)
            case str():
                return machine.receive(number, [TextDelta(what)], now)
            case Finished():
                return machine.receive(number, [what], now)

    def _tick(self, run: _Running, at: float, now: float) -> None:
        if run.wake == at:
            run.wake = SILENCE
            self._obey(run, run.machine.tick(now), now)
