"""Takes what platforms bring: durable before it is acknowledged, once, in its lane, or refused
in words.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace

import structlog

from ..config import BotSettings
from ..core.clock import Clock
from ..core.failure import StreamFailed
from ..engine.ports import Engine, Overloaded, Turn
from ..store.ports import StoreFailed
from . import texts
from .adapter import Adapter
from .codec import write_inbound
from .event import Inbound, Notice, NoticeKind, Outbound, Whole
from .handler import URGENT, Bot, language_of
from .middleware.access import may_greet
from .middleware.commands import Commands
from .middleware.wake import called_by
from .moves import Reply
from .outbox import Outbox

_LOG = structlog.get_logger("holdfast.bus")
_KNOWN = 10_000  # ids of messages that are remembered, beside those that the store knows
REFUSAL = 1000  # its number: the answer's own are not taken if the message comes again
APOLOGY_EVERY = 30.0  # seconds between two refusals in one conversation


class Bus:
    """The `Sink` of every adapter."""

    def __init__(
        self,
        bots: Mapping[str, Bot],
        adapters: Mapping[str, Adapter],
        engine: Engine,
        outbox: Outbox,
        commands: Commands,
        clock: Clock,
    ) -> None:
        self._bots = bots
        self._adapters = adapters
        self._engine = engine
        self._outbox = outbox
        self._commands = commands
        self._clock = clock
        self._seen: OrderedDict[str, bool] = OrderedDict()  # by turn: whether it is surely kept
        self._apologised: OrderedDict[str, float] = OrderedDict()
        self._apologies: set[asyncio.Task[None]] = set()

    async def accept(self, event: Inbound | Notice) -> bool:
        """`bot.adapter.Sink`: False for a repetition. Raises store.ports.StoreFailed."""
        bot = self._bots[event.bot]
        turn = self._turn(bot.rules, event)
        if turn is None:
            return True
        kept = self._seen.get(turn.id)
        if kept:
            return False
        rules = bot.rules
        known = kept is not None or self._outbox.attends(turn.id)
        if rules.when_busy == "interrupt" and not known and self._interrupts(event):
            await self._engine.stop(turn.lane)
        reply = Reply(turn.id, event.place, event.at, event.bot, turn.lane)
        try:
            new = await self._engine.accept(turn, self._outbox.opening(reply))
        except Overloaded:
            key = "lane_full" if await self._engine.waiting(turn.lane) else "node_full"
            self._apologise(rules, event, key)
            return True
        except (StoreFailed, asyncio.CancelledError) as end:  # it may be there all the same
            self._remember(turn.id, kept=False)
            self._outbox.doubt(turn.lane)
            if isinstance(end, StoreFailed):
                self._apologise(rules, event, "store_failed")
            raise
        self._remember(turn.id, kept=True)
        if new:
            self._outbox.accepted(reply)
        elif not self._outbox.attends(turn.id):
            self._outbox.doubt(turn.lane)
        return new

    async def aclose(self) -> None:
        await asyncio.gather(*self._apologies, return_exceptions=True)

    def _turn(self, rules: BotSettings, event: Inbound | Notice) -> Turn | None:
        """The turn that answers it; None if nobody expects an answer."""
        lane = f"{event.bot}:{event.place.conversation}"
        if isinstance(event, Notice):
            if event.kind is not NoticeKind.JOINED or not may_greet(rules, event.place):
                return None
        else:
            word = called_by(event, rules)
            if event.sender.is_bot or word is None:
                return None
            if self._commands.urgent(event.text.strip()[len(word) :].strip()):
                lane += URGENT
        name = f"{event.bot}:{event.id}"
        return Turn(name, lane, write_inbound(event), self._clock.wall())

    def _interrupts(self, event: Inbound | Notice) -> bool:
        """Plain words take the place of the answer under way; commands do not."""
        return isinstance(event, Inbound) and self._commands.find(event.text) is None

    def _remember(self, turn: str, *, kept: bool) -> None:
        self._seen[turn] = kept
        if len(self._seen) > _KNOWN:
            self._seen.popitem(last=False)

    def _apologise(self, rules: BotSettings, event: Inbound | Notice, key: str) -> None:
        """Told past the engine, which is what has no room; not again and again."""
        where, now = f"{event.bot}:{event.place.conversation}", self._clock.monotonic()
        if isinstance(event, Notice) or now - self._apologised.get(where, -1e9) < APOLOGY_EVERY:
            return
        self._apologised[where] = now
        self._apologised.move_to_end(where)
        if len(self._apologised) > _KNOWN:
            self._apologised.popitem(last=False)
        text = texts.say(key, language_of(rules, event, None))
        _LOG.warning("a message was not taken", bot=event.bot, reason=key)
        task = asyncio.create_task(self._tell(replace(event, text=""), text))
        self._apologies.add(task)
        task.add_done_callback(self._apologies.discard)

    async def _tell(self, event: Inbound, text: str) -> None:
        outbound = Outbound(event.place, Whole(text), REFUSAL)
        try:
            await self._adapters[event.bot].send(outbound, f"{event.bot}:{event.id}/refusal")
        except StreamFailed as failed:
            _LOG.warning("a refusal was not told", kind=failed.failure.kind.value)
