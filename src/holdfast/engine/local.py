"""The engine for one machine: turns run in this process, which alone uses its database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from ..core.clock import Clock
from ..store.ports import (
    ENDED,
    FIRST,
    Begun,
    Delivery,
    Entry,
    Fence,
    LaneLost,
    Overloaded,
    StoreFailed,
    Taken,
    Turn,
    Turns,
)
from .feed import Feeds
from .journal import Policy
from .keeping import Keep, keep_house
from .lives import LastWord, Lives, Patience, silence
from .parked import Parked, unrecorded
from .ports import Handler
from .writing import answered

_LOG = structlog.get_logger("holdfast.engine")

ALONE = "alone"  # the holder's name: nobody else can be meant


@dataclass(frozen=True, slots=True)
class Limits:
    running: int = 256  # turns at one time, each in a lane of its own
    waiting_in_lane: int = 32
    waiting: int = 10_000  # in all lanes
    keep: Keep = field(default_factory=Keep)


class LocalEngine:
    """`ports.Engine`. Whoever makes it has seen to it that no other process runs turns from the
    same store (`store.alone`). `fences` is shared with the outbox.
    """

    def __init__(
        self,
        turns: Turns,
        clock: Clock,
        fences: dict[str, Fence],
        last_word: LastWord = silence,
        limits: Limits | None = None,
        policy: Policy | None = None,
        patience: Patience | None = None,
        parked: Parked = unrecorded,
    ) -> None:
        self._turns = turns
        self._clock = clock
        self._limits = limits or Limits()
        self._feeds = Feeds()
        self._patience = patience or Patience()
        self._lives = Lives(
            turns,
            self._feeds,
            clock,
            fences,
            last_word,
            parked,
            policy or Policy(),
            self._patience,
        )
        self._ready: dict[str, None] = {}  # lanes that may have work, in order
        self._again: set[str] = set()  # lanes that run, and have got more
        self._active: set[str] = set()
        self._held: dict[str, Fence] = {}  # of lanes in which more will run
        self._taken: dict[str, Taken] = {}  # of lanes whose turn was begun when it was accepted
        self._coming: dict[str, str] = {}  # lanes of turns that were accepted here, by their ids
        self._relieving: set[str] = set()  # lanes that run however many do
        self._open = Counter[str]()  # how many those are by lane
        self._inherited: set[str] = set()  # lanes with turns that may not be among them
        self._waiting = 0  # turns whose first life has not ended
        self._draining = False
        self._works = False  # `run` was entered
        self._changed = asyncio.Event()

    @property
    def trouble(self) -> str:
        """Why what happens now is not durable; "" if it is."""
        return self._lives.durability.trouble

    async def accept(
        self, turn: Turn, deliveries: Sequence[Delivery] = (), *, relieves: bool = False
    ) -> bool:
        if relieves:
            self._relieving.add(turn.lane)
        elif self._waiting >= self._limits.waiting:
            if await asyncio.to_thread(self._turns.find, turn.id) is None:
                raise Overloaded(turn.lane)
            return False
        self._waiting += 1
        new = False
        try:
            new = await self._accept(turn, deliveries)
        except (StoreFailed, asyncio.CancelledError):  # it may be there all the same
            self._inherited.add(turn.lane)
            self._wake(turn.lane)
            raise
        finally:
            self._waiting -= not new
            if turn.lane not in self._open and not new:
                self._relieving.discard(turn.lane)
        if new:
            self._came(turn)
        return new

    async def undertake(self, turn: Turn) -> None:
        """Where it cannot run at once, or a store that fails cannot take it, it is accepted."""
        full = self._waiting >= self._limits.waiting
        if full or self.trouble or not self._idle(turn.lane):
            await self.accept(turn)
            return
        self._waiting += 1
        self._taken[turn.lane] = Taken(Fence(turn.lane, FIRST), Begun(turn, kept=False))
        self._came(turn)

    async def _accept(self, turn: Turn, deliveries: Sequence[Delivery]) -> bool:
        """Where nothing stands before it, it is begun in the same transaction."""
        limit, lane, within = self._limits.waiting_in_lane, turn.lane, self._patience.answer
        if not self._idle(lane):
            return await answered(self._turns.accept(turn, limit, deliveries), within)
        self._active.add(lane)
        try:
            taken = await answered(self._turns.start(turn, limit, ALONE, deliveries), within)
        finally:
            self._active.discard(lane)
            self._rest(lane)
        if taken is not None:
            self._taken[lane] = taken
        return taken is not None

    def _idle(self, lane: str) -> bool:
        """Whether nothing waits or runs in the lane, and a turn may run there at once."""
        busy = lane in self._active or lane in self._ready or lane in self._held
        running = len(self._active) + len(self._ready)
        room = running < self._limits.running or lane in self._relieving
        works = self._works and not self._draining
        return works and room and not (busy or lane in self._inherited)

    async def watch(self, turn_id: str, after: int = 0) -> AsyncIterator[Entry]:
        while True:
            with self._feeds.use(turn_id) as feed:
                if turn_id not in self._coming:
                    found = await self._lives.look(partial(self._turns.find, turn_id))
                    if found is None:
                        return
                    if found[1] in ENDED:
                        break
                async for entry in feed.follow(after):
                    after = entry.sequence
                    yield entry
                if feed.over:
                    return
        for entry in await self._lives.look(partial(self._turns.events, turn_id, after)):
            yield entry

    async def waiting(self, lane: str) -> Sequence[Turn]:
        return await asyncio.to_thread(self._turns.waiting, lane)

    async def running(self, lane: str) -> Turn | None:
        return await asyncio.to_thread(self._turns.running, lane)

    async def absorb(self, turn_ids: Sequence[str], into: str) -> Sequence[Turn]:
        fence = self._lives.fences.get(into)
        if fence is None:
            raise LaneLost(into)
        absorbed = await asyncio.wrap_future(self._turns.absorb(fence, turn_ids, into))
        self._waiting -= len(absorbed)
        for turn in absorbed:
            self._over(turn.id)
            self._feeds.close(turn.id, over=True)
        return absorbed

    async def absorbed(self, into: str) -> Sequence[Turn]:
        return await asyncio.to_thread(self._turns.absorbed, into)

    async def stop(self, lane: str, waiting: bool = False, only: str | None = None) -> bool:
        running, asked = await self._lives.stop_all(lane, waiting, only)
        return running or self._lives.stop_those(asked)

    def stopping(self, turn_id: str) -> bool:
        return self._lives.stopping(turn_id)

    async def drain(self, seconds: float) -> bool:
        """Begins no more turns and waits for those that run; whether they ended in time. What is
        still accepted waits for the next process.
        """
        self._draining = True
        try:
            async with asyncio.timeout(seconds):
                while self._active:
                    await self._changed.wait()
                    await asyncio.sleep(0)
        except TimeoutError:
            return False
        return True

    async def run(self, handler: Handler) -> None:
        for inherited in await self._left_open():
            self._inherited.add(inherited)
            self._wake(inherited)
        self._works = True
        async with asyncio.TaskGroup() as group:
            group.create_task(
                keep_house(self._turns, self._clock, self._limits.keep, self._lives.durability)
            )
            while True:
                while lane := self._next():
                    del self._ready[lane]
                    self._active.add(lane)
                    group.create_task(self._step(lane, handler))
                self._changed.clear()
                await self._changed.wait()

    def _next(self) -> str | None:
        """The lane that may run now."""
        if self._draining:
            return None
        if len(self._active) < self._limits.running:
            return next(iter(self._ready), None)
        return next((lane for lane in self._relieving if lane in self._ready), None)

    async def _left_open(self) -> Sequence[str]:
        while True:
            try:
                lanes = await asyncio.to_thread(self._turns.open_lanes)
                counted = await asyncio.to_thread(self._turns.count_waiting)
                self._waiting = max(self._waiting, counted)  # some come while they are counted
            except StoreFailed as failed:
                self._lives.durability.failed(failed)
                await asyncio.sleep(self._patience.mend)
            else:
                return lanes

    def _wake(self, lane: str) -> None:
        if lane in self._active:
            self._again.add(lane)
        else:
            self._ready[lane] = None
        self._changed.set()

    async def _step(self, lane: str, handler: Handler) -> None:
        """One life of one turn; then the lane stands in line again, so that none starves."""
        more = False
        try:
            fence, begun = await self._begin(lane)
            if begun is None:
                self._inherited.discard(lane)
            else:
                if await self._lives.live(fence, begun, handler):
                    self._over(begun.turn.id)
                self._waiting -= begun.turn.begun == 0
                more = lane in self._open or lane in self._inherited
                if more:
                    self._held[lane] = fence
        except LaneLost:
            _LOG.error("a lane was taken away: is there a second process?", lane=lane)
        except StoreFailed as failed:
            self._lives.durability.failed(failed)
            await asyncio.sleep(self._patience.mend)
            more = True
        finally:
            self._active.discard(lane)
            self._rest(lane, more=more)

    def _rest(self, lane: str, *, more: bool = False) -> None:
        """It has stopped running; it stands in line if there is more in it."""
        if more or lane in self._again:
            self._again.discard(lane)
            self._ready[lane] = None
        self._changed.set()

    async def _begin(self, lane: str) -> tuple[Fence, Begun | None]:
        taken = self._taken.pop(lane, None)
        if taken is not None:
            return taken.fence, taken.begun
        fence = self._held.pop(lane, None)
        if fence is not None:
            return fence, await asyncio.wrap_future(self._turns.begin(fence))
        taking = self._turns.take(lane, ALONE, lease=0.0, force=True)
        taken = await asyncio.wrap_future(taking)
        assert taken is not None, "it was forced"
        return taken.fence, taken.begun

    def _came(self, turn: Turn) -> None:
        self._coming[turn.id] = turn.lane
        self._open[turn.lane] += 1
        self._wake(turn.lane)

    def _over(self, turn_id: str) -> None:
        """A turn has ended."""
        lane = self._coming.pop(turn_id, None)
        if lane is not None:
            self._open[lane] -= 1
            if not self._open[lane]:
                del self._open[lane]
                self._relieving.discard(lane)
