"""The journal of a turn that lives in this process: events in memory on their way to the store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from ..store.database import dump
from ..store.ports import Entry, Fence, Json, LaneLost, StoreFailed, Turn, Turns, TurnState
from .feed import Feed

# Seconds from one group of what is gathered to the next. To make a group durable takes a while,
# which is longer the more there is to do, and is to be a small part of the time.
SOON, LATE = 0.025, 0.2
PART = 8  # times as long as the last group took
_NEVER = float("inf")

T = TypeVar("T")

_LOG = structlog.get_logger("holdfast.engine")


async def answered(done: Future[T], within: float) -> T:
    """What the store says to it. One that hangs is away: what it was given may yet be done."""
    return await in_time(asyncio.wrap_future(done), within)


async def in_time(asked: Awaitable[T], within: float) -> T:
    try:
        async with asyncio.timeout(within):
            return await asked
    except TimeoutError:
        raise StoreFailed("the store does not answer") from None


class Durability:
    """How the store takes what is written: `trouble` is why it does not, "" if it does; `pause`
    the seconds from one group of what is gathered to the next.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.pause = SOON

    def failed(self, failure: StoreFailed) -> None:
        if not self.trouble:
            _LOG.error("the store does not write; turns go on in memory", reason=str(failure))
        self.trouble = str(failure) or "unknown"

    def took(self, seconds: float) -> None:
        """To make a group durable."""
        self.pause = min(max(SOON, seconds * PART), LATE)

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
    """Where a life of a turn writes, and by what right. `answer` is how many seconds the store may
    take, `mend` how many pass before one that failed is asked again.
    """

    turns: Turns
    fence: Fence
    turn_id: str
    durability: Durability
    listener: Listener
    answer: float
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
        self._gathered: Callable[[], Json | None] | None = None
        self._due = 0.0  # by the loop's clock: when what is gathered may be written
        self._timer: asyncio.TimerHandle | None = None  # for that
        self._at = _NEVER  # when it goes off
        self._hard = False  # what is pending is to survive a power cut
        self._end: TurnState | None = None  # with what is pending
        self._closing = False  # the end comes next: what is pending waits for it
        self._unkept: Turn | None = None  # the turn itself, if it is not in the store yet
        self._adrift = False
        self._flushing: asyncio.Task[None] | None = None
        feed.publish(past)

    @property
    def past(self) -> Sequence[Entry]:
        return self._past

    def keep(self, turn: Turn) -> None:
        """The store does not know the turn: it comes with what is written first. What ends very
        soon is so written at once; nothing waits but what is said in the first moment.
        """
        self._unkept = turn
        now = asyncio.get_running_loop().time()
        self._due = now + self._place.durability.pause
        self._set_timer(now + LATE)

    def add(self, event: Json) -> int:
        json.dumps(event)  # what is no JSON is told to whoever made it
        self._collect()
        self._take(event)
        self._flush_soon()
        return self._last

    def last(self, event: Json) -> None:
        dump(event)
        self._collect()
        self._take(event)
        self._hard = self._closing = True

    def gather(self, event: Callable[[], Json | None]) -> None:
        self._gathered = event
        if self._adrift:
            self._collect()
            self._flush_soon()
        else:
            self._flush_in_time()

    def _collect(self) -> None:
        gathered, self._gathered = self._gathered, None
        event = gathered() if gathered else None
        if event is not None:
            self._take(event)

    def _take(self, event: Json) -> None:
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

    async def written(self) -> None:
        """Returns once nothing is left to write, however long the store fails."""
        self._closing = False
        if self._pending or self._gathered or self._unkept:
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
        self._gathered = None
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
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._at = None, _NEVER
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    def _flush_in_time(self) -> None:
        """It is asked with every chunk there is, and mostly the timer has been set."""
        if self._flushing is not None or self._at <= self._due:
            return
        if asyncio.get_running_loop().time() >= self._due:
            self._flush_soon()
        else:
            self._set_timer(self._due)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._at = asyncio.get_running_loop().call_at(at, self._flush_soon), at

    async def _flush(self) -> None:
        try:
            self._collect()
            while self._is_due():
                await self._write()
                if self._is_due():
                    self._collect()
        finally:
            self._flushing = None
            if self._gathered:
                self._flush_in_time()

    def _is_due(self) -> bool:
        waiting = bool(self._pending or self._unkept) and not self._closing
        return waiting or bool(self._settling) or self._end is not None

    async def _write(self) -> None:
        entries, self._pending = self._pending, []
        settling, self._settling = self._settling, []
        place, loop = self._place, asyncio.get_running_loop()
        began = loop.time()
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
            self._feed.publish(self._pending)
            await asyncio.sleep(place.mend)
        else:
            self._adrift = False
            place.durability.worked()
            self._feed.publish(entries)
            if entries:
                place.listener.durable(place.turn_id, entries)
            _answer(settling, None)
            place.durability.took(loop.time() - began)
            self._due = began + place.durability.pause

    async def _store(self, entries: Sequence[Entry], hard: bool) -> None:
        place = self._place
        end, self._end = self._end, None
        hard, self._hard = hard or self._hard, False
        if self._unkept is not None:
            done = place.turns.keep(self._unkept, entries, end or TurnState.RUNNING, hard=True)
        elif end is None:
            done = place.turns.append(place.fence, place.turn_id, entries, hard)
        else:
            done = place.turns.end(place.fence, place.turn_id, end, entries, hard)
        try:
            await answered(done, place.answer)
        except StoreFailed:
            self._end, self._hard = end or self._end, hard or self._hard
            raise
        self._unkept = None


def _answer(settling: Sequence[asyncio.Future[None]], failure: Exception | None) -> None:
    for settled in settling:
        if settled.done():  # whoever waited was cancelled
            continue
        if failure is None:
            settled.set_result(None)
        else:
            settled.set_exception(failure)
