"""The journal of a turn that lives in this process: events in memory on their way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from ..store.database import dump
from ..store.ports import Entry, Fence, Json, LaneLost, StoreFailed, Turns
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
        self._adrift = False
        self._flushing: asyncio.Task[None] | None = None
        feed.publish(past)

    @property
    def past(self) -> Sequence[Entry]:
        return self._past

    def add(self, event: Json) -> int:
        dump(event)  # what is no JSON is told to whoever made it
        self._last += 1
        entry = Entry(self._last, event)
        self._pending.append(entry)
        if self._adrift:
            self._feed.publish([entry])
        self._flush_soon()
        return self._last

    async def settle(self) -> None:
        settled = asyncio.get_running_loop().create_future()
        self._settling.append(settled)
        self._flush_soon()
        await settled

    async def written(self) -> None:
        """Returns once nothing is left to write, however long the store fails."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])

    def lose(self) -> None:
        """The lane is lost: nothing more is written, and whoever runs the turn is told."""
        self.lost = True
        self._pending.clear()
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
            while self._pending or self._settling:
                await self._write()
        finally:
            self._flushing = None

    async def _write(self) -> None:
        entries, self._pending = self._pending, []
        settling, self._settling = self._settling, []
        if self.lost:
            _answer(settling, LaneLost(self._place.fence.lane))
            return
        place = self._place
        try:
            await asyncio.wrap_future(
                place.turns.append(place.fence, place.turn_id, entries, hard=bool(settling))
            )
        except LaneLost as lost:
            _answer(settling, lost)
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
            place.listener.durable(place.turn_id, entries)
            _answer(settling, None)


def _answer(settling: Sequence[asyncio.Future[None]], failure: Exception | None) -> None:
    for settled in settling:
        if settled.done():  # whoever waited was cancelled
            continue
        if failure is None:
            settled.set_result(None)
        else:
            settled.set_exception(failure)
