"""An engine in memory, as far as the bot must know it: lanes in order, journals, watching."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence

from holdfast.agent.codec import write_event
from holdfast.agent.events import TurnEvent
from holdfast.engine.ports import Delivery, Entry, Handler, Json, Overloaded, Turn


class MemoryJournal:
    """One turn's journal, live for those who watch it."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.past: Sequence[Entry] = ()
        self.over = False
        self.changed = asyncio.Condition()

    def add(self, event: Json) -> int:
        self.entries.append(Entry(len(self.entries) + 1, event))
        return len(self.entries)

    def write(self, *events: TurnEvent) -> None:
        for event in events:
            self.add(write_event(event))

    def last(self, event: Json) -> None:
        self.add(event)

    def gather(self, event: Callable[[], Json | None]) -> None:
        if (made := event()) is not None:
            self.add(made)

    async def settle(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class MemoryEngine:
    def __init__(self, room: int = 100) -> None:
        self.turns: dict[str, Turn] = {}
        self.journals: dict[str, MemoryJournal] = {}
        self.lanes: dict[str, deque[str]] = defaultdict(deque)
        self.lives: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self.absorbed_by: dict[str, list[Turn]] = defaultdict(list)
        self._stops: set[str] = set()
        self._room = room
        self._work = asyncio.Event()

    async def accept(
        self, turn: Turn, deliveries: Sequence[Delivery] = (), *, relieves: bool = False
    ) -> bool:
        if turn.id in self.turns:
            return False
        if len(self.lanes[turn.lane]) >= self._room:
            raise Overloaded(turn.lane)
        self.turns[turn.id] = turn
        self.journals[turn.id] = MemoryJournal()
        self.lanes[turn.lane].append(turn.id)
        self._work.set()
        return True

    async def undertake(self, turn: Turn) -> None:
        await self.accept(turn)

    async def watch(self, turn_id: str, after: int = 0) -> AsyncIterator[Entry]:
        journal = self.journals.get(turn_id)
        while journal:
            while after < len(journal.entries):
                after += 1
                yield journal.entries[after - 1]
            if journal.over:
                return
            async with journal.changed:
                if after == len(journal.entries) and not journal.over:
                    await journal.changed.wait()

    async def waiting(self, lane: str) -> Sequence[Turn]:
        return [self.turns[turn] for turn in self.lanes[lane]]

    async def running(self, lane: str) -> Turn | None:
        return self.turns[self.lives[lane][0]] if lane in self.lives else None

    async def absorb(self, turn_ids: Sequence[str], into: str) -> Sequence[Turn]:
        lane = self.lanes[self.turns[into].lane]
        taken = [self.turns[turn] for turn in list(lane) if turn in turn_ids]
        for turn in taken:
            lane.remove(turn.id)
            await self.end(turn.id)
        self.absorbed_by[into] += taken
        return taken

    async def absorbed(self, into: str) -> Sequence[Turn]:
        return self.absorbed_by[into]

    async def stop(self, lane: str, waiting: bool = False, only: str | None = None) -> bool:
        if lane not in self.lives or only not in (None, self.lives[lane][0]):
            return False
        turn, task = self.lives[lane]
        self._stops.add(turn)
        task.cancel()
        return True

    def stopping(self, turn_id: str) -> bool:
        return turn_id in self._stops

    async def run(self, handler: Handler) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                for lane, waiting in self.lanes.items():
                    if waiting and lane not in self.lives:
                        turn = self.turns[waiting.popleft()]
                        task = group.create_task(self._life(turn, handler))
                        self.lives[lane] = (turn.id, task)
                self._work.clear()
                await self._work.wait()

    async def _life(self, turn: Turn, handler: Handler) -> None:
        try:
            await handler(turn, self.journals[turn.id])
        except asyncio.CancelledError:
            if not self.stopping(turn.id):
                raise
        finally:
            self.lives.pop(turn.lane, None)
            self._work.set()
            await self.end(turn.id)

    async def end(self, turn_id: str) -> None:
        journal = self.journals[turn_id]
        journal.over = True
        await journal.settle()

    # What tests write by hand.

    async def turn(self, turn_id: str, lane: str = "lane") -> MemoryJournal:
        await self.accept(Turn(turn_id, lane, {}, 0.0))
        self.lanes[lane].clear()
        return self.journals[turn_id]
