"""What earlier turns of a conversation left: their words, how they ended, what is owed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..agent.codec import read_events, read_message
from ..agent.events import Asked, Ended, Noted, StepBegan, ToolAsked, TurnEvent
from ..agent.media import joined
from ..agent.standing import remembered, standing
from ..core.message import Message
from ..engine.ports import Engine, Json, Turn
from ..store.ports import Recalled
from .pipeline import Services

GOES_ON = "goes_on"  # the note in which a turn says what text it goes on from
PAYS = "pays"  # the note of a turn that says what an earlier one could not deliver
LEFT = "left"  # what that note says is still to be told
UNASKED = "unasked"  # the setting, False while a person forbids messages that answer none
GIVES_WAY = "gives_way"  # the setting that names the turn that stops for what is said after it
FIRST = "first"  # that it says so before it answers a message of its own
LOOK_BACK = 10  # turns; commands among them are passed over


@dataclass(frozen=True, slots=True)
class Past:
    """A turn of this conversation that has ended."""

    turn: Turn
    events: Sequence[TurnEvent]

    @property
    def has_asked(self) -> bool:
        """Whether a model was asked in it."""
        return any(isinstance(event, Asked) for event in self.events)

    @property
    def pays(self) -> bool:
        """Whether it delivered what an earlier one owed."""
        return any(isinstance(event, Noted) and event.key == PAYS for event in self.events)

    @property
    def asked(self) -> Message:
        return standing(self.events).messages[0]

    @property
    def ended(self) -> Ended | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Ended) else None

    @property
    def refs(self) -> list[str]:
        """The reference ids of its calls, in order, and last that of its end, if it is another."""
        known = [event.ref for event in self.events if isinstance(event, StepBegan)]
        end = self.ended.ref if self.ended else ""
        return known if not end or end in known else [*known, end]

    @property
    def cut(self) -> bool:
        """Whether its answer lacks its end."""
        ended = self.ended
        return ended is None or ended.outcome in ("limited", "stopped", "failed")

    @property
    def prose(self) -> str:
        """What of its answer was told, in it and in the turns that it went on from."""
        return self._before + standing(self.events).prose

    @property
    def open(self) -> bool:
        """Whether its very first message was cut off: a model can go on with it as if nothing
        had been.
        """
        now = standing(self.events)
        return now.open and now.step == 1 and bool(now.text.strip())

    @property
    def acted(self) -> bool:
        """Whether it ran tools, of which some have an effect."""
        return any(isinstance(event, ToolAsked) for event in self.events)

    @property
    def unheld(self) -> tuple[Message, ...]:
        """What of it the history of the conversation does not hold: a message that was cut off, and
        all of a turn that nobody tries any more.
        """
        ended, told = self.ended, remembered(self.events)
        parked = ended is not None and ended.outcome == "failed" and ended.failure is None
        return told if parked else told[len(standing(self.events).messages) :]

    @property
    def _before(self) -> str:
        notes = (event for event in self.events if isinstance(event, Noted))
        return next((str(note.values["text"]) for note in notes if note.key == GOES_ON), "")


async def events_of(engine: Engine, turn_id: str) -> list[TurnEvent]:
    """All events of a turn that has ended."""
    return read_events([entry.event async for entry in engine.watch(turn_id)])


async def last_asked(services: Services, lane: str, before: str) -> Past | None:
    """The last turn of the lane in which a model was asked, other than the turn `before`."""
    async for past in turns(services, lane, before):
        if past.has_asked:
            return past
    return None


async def last_told(services: Services, lane: str, before: str) -> Past | None:
    """The same, or one that was given up before a model could be asked."""
    async for past in turns(services, lane, before):
        if past.has_asked or past.refs:
            return past
    return None


async def turns(
    services: Services, lane: str, before: str, *, kept: bool = False
) -> AsyncIterator[Past]:
    """The lane's turns that have ended, the newest first, other than the turn `before`; with
    `kept` those only that the conversation still holds.
    """
    recent = partial(services.conversations.recent, lane, LOOK_BACK, kept=kept)
    for turn in await asyncio.to_thread(recent):
        if turn.id != before:
            yield Past(turn, await events_of(services.engine, turn.id))


@dataclass(frozen=True, slots=True)
class Memory:
    """What a turn that begins has to know. `owing`: an earlier one may owe the person something."""

    settings: Json
    history: tuple[Message, ...]
    owing: bool


async def recall(services: Services, lane: str) -> Memory:
    told = await asyncio.wrap_future(services.conversations.recall(lane, LOOK_BACK))
    history = tuple(joined(list(map(read_message, told.history))))
    return Memory(told.settings, history, any(map(_owing, told.recent)))


def _owing(past: Recalled) -> bool:
    left = (note for note in past.notes if note.get("values", {}).get(LEFT))
    return past.receipt.get("owed") is not None or any(left)


async def history(services: Services, lane: str) -> tuple[Message, ...]:
    """What was said since the conversation began anew."""
    kept = await asyncio.to_thread(services.conversations.history, lane)
    return tuple(joined(list(map(read_message, kept))))
