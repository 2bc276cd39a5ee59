"""Which process of a cluster speaks for a bot: one at a time, by a lease; the others stand by.

Whoever holds the lease has the bot's socket and delivers its answers, wherever their turns run.
What it writes of deliveries is fenced by the lease: a process that slept too long is not heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog

from ..store.ports import Fence, StoreFailed, Turns
from .service import Bots

_LOG = structlog.get_logger("holdfast.connecting")
_LANE = "bot:"  # before a bot's name: the lane whose lease is meant


@dataclass(frozen=True, slots=True)
class Leasing:
    """Seconds. A standby takes over after `lease` and at most `beat` more. `look`: between looks
    for answers that other processes accepted a message for.
    """

    lease: float = 5.0
    beat: float = 1.5
    look: float = 1.0


@dataclass(frozen=True, slots=True)
class Spoken(Mapping[str, Fence]):
    """By what right this process delivers a turn's answer: the lease of the turn's bot."""

    bots: dict[str, Fence] = field(default_factory=dict)

    def __getitem__(self, turn: str) -> Fence:
        for bot, fence in self.bots.items():
            if turn.startswith(f"{bot}:"):
                return fence
        raise KeyError(turn)

    def __iter__(self) -> Iterator[str]:
        return iter(self.bots)

    def __len__(self) -> int:
        return len(self.bots)


class Connecting:
    """Speaks for bots, or stands by. `node` is unique to this process; `spoken` is shared with
    the outbox, which delivers for the bots in it.
    """

    def __init__(
        self,
        bots: Bots,
        turns: Turns,
        node: str,
        spoken: Spoken,
        now: Callable[[], float],
        leasing: Leasing | None = None,
    ) -> None:
        self._bots = bots
        self._turns = turns
        self._node = node
        self._spoken = spoken
        self._now = now
        self._leasing = leasing or Leasing()

    async def run(self, sockets: Mapping[str, bool]) -> None:
        """Until cancelled, for these bots; true: it has a socket of its own to receive on."""
        async with asyncio.TaskGroup() as group:
            for bot, socket in sockets.items():
                group.create_task(self._stand(bot, socket=socket))

    async def _stand(self, bot: str, *, socket: bool) -> None:
        while True:
            asked = self._now()
            try:
                fence = await asyncio.wrap_future(
                    self._turns.claim(_LANE + bot, self._node, self._leasing.lease)
                )
            except StoreFailed as failed:
                _LOG.error("nobody can be asked who speaks for a bot", bot=bot, why=str(failed))
                fence = None
            if fence is None:
                await asyncio.sleep(self._leasing.beat)
            else:
                _LOG.info("speaks for a bot", bot=bot, token=fence.token)
                await self._hold(bot, fence, asked, socket=socket)

    async def _hold(self, bot: str, fence: Fence, since: float, *, socket: bool) -> None:
        """Returns when the lease is lost."""
        self._spoken.bots[bot] = fence
        speaking = asyncio.create_task(self._speak(bot, socket=socket))
        try:
            await self._keep(fence, since)
            _LOG.warning("no longer speaks for a bot", bot=bot)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            await self._bots.outbox.drop(bot)
            self._spoken.bots.pop(bot, None)
            await self._release(fence)

    async def _speak(self, bot: str, *, socket: bool) -> None:
        async with asyncio.TaskGroup() as group:
            if socket:
                group.create_task(self._bots.receive(bot))
            while True:
                try:
                    await self._bots.outbox.take_up(bot)
                except StoreFailed as failed:
                    _LOG.error("the outbox cannot be read", bot=bot, why=str(failed))
                await asyncio.sleep(self._leasing.look)

    async def _keep(self, fence: Fence, since: float) -> None:
        """Returns once another process may hold it."""
        while True:
            await asyncio.sleep(self._leasing.beat)
            asked = self._now()
            try:
                held = await asyncio.wrap_future(self._turns.renew(fence, self._leasing.lease))
            except StoreFailed:
                if self._now() - since > self._leasing.lease:
                    return
                continue
            if not held:
                return
            since = asked

    async def _release(self, fence: Fence) -> None:
        """So that a standby need not wait for the lease to run out."""
        try:
            async with asyncio.timeout(1.0):
                await asyncio.wrap_future(self._turns.release(fence))
        except (StoreFailed, TimeoutError):
            _LOG.warning("a bot was not given back", lane=fence.lane)
