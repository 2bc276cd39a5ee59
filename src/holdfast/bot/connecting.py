"""Which process of a cluster speaks for a bot: one at a time, by a lease; the others stand by.

Whoever holds the lease has the bot's socket and delivers its answers, wherever their turns run.
What it writes of deliveries is fenced by the lease: a process that slept too long is not heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from ..core.clock import Clock
from ..engine.post import hold
from ..store.ports import Fence, StoreFailed, Turns
from .service import Bots

_LOG = structlog.get_logger("holdfast.connecting")
LOOK = 1.0  # seconds between looks at what is to be delivered, if nothing is heard

Accepting = Callable[[str], AbstractContextManager[asyncio.Event]]
"""An event for a bot, set whenever some process has accepted a message to it."""


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
        accepting: Accepting,
        node: str,
        spoken: Spoken,
        clock: Clock,
        lease: float,
    ) -> None:
        self._bots = bots
        self._turns = turns
        self._accepting = accepting
        self._node = node
        self._spoken = spoken
        self._clock = clock
        self._lease = lease
        self._tokens: dict[str, int] = {}  # the last by which this process spoke for a bot

    async def run(self, sockets: Mapping[str, bool]) -> None:
        """Until cancelled, for these bots; true: it has a socket of its own to receive on."""
        async with asyncio.TaskGroup() as group:
            for bot, socket in sockets.items():
                speak = partial(self._speak, bot, socket=socket)
                posted = hold(
                    self._turns, f"bot:{bot}", self._node, speak, self._clock, self._lease
                )
                group.create_task(posted)

    async def _speak(self, bot: str, fence: Fence, *, socket: bool) -> None:
        """Until cancelled: the post is another's then."""
        _LOG.info("speaks for a bot", bot=bot, token=fence.token)
        if fence.token != self._tokens.get(bot, 0) + 1:
            self._bots.outbox.forget(bot)
        self._tokens[bot] = fence.token
        self._spoken.bots[bot] = fence
        try:
            with self._accepting(bot) as accepted:
                async with asyncio.TaskGroup() as group:
                    if socket:
                        group.create_task(self._bots.receive(bot))
                    while True:
                        accepted.clear()
                        await self._look(bot)
                        with suppress(TimeoutError):
                            async with asyncio.timeout(LOOK):
                                await accepted.wait()
        finally:
            await self._bots.outbox.drop(bot)
            self._spoken.bots.pop(bot, None)

    async def _look(self, bot: str) -> None:
        """For answers to messages that other processes accepted."""
        try:
            await self._bots.outbox.take_up(bot)
        except StoreFailed as failed:
            _LOG.error("the outbox cannot be read", bot=bot, why=str(failed))
