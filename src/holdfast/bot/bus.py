"""Takes what platforms bring: durable before it is acknowledged, once, in its lane, or refused
in words.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from ..config import BotSettings
from ..core.clock import Clock
from ..core.failure import StreamFailed
from ..engine.ports import Engine, Overloaded, Turn
from ..store.ports import Conversations, StoreFailed
from . import texts
from .adapter import Adapter
from .codec import read_inbound, write_inbound
from .event import Inbound, Notice, NoticeKind, Outbound, Whole
from .handler import URGENT, Bot, language_of, reply_to
from .memory import GIVES_WAY, UNASKED
from .middleware.access import may_greet
from .middleware.commands import Commands
from .middleware.wake import called_by, uncalled
from .moves import Reply
from .outbox import Outbox

_LOG = structlog.get_logger("holdfast.bus")
_KNOWN = 10_000  # ids of messages that are remembered, beside those that the store knows
REFUSAL = 1000  # its number: the answer's own are not taken if the message comes again
DUE = "#due"  # ends the id of what tells the rest of an answer unasked
_SWITCHES = {NoticeKind.OPENED: None, NoticeKind.CLOSED: False}  # to what is remembered
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
        conversations: Conversations,
    ) -> None:
        self._bots = bots
        self._adapters = adapters
        self._engine = engine
        self._outbox = outbox
        self._commands = commands
        self._clock = clock
        self._conversations = conversations
        self._seen: OrderedDict[str, bool] = OrderedDict()  # by turn: whether it is surely kept
        self._apologised: OrderedDict[str, float] = OrderedDict()  # by conversation: when
        self._refused: OrderedDict[str, None] = OrderedDict()  # messages of which it was told
        self._apologies: set[asyncio.Task[None]] = set()

    async def accept(self, event: Inbound | Notice) -> bool:
        """`bot.adapter.Sink`: False for a repetition. Raises StoreFailed, Overloaded."""
        bot = self._bots[event.bot]
        if isinstance(event, Notice) and event.kind in _SWITCHES:
            await self._switch(event)
            return True
        turn = self._turn(bot.rules, event)
        if turn is None:
            return True
        kept = self._seen.get(turn.id)
        if kept:
            return False
        rules = bot.rules
        known = kept is not None or self._outbox.attends(turn.id)
        reply = reply_to(turn)
        try:
            if rules.when_busy == "interrupt" and not known:
                await self._interrupt(rules, event, turn.lane)
            relieves = self._relieves(rules, event)
            new = await self._engine.accept(turn, self._outbox.opening(reply), relieves=relieves)
        except Overloaded:
            if self._adapters[event.bot].capabilities(event.place).live:
                raise  # nothing can be sent there; whoever says it is told that it is not kept
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

    async def owing(self, reply: Reply) -> None:
        """What could not be told in answer is told in answer to nothing, where that is allowed:
        in its lane's turn, so that who writes first is told it then.
        """
        place = replace(reply.place, anchor={})
        adapter = self._adapters[reply.bot]
        if not (reply.person and adapter.capabilities(place).proactive):
            return
        name = reply.turn.removeprefix(f"{reply.bot}:")
        platform = place.conversation.partition(":")[0]
        now = self._clock.wall()
        due = Notice(reply.bot, platform, f"{name}{DUE}", NoticeKind.DUE, place, now, reply.person)
        try:
            await self.accept(due)
        except StoreFailed as failed:
            _LOG.warning("what is owed waits to be asked for", turn=reply.turn, why=str(failed))

    async def _switch(self, event: Notice) -> None:
        """A person lets the bot write to them unasked, or no more. Raises StoreFailed."""
        lane = f"{event.bot}:{event.place.conversation}"
        change = self._conversations.change
        await asyncio.to_thread(change, lane, {UNASKED: _SWITCHES[event.kind]})

    def _turn(self, rules: BotSettings, event: Inbound | Notice) -> Turn | None:
        """The turn that answers it; None if nobody expects an answer."""
        lane = f"{event.bot}:{event.place.conversation}"
        if isinstance(event, Notice):
            greets = event.kind is NoticeKind.JOINED and may_greet(rules, event.place)
            if not (greets or event.kind is NoticeKind.DUE):
                return None
        else:
            word = called_by(event, rules)
            if event.sender.is_bot or word is None:
                return None
            if self._commands.urgent(uncalled(event.text, word)):
                lane += URGENT
        name = f"{event.bot}:{event.id}"
        return Turn(name, lane, write_inbound(event), self._clock.wall())

    def _relieves(self, rules: BotSettings, event: Inbound | Notice) -> bool:
        """Whether it asks for less to be done: that has room where nothing else has."""
        if isinstance(event, Notice):
            return False
        return self._commands.always(uncalled(event.text, called_by(event, rules)))

    async def _interrupt(self, rules: BotSettings, event: Inbound | Notice, lane: str) -> None:
        """Plain words take the place of the answer that the same person waits for; commands do
        not, and in a group nobody's answer is another's to stop. Raises StoreFailed.
        """
        if not isinstance(event, Inbound) or self._commands.find(
            uncalled(event.text, called_by(event, rules))
        ):
            return
        running = await self._engine.running(lane)
        if running is None:
            return
        asked = read_inbound(running.body)
        if not isinstance(asked, Inbound) or asked.sender.id != event.sender.id:
            return
        if asked.at <= event.at and asked.id != event.id:  # it is no repetition of earlier words
            change = self._conversations.change
            await asyncio.to_thread(change, lane, {GIVES_WAY: running.id})
            await self._engine.stop(lane, only=running.id)

    def _remember(self, turn: str, *, kept: bool) -> None:
        self._seen[turn] = kept
        _bound(self._seen)

    def _apologise(self, rules: BotSettings, event: Inbound | Notice, key: str) -> None:
        """Told past the engine, which is what has no room; not again and again, and of one message
        once: it comes again for as long as it is not kept, and its replies may be counted.
        """
        where, now = f"{event.bot}:{event.place.conversation}", self._clock.monotonic()
        lately = now - self._apologised.get(where, -1e9) < APOLOGY_EVERY
        if isinstance(event, Notice) or lately or event.turn_id in self._refused:
            return
        self._apologised[where] = now
        self._apologised.move_to_end(where)
        _bound(self._apologised)
        self._refused[event.turn_id] = None
        _bound(self._refused)
        text = texts.say(key, language_of(rules, event, None))
        _LOG.warning("a message was not taken", bot=event.bot, reason=key)
        task = asyncio.create_task(self._tell(replace(event, text=""), text))
        self._apologies.add(task)
        task.add_done_callback(self._apologies.discard)

    async def _tell(self, event: Inbound, text: str) -> None:
        outbound = Outbound(event.place, Whole(text), REFUSAL)
        try:
            await self._adapters[event.bot].send(outbound, f"{event.turn_id}/refusal")
        except StreamFailed as failed:
            self._refused.pop(event.turn_id, None)
            _LOG.warning("a refusal was not told", kind=failed.failure.kind.value)


def _bound(known: OrderedDict[str, Any]) -> None:
    if len(known) > _KNOWN:
        known.popitem(last=False)
