"""Carries deliveries out: one sender per turn, one after the other in a conversation.

What is sent is written down before and after, so that whoever comes after a crash knows what the
person has, or may have. `delivery` decides; this watches turns, sends, and keeps time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from ..agent.codec import read_event
from ..agent.events import Ended, TurnEvent
from ..core.clock import Clock
from ..core.failure import Failure, Hop, Kind, Phase, StreamFailed
from ..engine.ports import Engine, LaneLost
from ..store.ports import Delivery as Row
from ..store.ports import StoreFailed
from .adapter import Adapter
from .delivery import Delivery
from .failing import LATE
from .ledger import Ledger
from .moves import Over, Owed, Reply, Send, Wait
from .parts import Part
from .script import Script

_LOG = structlog.get_logger("holdfast.outbox")
GRACE = 3.0  # seconds for a send under way, when everything ends
LIVES = 3
MEND = 1.0  # seconds before a store that failed is asked again
_DEFECT = Failure(Kind.INTERNAL, Phase.HEADERS, Hop.PLATFORM, detail="the adapter failed")
_RESTARTED = Ended("failed", "restarted")


@dataclass(frozen=True, slots=True)
class Channel:
    """A bot's way to its people. `reasoning`: they are shown what the model thinks."""

    adapter: Adapter
    reasoning: bool = False


def for_all(bot: str) -> bool:
    """The only process speaks for every bot."""
    return True


async def _nobody(reply: Reply) -> None:
    """Nobody is told that something is still owed."""


class Outbox:
    """All deliveries of this process. `speaks` tells for which bots it may deliver: all of them,
    unless processes share them. `owing` is told of replies whose rest nobody has to ask for.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._engine = engine
        self.speaks: Callable[[str], bool] = for_all
        self._ledger = ledger
        self._channels = channels
        self._clock = clock
        self._jitter = jitter
        self.closing = False
        self.owing: Callable[[Reply], Awaitable[None]] = _nobody
        self.busy: set[str] = set()  # turns of which something is being sent
        # By turn and slot: messages as they stand, of which the store could not be told.
        self.unkept: dict[str, dict[int, Part]] = {}
        self._senders: dict[str, asyncio.Task[None]] = {}  # by turn
        self._last: dict[str, asyncio.Task[None]] = {}  # by lane
        # Lanes with turns that nobody attends to before they run, and the last of those, if known.
        self._doubts: dict[str, str] = {}

    def opening(self, reply: Reply) -> Sequence[Row]:
        """What is to be written down with the turn, so that its delivery is not forgotten."""
        return () if self._live(reply) else self._ledger.opening(reply)

    async def open(self, reply: Reply) -> None:
        """Before the turn says anything, if nobody knows whether `opening` was written.

        Raises store.ports.StoreFailed.
        """
        if not (self._live(reply) or self.attends(reply.turn)):
            await self._ledger.open(reply)

    def accepted(self, reply: Reply) -> None:
        """A turn is new. It is attended to at once, if all before it in its lane are: an answer is
        delivered after those that were attended to before.

        Where processes share the bots, only the store knows what others have accepted: there, and
        in its order, whoever speaks for a bot finds all that it has to deliver.
        """
        if not self._alone:
            return
        if reply.lane in self._doubts:
            self._doubts[reply.lane] = reply.turn
        else:
            self.attend(reply, reply.lane, fresh=True)

    def doubt(self, lane: str) -> None:
        """There may be a turn in the lane that was not told to be new. Whatever comes after it is
        attended to when it runs, for in a lane they run in order.
        """
        if self._alone:
            self._doubts[lane] = ""

    def begun(self, reply: Reply) -> None:
        """The turn runs here, and those before it in its lane do no more."""
        if not self._alone:
            return
        self.attend(reply, reply.lane)
        if self._doubts.get(reply.lane) == reply.turn:
            del self._doubts[reply.lane]

    def attend(self, reply: Reply, lane: str, *, fresh: bool = False) -> None:
        """Delivers it, after those of its lane that were attended to before. `fresh`: nothing has
        been sent of it yet.
        """
        known = reply.turn in self._senders or reply.bot not in self._channels
        if known or self._live(reply) or not self.speaks(reply.bot):
            return
        task = asyncio.create_task(self._supervised(reply, self._last.get(lane), fresh))
        self._senders[reply.turn] = self._last[lane] = task
        task.add_done_callback(lambda done: self._left(reply.turn, lane, done))

    @property
    def idle(self) -> bool:
        return not self._senders

    def attends(self, turn: str) -> bool:
        """Whether it is being delivered."""
        return turn in self._senders

    async def recover(self) -> None:
        """Goes on with what an earlier process left: halves of answers, streams without an end,
        and answers that are still to be made.

        Raises store.ports.StoreFailed.
        """
        for reply in await self._ledger.unfinished(running=True):
            self.attend(reply, reply.lane)

    async def take_up(self, bot: str) -> None:
        """Delivers all that the bot owes, whichever process runs its turns, or ran them.

        Raises store.ports.StoreFailed.
        """
        for reply in await self._ledger.unfinished(running=True):
            if reply.bot == bot:
                self.attend(reply, reply.lane)

    async def drop(self, bot: str) -> None:
        """Ends the deliveries of a bot that another process speaks for now."""
        prefix = f"{bot}:"
        senders = [task for turn, task in self._senders.items() if turn.startswith(prefix)]
        for task in senders:
            task.cancel()
        await asyncio.gather(*senders, return_exceptions=True)

    def forget(self, bot: str) -> None:
        """Another process has spoken for the bot: the store knows better than this one."""
        for turn in [turn for turn in self.unkept if turn.startswith(f"{bot}:")]:
            del self.unkept[turn]

    async def settle(self) -> None:
        """Waits until everything that was attended to is delivered, or is given up."""
        while self._senders:
            await asyncio.wait(self._senders.values())

    async def tell_out(self, seconds: float) -> None:
        """Waits, so long at most, until all is delivered but what answers turns that still wait:
        for the end, when the engine begins no more.
        """
        try:
            async with asyncio.timeout(seconds):
                lanes = [await self._engine.waiting(lane) for lane in list(self._last)]
                waiting = {turn.id for lane in lanes for turn in lane}
                told = [task for turn, task in self._senders.items() if turn not in waiting]
                if told:
                    await asyncio.wait(told)
        except (TimeoutError, StoreFailed) as error:
            _LOG.warning("not all was told before the end", why=type(error).__name__)

    async def aclose(self, grace: float = GRACE) -> None:
        """Stops; a send under way has `grace` seconds to tell its outcome. What is not delivered
        is gone on with by the next process.
        """
        self.closing = True
        senders = dict(self._senders)
        for turn, task in senders.items():
            if turn not in self.busy:
                task.cancel()
        if senders:
            await asyncio.wait(senders.values(), timeout=grace)
        for task in senders.values():
            task.cancel()
        await asyncio.gather(*senders.values(), return_exceptions=True)

    @property
    def _alone(self) -> bool:
        return self.speaks is for_all

    def _live(self, reply: Reply) -> bool:
        channel = self._channels.get(reply.bot)
        return channel is not None and channel.adapter.capabilities(reply.place).live

    def _left(self, turn: str, lane: str, task: asyncio.Task[None]) -> None:
        self._senders.pop(turn, None)
        if self._last.get(lane) is task:
            del self._last[lane]

    async def _supervised(
        self, reply: Reply, before: asyncio.Task[None] | None, fresh: bool
    ) -> None:
        """The supervisor: a fault of our own costs this delivery, and no other.

        It is made anew from what is stored, a few times; then the next start tries again. A lane
        that was lost may be no more than a turn's end between two looks at the store.
        """
        if before:
            await asyncio.wait([before])
        for life in range(1, LIVES + 1):
            try:
                await _Sender(self, reply).run(fresh=fresh and life == 1)
                return
            except LaneLost as lost:
                _LOG.warning("a delivery lost its lane", turn=reply.turn, at=str(lost), life=life)
            except Exception as error:  # noqa: BLE001 - told in the log
                name = type(error).__name__
                _LOG.error("a delivery failed", turn=reply.turn, error=name, life=life)
            await asyncio.sleep(MEND * life)

    # What a sender needs.

    async def parts(self, turn: str) -> Sequence[Part]:
        """Its messages so far. Raises StoreFailed."""
        kept = {part.slot: part for part in await self._ledger.parts(turn)}
        return list((kept | self.unkept.get(turn, {})).values())

    def channel(self, bot: str) -> Channel:
        return self._channels[bot]

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def jitter(self) -> float:
        return self._jitter()


class _Sender:
    """The delivery of one turn."""

    def __init__(self, outbox: Outbox, reply: Reply) -> None:
        self._outbox = outbox
        self._reply = reply
        self._channel = outbox.channel(reply.bot)
        clock = outbox.clock
        self._ahead = clock.wall() - clock.monotonic()  # one axis that never jumps

    async def run(self, *, fresh: bool) -> None:
        reply, outbox = self._reply, self._outbox
        delivery = Delivery(
            reply,
            self._channel.adapter.capabilities(reply.place),
            Script(reasoning=self._channel.reasoning),
            self._now(),
            () if fresh else await outbox.parts(reply.turn),
        )
        async with _listening(outbox.engine, reply.turn) as heard:
            await heard.begun.wait()
            while not outbox.closing:
                for event in heard.take():
                    delivery.hear(event)
                if heard.unknown:
                    await self._close(None)
                    return
                move = delivery.next(self._now())
                match move:
                    case Send():
                        await self._send(delivery, move)
                    case Wait(until):
                        await heard.more(None if until is None else until - self._now())
                    case Over(owed):
                        await self._close(owed)
                        if owed is not None:
                            _LOG.warning("not all was delivered", turn=reply.turn, place=owed.place)
                            if not owed.on_request:
                                await outbox.owing(reply)
                        return

    async def _send(self, delivery: Delivery, move: Send) -> None:
        turn, ledger = self._reply.turn, self._outbox.ledger
        self._outbox.busy.add(turn)
        try:
            await self._keep(move.part, ledger.sending(turn, move.part))
            part = await self._outcome(delivery, move)
            await self._keep(part, ledger.sent(turn, part))
        finally:
            self._outbox.busy.discard(turn)

    async def _outcome(self, delivery: Delivery, move: Send) -> Part:
        left = None if move.until is None else move.until - self._now()
        limit = asyncio.timeout(left)
        try:
            async with limit:
                receipt = await self._channel.adapter.send(move.outbound, move.key)
        except StreamFailed as failed:
            return self._failed(delivery, move, failed.failure)
        except Exception as error:  # noqa: BLE001 - an adapter's defect is a failed send
            if limit.expired():
                return self._failed(delivery, move, LATE)
            _LOG.error("an adapter failed", bot=self._reply.bot, error=type(error).__name__)
            return self._failed(delivery, move, _DEFECT)
        return delivery.taken(receipt, self._now())

    def _failed(self, delivery: Delivery, move: Send, failure: Failure) -> Part:
        _LOG.warning(
            "a send failed",
            turn=self._reply.turn,
            slot=move.part.slot,
            kind=failure.kind.value,
            phase=failure.phase.value,
            cause=failure.cause,
        )
        return delivery.failed(failure, self._now(), self._outbox.jitter)

    async def _keep(self, part: Part, writing: Awaitable[None]) -> None:
        """Until the store has it, this process knows how the message stands."""
        unkept = self._outbox.unkept.setdefault(self._reply.turn, {})
        unkept[part.slot] = part
        if await self._note(writing):
            del unkept[part.slot]

    async def _close(self, owed: Owed | None) -> None:
        await self._note(self._outbox.ledger.close(self._reply.turn, owed))
        self._outbox.unkept.pop(self._reply.turn, None)

    async def _note(self, writing: Awaitable[None]) -> bool:
        """A store that fails does not keep an answer from its reader; a crash might."""
        try:
            await writing
        except StoreFailed as failed:
            _LOG.error("a delivery is not durable", turn=self._reply.turn, reason=str(failed))
            return False
        return True

    def _now(self) -> float:
        return self._outbox.clock.monotonic() + self._ahead


class _Heard:
    """What a watched turn has said and nobody has taken yet."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()  # the turn said something, or is over
        self.unknown = False  # it is over and has never said anything
        self._events: deque[TurnEvent] = deque()
        self._news = asyncio.Event()
        self._fault: BaseException | None = None

    async def listen(self, engine: Engine, turn: str) -> None:
        """Until the turn is over. A store that fails is asked again."""
        last, after = None, 0
        while True:
            try:
                async for entry in engine.watch(turn, after):
                    after, event = entry.sequence, read_event(entry.event)
                    if event is not None:
                        last = event
                        self._put(event)
                break
            except StoreFailed as failed:
                _LOG.error("a turn cannot be watched", turn=turn, reason=str(failed))
                await asyncio.sleep(MEND)
        self.unknown = last is None
        if not isinstance(last, Ended):
            self._put(_RESTARTED)

    def ended(self, task: asyncio.Task[None]) -> None:
        """A defect in listening must not leave its reader waiting."""
        self._fault = None if task.cancelled() else task.exception()
        self._rouse()

    def take(self) -> list[TurnEvent]:
        if self._fault:
            raise self._fault
        taken = list(self._events)
        self._events.clear()
        self._news.clear()
        return taken

    async def more(self, seconds: float | None) -> None:
        """Waits for news, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    def _put(self, event: TurnEvent) -> None:
        self._events.append(event)
        self._rouse()

    def _rouse(self) -> None:
        self._news.set()
        self.begun.set()


@asynccontextmanager
async def _listening(engine: Engine, turn: str) -> AsyncIterator[_Heard]:
    heard = _Heard()
    task = asyncio.create_task(heard.listen(engine, turn))
    task.add_done_callback(heard.ended)
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
