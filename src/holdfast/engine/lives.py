"""Runs lives of turns in this process, whoever decided that they run here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from ..core.clock import Clock
from ..store.ports import Begun, Fence, LaneLost, StoreFailed, Turn, Turns, TurnState
from .feed import Feeds
from .journal import Again, Park, Policy, fingerprint, on_begin, on_failure, on_past
from .parked import Parked, unrecorded
from .ports import Handler, Journal
from .writing import Durability, Listener, LiveJournal, Nobody, Place, answered, in_time

T = TypeVar("T")

_LOG = structlog.get_logger("holdfast.engine")

LastWord = Callable[[Turn, Journal, Park, str], Awaitable[None]]
"""Tells the person of a turn that will be parked, and why; the text is the reference id under
which the operator finds it, "" if there is none. It may be called again after a crash. Whatever
becomes of it, the turn is parked."""


async def silence(turn: Turn, journal: Journal, park: Park, ref: str) -> None:
    """A last word for turns behind which nobody waits."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `answer`: in which a store answers, or is away; it waits for half of them for a
    lock. `mend`: before a store that failed is asked again. `farewell`: what a handler that
    is cancelled gets to end in, and then the store. `away`: how long a reader waits for a store
    that fails, as one does that is started again or hands over to another.
    """

    answer: float = 10.0
    mend: float = 1.0
    farewell: float = 2.0
    away: float = 120.0


@dataclass(slots=True)
class Life:
    """A turn that is being run."""

    turn: Turn
    fence: Fence
    stopping: bool = False
    over: bool = False  # the turn has ended, not only this life
    journal: LiveJournal | None = None
    task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


@dataclass(frozen=True, slots=True)
class Lives:
    """`fences` is shared with the outbox: the right by which each running turn writes."""

    turns: Turns
    feeds: Feeds
    clock: Clock
    fences: dict[str, Fence]
    last_word: LastWord = silence
    parked: Parked = unrecorded
    policy: Policy = field(default_factory=Policy)
    patience: Patience = field(default_factory=Patience)
    durability: Durability = field(default_factory=Durability)
    listener: Listener = field(default_factory=Nobody)
    running: dict[str, Life] = field(default_factory=dict)  # by lane
    stopped: set[str] = field(default_factory=set)  # turns of which the next life is to stop too

    async def live(self, fence: Fence, begun: Begun, handler: Handler) -> bool:
        """Runs one life of a turn that was begun; whether the turn has ended with it. Raises
        LaneLost and StoreFailed. If it is cancelled, the turn is put back for another process.
        """
        turn = begun.turn
        stopping = turn.stop or turn.id in self.stopped
        life = self.running[fence.lane] = Life(turn, fence, stopping)
        self.fences[turn.id] = fence
        self.stopped.discard(turn.id)
        try:
            await self._live(begun, life, handler)
        finally:
            del self.running[fence.lane], self.fences[turn.id]
            if life.stopping and not life.over:
                self.stopped.add(turn.id)
            self.feeds.close(turn.id, over=life.over)
        return life.over

    def stop(self, lane: str, only: str | None = None) -> bool:
        """Cancels what runs in the lane, for good. False if nothing does, or only another."""
        life = self.running.get(lane)
        if life is None or only not in (None, life.turn.id):
            return False
        life.stopping = True
        life.cancel()
        return True

    async def stop_all(
        self, lane: str, waiting: bool, only: str | None
    ) -> tuple[bool, Sequence[str]]:
        """Cancels what runs in the lane, here and in every later life, wherever that is; and with
        `waiting` all that waits in it; no other turn than `only`, if that is given. Whether it ran
        here, and the ids of all that is to stop. Raises StoreFailed where nobody else can see to
        it.
        """
        running = self.stop(lane, only)
        try:
            asking = self.turns.ask_stop(lane, waiting, only)
            asked = await answered(asking, self.patience.answer)
        except StoreFailed:
            if waiting or not running:
                raise
            asked = ()
        return running, asked

    def stop_those(self, turn_ids: Sequence[str]) -> bool:
        """Cancels those of the turns that live here; False if there were none to cancel at all."""
        for turn_id in turn_ids:
            fence = self.fences.get(turn_id)
            if fence is not None and not self.running[fence.lane].stopping:
                self.stop(fence.lane)
        return bool(turn_ids)

    def lose(self, fence: Fence) -> None:
        """The lane has got another holder: what runs by this right ends unheard."""
        life = self.running.get(fence.lane)
        if life is not None and life.fence == fence and life.journal is not None:
            life.journal.lose()

    def stopping(self, turn_id: str) -> bool:
        fence = self.fences.get(turn_id)
        return fence is not None and self.running[fence.lane].stopping

    async def look(self, ask: Callable[[], T]) -> T:
        """On behalf of a reader, who outlives a store that is away for a while, or hangs. Raises
        StoreFailed.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience.away
        while True:
            try:
                return await in_time(asyncio.to_thread(ask), self.patience.answer)
            except StoreFailed:
                if loop.time() >= until:
                    raise
                await asyncio.sleep(self.patience.mend)

    async def _live(self, begun: Begun, life: Life, handler: Handler) -> None:
        turn = begun.turn
        with self.feeds.use(turn.id) as feed:
            past = await asyncio.to_thread(self.turns.events, turn.id) if begun.reached else ()
            place = Place(
                self.turns,
                life.fence,
                turn.id,
                self.durability,
                self.listener,
                self.patience.answer,
                self.patience.mend,
            )
            journal = life.journal = LiveJournal(place, past, feed, life.cancel)
            if not begun.kept:
                journal.keep(turn)
            try:
                park = on_begin(begun, self.policy, self.clock.wall()) or on_past(past)
                if park is None:
                    park = await self._run(life, journal, handler(turn, journal))
                if park is not None:
                    await self._park(life, journal, park)
            except asyncio.CancelledError:
                await self._put_back(life, journal)
                raise

    async def _run(self, life: Life, journal: LiveJournal, work: Awaitable[None]) -> Park | None:
        error = await self._ending(life, work)
        if journal.lost or isinstance(error, LaneLost):
            raise LaneLost(life.fence.lane)
        if error is None or life.stopping:
            if error is not None and not isinstance(error, asyncio.CancelledError):
                _LOG.error("a turn that was stopped failed", turn=life.turn.id, exc_info=error)
            await self._end(life, journal, TurnState.DONE)
            return None
        if isinstance(error, StoreFailed):
            self.durability.failed(error)
            await asyncio.sleep(self.patience.mend)
            await journal.written()
            await self._sure(lambda: self.turns.pause(life.fence, life.turn.id))
            return None
        return await self._failed(life, journal, error)

    async def _ending(self, life: Life, work: Awaitable[None]) -> BaseException | None:
        """How the handler ended. If this is cancelled, so is the handler, first."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.sleep(0)  # cancelled before its first step, it could not say an end
            life.task = task
            if life.stopping:
                task.cancel()
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            _, stuck = await asyncio.wait([task], timeout=self.patience.farewell)
            if stuck:
                _LOG.error("a handler does not end", turn=life.turn.id)
            raise
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    async def _failed(self, life: Life, journal: LiveJournal, error: BaseException) -> Park | None:
        how = fingerprint(error)
        _LOG.error("a turn failed", turn=life.turn.id, how=how, exc_info=error)
        await journal.written()
        times = await self._sure(lambda: self.turns.failed(life.fence, life.turn.id, how))
        match on_failure(how, times, self.policy):
            case Park() as park:
                return park
            case Again(after):
                await asyncio.sleep(after)
                return None

    async def _park(self, life: Life, journal: LiveJournal, park: Park) -> None:
        _LOG.error("a turn is parked", turn=life.turn.id, lane=life.turn.lane, why=park.why)
        ref = ""
        try:
            ref = await asyncio.to_thread(self.parked, life.turn, park)
        except StoreFailed as failed:
            self.durability.failed(failed)
        error = await self._ending(life, self.last_word(life.turn, journal, park, ref))
        if journal.lost or isinstance(error, LaneLost):
            raise LaneLost(life.fence.lane)
        if error is not None:
            _LOG.error("the last word of a turn failed", turn=life.turn.id, exc_info=error)
        await self._end(life, journal, TurnState.PARKED)

    async def _end(self, life: Life, journal: LiveJournal, state: TurnState) -> None:
        """With what is left to write, in one transaction."""
        if not await journal.end(state):
            raise LaneLost(life.fence.lane)
        life.over = True
        self.listener.ended(life.turn.id)

    async def _put_back(self, life: Life, journal: LiveJournal) -> None:
        """As well as the time for farewells allows: the next life copes with the rest."""
        try:
            async with asyncio.timeout(self.patience.farewell):
                await journal.written()
                await asyncio.wrap_future(self.turns.pause(life.fence, life.turn.id))
        except (LaneLost, StoreFailed, TimeoutError):
            journal.abandon()

    async def _sure(self, make: Callable[[], Future[T]]) -> T:
        while True:
            try:
                done = await asyncio.wrap_future(make())
            except StoreFailed as failed:
                self.durability.failed(failed)
                await asyncio.sleep(self.patience.mend)
            else:
                self.durability.worked()
                return done
