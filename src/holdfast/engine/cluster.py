"""The engine for many machines: NATS JetStream distributes, PostgreSQL decides.

Every node can accept, watch and stop; those that enter `run` are workers. What the database has
not said has not happened; NATS only makes it quick. Without NATS every node goes on alone: its
messages are found by sweeps, its readers look every moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from ..core.clock import Clock
from ..resilience.budget import RetryBudget
from ..resilience.health import Health
from ..store.ports import ENDED, Delivery, Entry, Fence, LaneLost, Overloaded, Turn, Turns
from .bus import Bus, BusSettings
from .feed import Feeds
from .journal import Policy
from .lives import LastWord, Lives, Patience, silence
from .parked import Parked, unrecorded
from .ports import Handler
from .sharing import Sharing
from .worker import Worker, WorkerSettings
from .writing import answered


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """`look` is how many seconds a reader waits for news before it looks at the database."""

    bus: BusSettings = field(default_factory=BusSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    patience: Patience = field(default_factory=Patience)
    policy: Policy = field(default_factory=Policy)
    waiting_in_lane: int = 32
    waiting: int = 100_000  # in all lanes
    count_every: float = 1.0  # seconds
    look: float = 2.0


class ClusterEngine:
    """`ports.Engine`. `node` is unique to this process. `fences` is shared with the outbox.

    Use it within `open`.
    """

    def __init__(
        self,
        node: str,
        turns: Turns,
        clock: Clock,
        fences: dict[str, Fence],
        last_word: LastWord = silence,
        settings: ClusterSettings | None = None,
        parked: Parked = unrecorded,
    ) -> None:
        self._settings = settings or ClusterSettings()
        self._node = node
        self._turns = turns
        self._clock = clock
        self._feeds = Feeds()
        self._bus = Bus(self._settings.bus)
        self._lives = Lives(
            turns,
            self._feeds,
            clock,
            fences,
            last_word,
            parked,
            self._settings.policy,
            self._settings.patience,
            listener=self,
        )
        self._worker = Worker(node, turns, self._bus, self._lives, clock, self._settings.worker)
        self._waiting = 0
        self._counted_at = float("-inf")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connects to NATS, and goes on without it if it is not there."""
        async with self._bus.open():
            yield

    async def share(self, health: Health, budget: RetryBudget) -> None:
        """Tells other nodes what must rest and what was spent on retries, and hears it from them,
        until cancelled.
        """
        await Sharing(self._bus, health, budget, self._clock, self._node).run()

    def accepting(self, bot: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever some node has accepted a turn in a lane of the bot."""
        return self._bus.accepting(bot)

    @property
    def trouble(self) -> str:
        """Why what happens now is not durable; "" if it is."""
        return self._lives.durability.trouble

    @property
    def alone(self) -> bool:
        """Whether NATS is away: everything works, some of it a moment later."""
        return not self._bus.connected

    async def accept(
        self, turn: Turn, deliveries: Sequence[Delivery] = (), *, relieves: bool = False
    ) -> bool:
        if self._waiting >= self._settings.waiting:
            await self._count()
        if self._waiting >= self._settings.waiting and not relieves:
            if await asyncio.to_thread(self._turns.find, turn.id) is None:
                raise Overloaded(turn.lane)
            return False
        accepting = self._turns.accept(turn, self._settings.waiting_in_lane, deliveries)
        new = await answered(accepting, self._settings.patience.answer)
        if new:
            self._bus.accepted(turn.lane)
            if relieves:
                self._bus.ask_relief(turn.lane)
            await self._bus.wake(turn.lane, turn.id)
            await self._count()
        return new

    async def undertake(self, turn: Turn) -> None:
        """Durable at once: another process may be the one that runs it."""
        await self.accept(turn)

    async def watch(self, turn_id: str, after: int = 0) -> AsyncIterator[Entry]:
        with self._bus.follow(turn_id) as heard:
            while True:
                found = await self._lives.look(partial(self._turns.find, turn_id))
                if found is None:
                    return
                for entry in await self._lives.look(partial(self._turns.events, turn_id, after)):
                    after = entry.sequence
                    yield entry
                if found[1] in ENDED:
                    return
                if turn_id in self._lives.fences:
                    with self._feeds.use(turn_id) as feed:
                        async for entry in feed.follow(after):
                            after = entry.sequence
                            yield entry
                    if feed.over:
                        return
                    continue
                async for entry in self._news(heard, after):
                    after = entry.sequence
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
        for turn in absorbed:
            self.ended(turn.id)
        return absorbed

    async def absorbed(self, into: str) -> Sequence[Turn]:
        return await asyncio.to_thread(self._turns.absorbed, into)

    async def stop(self, lane: str, waiting: bool = False, only: str | None = None) -> bool:
        running, asked = await self._lives.stop_all(lane, waiting, only)
        if asked and not running:
            self._bus.ask_stop(asked)
        return running or self._lives.stop_those(asked)

    def stopping(self, turn_id: str) -> bool:
        return self._lives.stopping(turn_id)

    async def run(self, handler: Handler) -> None:
        await self._worker.run(handler)

    async def drain(self, seconds: float) -> bool:
        """Begins no more turns here; whether all that ran ended in time."""
        return await self._worker.drain(seconds)

    def durable(self, turn_id: str, entries: Sequence[Entry]) -> None:
        """A turn that runs here has written: its readers elsewhere are told."""
        self._bus.tell(turn_id, entries)

    def ended(self, turn_id: str) -> None:
        self._bus.tell(turn_id, ())

    async def _news(
        self, heard: asyncio.Queue[Sequence[Entry]], after: int
    ) -> AsyncIterator[Entry]:
        """What follows `after` without a gap, until it is time to look at the database."""
        while True:
            try:
                async with asyncio.timeout(self._settings.look):
                    entries = await heard.get()
            except TimeoutError:
                return
            if not entries:
                return
            for entry in entries:
                if entry.sequence > after + 1:
                    return
                if entry.sequence == after + 1:
                    after = entry.sequence
                    yield entry

    async def _count(self) -> None:
        """Now and then: a cluster is full when the database says so."""
        now = self._clock.monotonic()
        if now - self._counted_at >= self._settings.count_every:
            self._counted_at = now
            self._waiting = await asyncio.to_thread(self._turns.count_waiting)
