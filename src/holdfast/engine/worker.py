"""Runs turns on a node of a cluster: lanes come as wake-ups and are taken by leases.

Whoever holds a lane also holds a wake-up that points at it and gives a sign of life for both.
If this process dies, NATS gives the wake-up to another worker, whose claim fences this one off.
A lane is given back in the transaction that finds it empty, so a message is either seen by the
holder or its wake-up finds the lane free. What falls between, the sweep finds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from ..core.clock import Clock
from ..store.ports import Fence, LaneLost, StoreFailed, Taken, Turns
from .bus import Bus, Wake
from .keeping import Keep, keep_house
from .lives import Lives
from .ports import Handler

_LOG = structlog.get_logger("holdfast.engine")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Seconds, but for `running`: turns at one time. Another worker takes over what a dead one
    left after `lease` and at most `sweep` more.
    """

    running: int = 256
    lease: float = 5.0
    beat: float = 1.5  # between signs of life
    sweep: float = 2.0  # between looks for lanes that nobody was woken for
    at_once: int = 200  # lanes that one sweep wakes
    fetch: float = 5.0
    retry: float = 1.0  # before a lane whose holder may be dead is tried again
    keep: Keep = field(default_factory=Keep)


@dataclass(slots=True)
class Held:
    """A lane that this worker holds, and the wake-up that would bring another to it."""

    fence: Fence
    wake: Wake | None


class Worker:
    """`name` is unique to this process: no two holders are ever the same."""

    def __init__(
        self,
        name: str,
        turns: Turns,
        bus: Bus,
        lives: Lives,
        clock: Clock,
        settings: WorkerSettings,
    ) -> None:
        self._name = name
        self._turns = turns
        self._bus = bus
        self._lives = lives
        self._clock = clock
        self._settings = settings
        self._held: dict[str, Held] = {}
        self._busy: set[str] = set()  # lanes being taken, held or given back
        self._slots = asyncio.Semaphore(settings.running)
        self._draining = False
        self._quiet = asyncio.Event()

    async def run(self, handler: Handler) -> None:
        """Until cancelled; then every lane is given back at once."""
        self._bus.on_stop(self._lives.stop_those)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._relieve(group, handler))
            group.create_task(self._fetch(group, handler))
            group.create_task(self._beat())
            group.create_task(self._sweep(group, handler))
            keep, durability = self._settings.keep, self._lives.durability
            group.create_task(keep_house(self._turns, self._clock, keep, durability))

    async def drain(self, seconds: float) -> bool:
        """Takes no more lanes, begins no more turns; whether all that ran ended in time."""
        self._draining = True
        self._quiet.set()
        try:
            async with asyncio.timeout(seconds):
                while self._busy:
                    self._quiet.clear()
                    await self._quiet.wait()
        except TimeoutError:
            return False
        return True

    async def _fetch(self, group: asyncio.TaskGroup, handler: Handler) -> None:
        while True:
            await self._slots.acquire()
            wake = None if self._draining else await self._bus.next_wake(self._settings.fetch)
            if wake is not None:
                group.create_task(self._serve(wake.lane, wake, handler))
                continue
            self._slots.release()
            if self._draining:
                await asyncio.Event().wait()

    async def _relieve(self, group: asyncio.TaskGroup, handler: Handler) -> None:
        """What ends others waits for no slot: all may be with what it is to end."""
        lanes = asyncio.Queue[str]()
        self._bus.on_relief(lanes.put_nowait)
        while True:
            lane = await lanes.get()
            if not self._draining:
                group.create_task(self._attend(lane, None, handler))

    async def _serve(self, lane: str, wake: Wake | None, handler: Handler) -> None:
        """With a slot that is given back. Without a wake-up the lane was found by a sweep."""
        try:
            await self._attend(lane, wake, handler)
        finally:
            self._slots.release()

    async def _attend(self, lane: str, wake: Wake | None, handler: Handler) -> None:
        if lane not in self._busy:
            self._busy.add(lane)
            try:
                await self._take(lane, wake, handler)
            finally:
                self._busy.discard(lane)
                self._quiet.set()
        elif wake is not None:
            await self._second(lane, wake)

    async def _second(self, lane: str, wake: Wake) -> None:
        """A wake-up for a lane that we hold: we see what it is for, unless we lose the lane. One
        that comes again is our own, whose signs of life did not arrive.
        """
        held = self._held.get(lane)
        if wake.again and held is not None:
            held.wake = wake
        elif held is not None:
            await wake.ack()
        else:
            await wake.give_back(self._settings.retry)

    async def _take(self, lane: str, wake: Wake | None, handler: Handler) -> None:
        try:
            taken = await asyncio.wrap_future(
                self._turns.take(lane, self._name, self._settings.lease)
            )
        except StoreFailed as failed:
            self._lives.durability.failed(failed)
            await self._later(wake)
            return
        self._lives.durability.worked()
        if taken is None:  # a living holder sees what there is; a dead one does not
            if wake is not None and wake.again:
                await self._later(wake)
            elif wake is not None:
                await wake.ack()
            return
        held = self._held[lane] = Held(taken.fence, wake)
        try:
            await self._drain_lane(taken, handler)
        except LaneLost:  # not to be acknowledged: the wake-up is another's now
            _LOG.warning("a lane was taken over by another worker", lane=lane)
        except StoreFailed as failed:
            self._lives.durability.failed(failed)
            await self._later(held.wake)
        except asyncio.CancelledError:
            await self._give_back(held)
            raise
        else:
            if held.wake is not None:
                await held.wake.ack()
        finally:
            del self._held[lane]

    async def _drain_lane(self, taken: Taken, handler: Handler) -> None:
        fence, begun = taken.fence, taken.begun
        while True:
            if begun is not None:
                await self._lives.live(fence, begun, handler)
            if self._draining:
                break
            begun = await asyncio.wrap_future(self._turns.begin(fence, or_release=True))
            if begun is None:
                return
        await asyncio.wrap_future(self._turns.release(fence))
        await self._bus.wake(fence.lane, f"{fence.lane} {fence.token} drained")

    async def _give_back(self, held: Held) -> None:
        """So that others need not wait for the lease to run out."""
        try:
            async with asyncio.timeout(1.0):
                await asyncio.wrap_future(self._turns.release(held.fence))
                if held.wake is not None:
                    await held.wake.give_back()
        except (StoreFailed, TimeoutError):
            _LOG.warning("a lane was not given back", lane=held.fence.lane)

    async def _later(self, wake: Wake | None) -> None:
        if wake is not None:
            await wake.give_back(self._settings.retry)

    async def _beat(self) -> None:
        """Signs of life for all that is held; without their answer this process may be dead."""
        while True:
            await asyncio.sleep(self._settings.beat)
            held = list(self._held.values())
            await asyncio.gather(*(self._alive(one) for one in held))
            await self._stops([one.fence for one in held])

    async def _alive(self, held: Held) -> None:
        if held.wake is not None:
            await held.wake.alive()
        try:
            renewed = await asyncio.wrap_future(self._turns.renew(held.fence, self._settings.lease))
        except StoreFailed as failed:
            self._lives.durability.failed(failed)
            return
        self._lives.durability.worked()
        if not renewed and self._held.get(held.fence.lane) is held:
            self._lives.lose(held.fence)

    async def _stops(self, fences: Sequence[Fence]) -> None:
        """Requests to stop that were not heard."""
        if not fences:
            return
        try:
            asked = await asyncio.to_thread(self._turns.stops, fences)
        except StoreFailed:
            return
        self._lives.stop_those(asked)

    async def _sweep(self, group: asyncio.TaskGroup, handler: Handler) -> None:
        """Wakes workers for lanes with work and without a holder; without NATS, takes them."""
        while True:
            await asyncio.sleep(self._settings.sweep * (0.5 + random.random()))  # noqa: S311
            if self._draining:
                continue
            try:
                lanes = await asyncio.to_thread(
                    self._turns.open_lanes, self._settings.lease, self._settings.at_once
                )
            except StoreFailed as failed:
                _LOG.warning("lanes cannot be looked for", reason=str(failed))
                continue
            window = int(self._clock.wall() / (4 * self._settings.sweep))
            for lane in lanes:
                if lane in self._busy:
                    continue
                if await self._bus.wake(lane, f"{lane} swept {window}"):
                    continue
                if self._slots.locked():
                    break
                await self._slots.acquire()
                group.create_task(self._serve(lane, None, handler))
