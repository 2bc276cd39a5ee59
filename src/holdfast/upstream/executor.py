"""Carries out one call: drives the pure machine with real attempts and real time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self, assert_never

from ..core.attempt import Attempt, Outcome
from ..core.clock import Clock
from ..core.events import StreamEvent
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..core.redact import conceal
from ..core.request import Request
from ..resilience.budget import RetryBudget
from ..resilience.commands import Close, Command, Done, Emit, Open, Record, Wake
from ..resilience.findings import STOPPED
from ..resilience.health import Health
from ..resilience.machine import StreamMachine
from ..resilience.policy import Route
from .connector import Batch, Connecting, Ids
from .progress import CURRENT, Progress
from .translate import failure_from

MAILBOX = 32  # batches read ahead of a slow reader; then the upstream must wait

Input = Callable[[float], list[Command]]


class Observer(Protocol):
    """Told at the moment it happens. Must not block or raise."""

    def attempted(self, call: Call, attempt: Attempt) -> None: ...

    def ended(self, call: Call, outcome: Outcome) -> None: ...


class Executor:
    """Shared by all calls: health, retry budget, and the tasks under way."""

    def __init__(
        self,
        connector: Connecting,
        clock: Clock,
        jitter: Callable[[], float],
        observers: Sequence[Observer] = (),
        health: Health | None = None,
        budget: RetryBudget | None = None,
    ) -> None:
        self.health = health or Health()
        self.budget = budget or RetryBudget()
        self.connector = connector
        self.clock = clock
        self.observers = tuple(observers)
        self._jitter = jitter
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def call(self, request: Request, route: Route, ref: str, released: str = "") -> Call:
        """`released`: text that the reader has from an earlier life of this call; only what
        follows it is given out. Raises nothing; see `Call`.
        """
        jitter = self._jitter()
        machine = StreamMachine(request, route, self.health, self.budget, jitter, released)
        return Call(self, machine, request, route, ref)

    def spawn(self, call: Call, command: Open) -> asyncio.Task[None] | None:
        """None once it is closing: the attempt has failed before it began."""
        if self._closing:
            call.failed(command.attempt, replace(STOPPED, phase=Phase.ADMIT))
            return None
        task = asyncio.create_task(_attempt(self.connector, call, command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        """Cancels what is left and waits until it is gone. Calls under way are told."""
        self._closing = True
        await asyncio.sleep(0)  # an attempt that has not begun could not tell its call
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Call:
    """One logical request: an async context manager and an iterator of batches of events.

    The last batch of a whole answer holds `Finished`; a call that could not be saved raises
    StreamFailed with the failure to tell. Leaving the context stops every attempt at once.
    `__anext__` may be cancelled and called again: nothing is lost. The time a reader takes
    between two batches is the reader's, and no upstream is blamed for it.
    """

    def __init__(
        self, executor: Executor, machine: StreamMachine, request: Request, route: Route, ref: str
    ) -> None:
        self.request = request
        self.route = route
        self.ref = ref
        self.began = executor.clock.monotonic()
        self.outcome: Outcome | None = None
        self._executor = executor
        self._machine = machine
        self._running: dict[int, asyncio.Task[None]] = {}
        self._mailbox: deque[Input] = deque()
        self._ready: list[StreamEvent] = []
        self._wake_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._reader: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._left_at: float | None = None  # when the reader took the last batch
        self._told = False

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return tuple(self._machine.history)

    @property
    def released(self) -> int:
        """Characters of text the reader has been given."""
        return self._machine.released

    async def __aenter__(self) -> Self:
        self._carry_out(self._machine.start(self.began))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.outcome is None:
            self._carry_out(self._machine.cancel(self._now()))
        if self._timer:
            self._timer.cancel()
        self._room.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[StreamEvent]:
        self._welcome_reader()
        while True:
            self._work()
            if self._ready:
                batch, self._ready = tuple(self._ready), []
                self._left_at = self._now()
                return batch
            if self.outcome:
                return self._end(self.outcome)
            self._reader = asyncio.get_running_loop().create_future()
            self._arm()
            await self._reader

    def post(self, event: Input) -> None:
        """An attempt has news that the reader's side must act on."""
        self._mailbox.append(event)
        if len(self._mailbox) >= MAILBOX:
            self._room.clear()
        self._rouse()

    async def room(self) -> None:
        """Waits while the mailbox is full: a slow reader slows the upstream down."""
        await self._room.wait()

    def detach(self, number: int) -> None:
        """The attempt's answer is over: closing it may be left to itself."""
        self._running.pop(number, None)

    def progressed(self, number: int, phase: Phase, status: int | None, ids: Ids) -> None:
        """Nothing for the reader, who sleeps on; but the new phase has a limit of its own."""
        at = self._now()
        if self._mailbox:  # what came before must be told before
            self._mailbox.append(lambda _: self._machine.progressed(number, phase, at, status, ids))
            return
        self._carry_out(self._machine.progressed(number, phase, at, status, ids))
        self._arm()

    def received(self, number: int, batch: Batch) -> None:
        self.post(lambda now: self._machine.receive(number, batch, now))

    def ended(self, number: int) -> None:
        self.post(lambda now: self._machine.end(number, now))

    def interrupted(self, number: int, phase: Phase) -> None:
        """The attempt's task was cancelled; by whom, if not by this call?"""
        if number in self._running:
            self.failed(number, replace(STOPPED, phase=phase))

    def stop(self) -> None:
        """This process ends: the reader is told so."""
        self.post(lambda now: self._machine.cancel(now, STOPPED))

    def failed(self, number: int, failure: Failure) -> None:
        self.post(lambda now: self._machine.fail(number, failure, now))

    def _now(self) -> float:
        return self._executor.clock.monotonic()

    def _end(self, outcome: Outcome) -> Sequence[StreamEvent]:
        if outcome.failure and not self._told:
            self._told = True
            raise StreamFailed(outcome.failure)
        raise StopAsyncIteration

    def _welcome_reader(self) -> None:
        if self._left_at is not None:
            self._machine.stalled_by_reader(self._now() - self._left_at)
            self._left_at = None

    def _work(self) -> None:
        """All that has come, in order; then, if it is time, what silence means."""
        while self._mailbox:
            self._carry_out(self._mailbox.popleft()(self._now()))
        self._room.set()
        if self._wake_at is not None and self._now() >= self._wake_at:
            self._carry_out(self._machine.tick(self._now()))

    def _carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            match command:
                case Emit(events):
                    self._ready += events
                case Wake(at):
                    self._wake_at = at
                case Open():
                    task = self._executor.spawn(self, command)
                    if task:
                        self._running[command.attempt] = task
                case Close(number):
                    closed = self._running.pop(number, None)
                    if closed:
                        closed.cancel()
                case Record(attempt):
                    for observer in self._executor.observers:
                        observer.attempted(self, attempt)
                case Done(outcome):
                    self._finish(outcome)
                case _:
                    assert_never(command)

    def _finish(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self._wake_at = None
        for observer in self._executor.observers:
            observer.ended(self, outcome)

    def _arm(self) -> None:
        """One timer is enough: if it fires too early it is set anew."""
        if self._wake_at is None or self._timer_at <= self._wake_at:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_at = self._wake_at
        delay = max(0.0, self._wake_at - self._now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._fired)

    def _fired(self) -> None:
        self._timer_at = float("inf")
        self._rouse()

    def _rouse(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)


async def _attempt(connector: Connecting, call: Call, command: Open) -> None:
    """Runs one attempt and reports all that happens. The supervisor: nothing escapes it."""
    number = command.attempt

    def report(phase: Phase, status: int | None, ids: Ids) -> None:
        call.progressed(number, phase, status, ids)

    exchange = connector.open(call.request, command.target, command.how, command.released, report)
    try:
        async with exchange as batches:
            async for batch in batches:
                call.received(number, batch)
                await call.room()
            call.detach(number)
            call.ended(number)
    except StreamFailed as failed:
        call.failed(number, failed.failure)
    except asyncio.CancelledError:
        call.interrupted(number, _progress().phase)
        raise
    except Exception as error:  # noqa: BLE001 - a fault of our own must end in a record too
        progress = _progress()
        told = failure_from(error, progress)
        failure = replace(told, kind=Kind.INTERNAL, phase=progress.phase, hop=Hop.ENGINE, code=None)
        call.failed(number, conceal(failure, command.target.secrets))


def _progress() -> Progress:
    """How far this task's attempt has come; a connector that does not say has only begun."""
    return CURRENT.get(None) or Progress(lambda _: None, Phase.ADMIT)
