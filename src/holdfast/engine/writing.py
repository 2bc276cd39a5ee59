"""The journal of a turn that lives in this process: events in memory on their way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ..store.database import dump
from ..store.ports import Entry, Fence, Json, LaneLost, StoreFailed, Turns, TurnState
from .feed import Feed

_LOG = structlog.get_logger("holdfast.engine")


class Durability:
    """Whether the store takes what is written; "" if it does, else why not."""

    def __init__(self) -> None:
        self.trouble = ""

    def failed(self, failure: StoreFailed) -> None:
        if not self.trouble:
            _LOG.error("the store does not write; turns go on in memory", reason=str(failure))
        self.trouble = str(failure) or "unknown"

    def worked(self) -> None:
        if self.trouble:
            _LOG.info("the store writes again")
        self.trouble = ""


class Listener(Protocol):
    """Hears what has become durable, to tell those who follow it elsewhere."""

    def durable(self, turn_id: str, entries: Sequence[Entry]) -> None: ...

    def ended(self, turn_id: str) -> None: ...


class Nobody:
    """Listens to nothing."""

    def durable(self, turn_id: str, entries: Sequence[Entry]) -> None:
        """All readers are in this process."""

    def ended(self, turn_id: str) -> None:
        """All readers are in this process."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a life of a turn writes, and by what right. `mend` is how many seconds pass before a
    store that failed is asked again.
    """

    turns: Turns
    fence: Fence
    turn_id: str
    durability: Durability
    listener: Listener
    mend: float


class LiveJournal:
    """`ports.Journal`. One append is under way at a time, with all that came since the last: the
    slower the disk, the larger the groups. Readers see what is durable; only while the store
    fails do they see what is not, since the answer goes on.
    """

    def __init__(
        self, place: Place, past: Sequence[Entry], feed: Feed, on_lost: Callable[[], object]
    ) -> None:
        self.lost = False
        self._place = place
        self._past = tuple(past)
        self._last = past[-1].sequence if past else 0
        self._feed = feed
        self._on_lost = on_lost
        self._pending: list[Entry] = []
        self._settling: list[asyncio.Future[None]] = []
        self._pacing: list[asyncio.Future[None]] = []
        self._hard = False  # what is pending is to survive a power cut
        self._end: TurnState | None = None  # with what is pending
        self._adrift = False
        self._flushing: asyncio.Task[None] | None = None
        feed.publish(past)

    @property
    def past(self) -> Sequence[Entry]:
        return self._past

    def add(self, event: Json) -> int:
        self._take(event)
        self._flush_soon()
        return self._last

    def last(self, event: Json) -> None:
        self._take(event)
        self._hard = True

    def _take(self, event: Json) -> None:
        dump(event)  # what is no JSON is told to whoever made it
        self._last += 1
        entry = Entry(self._last, event)
        self._pending.append(entry)
        if self._adrift:
            self._feed.publish([entry])

    async def settle(self) -> None:
        settled = asyncio.get_running_loop().create_future()
        self._settling.append(settled)
        self._flush_soon()
        await settled

    async def pace(self) -> None:
        if self._adrift or not (self._pending or self._flushing):
            return
        paced = asyncio.get_running_loop().create_future()
        self._pacing.append(paced)
        self._flush_soon()
        await paced

    async def written(self) -> None:
        """Returns once nothing is left to write, however long the store fails."""
        if self._pending:
            self._flush_soon()
        while self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def end(self, state: TurnState) -> bool:
        """Ends the turn with what is left to write, however long the store fails; False if the
        lane is lost.
        """
        self._end = state
        self._hard = self._hard or state is TurnState.PARKED
        self._flush_soon()
        await self.written()
        return not self.lost

    def lose(self) -> None:
        """The lane is lost: nothing more is written, and whoever runs the turn is told."""
        self.lost = True
        self._pending.clear()
        self._end = None
        settling, self._settling = self._settling, []
        _answer(settling, LaneLost(self._place.fence.lane))
        self._on_lost()

    def abandon(self) -> None:
        """Ends writing where it stands, at the end of the process."""
        if self._flushing is not None:
            _LOG.error("not everything could be stored", turn=self._place.turn_id)
            self._flushing.cancel()

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            while self._pending or self._settling or self._pacing or self._end:
                await self._write()
        finally:
            self._flushing = None

    async def _write(self) -> None:
        entries, self._pending = self._pending, []
        settling, self._settling = self._settling, []
        pacing, self._pacing = self._pacing, []
        place = self._place
        try:
            if self.lost:
                raise LaneLost(place.fence.lane)
            await self._store(entries, hard=bool(settling))
        except LaneLost as lost:
            _answer(settling, lost)
            if not self.lost:
                self.lose()
        except StoreFailed as failed:
            self._pending[:0] = entries
            self._adrift = True
            place.durability.failed(failed)
            _answer(settling, failed)
            _answer(pacing, None)
            self._feed.publish(self._pending)
            await asyncio.sleep(place.mend)
        else:
            self._adrift = False
            place.durability.worked()
            self._feed.publish(entries)
            if entries:
                place.listener.durable(place.turn_id, entries)
            _answer(settling, None)
        _answer(pacing, None)

    async def _store(self, entries: Sequence[Entry], hard: bool) -> None:
        place = self._place
        end, self._end = self._end, None
        hard, self._hard = hard or self._hard, False
        if end is None:
            done = place.turns.append(place.fence, place.turn_id, entries, hard)
        else:
            done = place.turns.end(place.fence, place.turn_id, end, entries, hard)
        try:
            await asyncio.wrap_future(done)
        except StoreFailed:
            self._end, self._hard = end or self._end, hard
            raise


def _answer(settling: Sequence[asyncio.Future[None]], failure: Exception | None) -> None:
    for settled in settling:
        if settled.done():  # whoever waited was cancelled
            continue
        if failure is None:
            settled.set_result(None)
        else:
            settled.set_exception(failure)
