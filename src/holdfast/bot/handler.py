"""Runs a bot's turn: lets the message in, asks the agent, and ends in words whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, TypeVar

import structlog

from ..agent.codec import read_events, write_event
from ..agent.events import Asked, Ended, Noted, Said, TurnEvent
from ..agent.runner import Runner
from ..agent.task import Task
from ..config import BotSettings
from ..core.message import Message, Part, Role, Text
from ..core.request import Surface
from ..core.verdict import Language
from ..engine.journal import Park
from ..engine.ports import Journal, Turn
from ..store.ports import StoreFailed
from . import texts
from .codec import read_inbound
from .event import Inbound, Notice, NoticeKind, Person, Scene
from .memory import FIRST, GIVES_WAY, GOES_ON, LEFT, PAYS, UNASKED, Memory, recall
from .middleware.commands import Commands, task
from .middleware.quiet import within
from .middleware.wake import called_by, uncalled
from .moves import Reply
from .outbox import Outbox
from .owed import arrears, dues
from .pipeline import Ask, Onward, Result, Say, Services, Silence, Visit
from .script import LANGUAGE

T = TypeVar("T")

_LOG = structlog.get_logger("holdfast.bot")
STOPS_WITHIN = 30.0  # seconds for a turn that is stopped to find out what it was to do
URGENT = "!"  # ends the lane of what is not kept waiting by the turn that runs


@dataclass(frozen=True, slots=True)
class Bot:
    """One bot as configured: its rules, and the onion that its messages go through."""

    name: str
    rules: BotSettings
    pipeline: Onward


@dataclass(frozen=True, slots=True)
class _Way:
    """A message's way in. No answer waits for what goes on `beside`."""

    beside: list[asyncio.Task[None]] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Handler:
    """`engine.ports.Handler` for the turns of all bots."""

    def __init__(
        self,
        bots: Mapping[str, Bot],
        services: Services,
        runner: Runner,
        outbox: Outbox,
        commands: Commands,
    ) -> None:
        self._bots = bots
        self._services = services
        self._runner = runner
        self._outbox = outbox
        self._commands = commands

    async def __call__(self, turn: Turn, journal: Journal) -> None:
        """Raises LaneLost and StoreFailed: then the turn has not ended."""
        event = read_inbound(turn.body)
        await self._deliver(turn, journal)
        past = read_events(entry.event for entry in journal.past)
        if any(isinstance(said, Ended) for said in past):
            return
        bot = self._bots.get(event.bot)
        if bot is None:
            _LOG.error("a message is not answered: its bot is no more", turn=turn.id, bot=event.bot)
            await _write(journal, Ended("refused"))
            return
        way = _Way()
        try:
            letting = self._let_in(bot, turn, event, journal, past, way)
            given = await self._undisturbed(letting, turn, way)
            if given is not None:
                await self._runner.run(given, journal, lambda: self._stopping(turn))
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not self._stopping(turn) or current is None:
                raise
            current.uncancel()
            await _write(journal, Ended("stopped"))
        finally:
            await asyncio.gather(*way.beside)

    async def last_word(self, turn: Turn, journal: Journal, park: Park, ref: str) -> None:
        """For a turn that failed again and again, or comes too late: one honest sentence."""
        await self._deliver(turn, journal)
        if any(isinstance(said, Ended) for said in read_events(e.event for e in journal.past)):
            return
        event = read_inbound(turn.body)
        if isinstance(event, Notice) and event.kind is NoticeKind.DUE:
            await _write(journal, Ended("refused"))  # nobody waits for it; it stays owed
            return
        bot = self._bots.get(event.bot)
        if bot is not None:
            language = language_of(bot.rules, event, None)
            journal.add(write_event(Noted(LANGUAGE, {LANGUAGE: language})))
        await _write(journal, Ended("failed", "too_late" if park.late else "internal", ref=ref))

    async def _deliver(self, turn: Turn, journal: Journal) -> None:
        """What a turn says is delivered, by the next process if not by this. Raises StoreFailed."""
        reply = reply_to(turn)
        if not journal.past:
            await self._outbox.open(reply)
        self._outbox.begun(reply)

    def _stopping(self, turn: Turn) -> bool:
        return self._services.engine.stopping(turn.id)

    async def _undisturbed(self, work: Coroutine[Any, Any, T], turn: Turn, way: _Way) -> T:
        """A stop waits until it is known what a turn is to do: else a command would be half obeyed,
        and words that nobody was asked yet would be forgotten. What takes long is told of it.
        """
        task, patience = asyncio.create_task(work), None
        while not task.done():
            try:
                await asyncio.wait([task], timeout=patience)
                if patience is not None:
                    task.cancel()
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if not self._stopping(turn) or current is None:
                    task.cancel()
                    await asyncio.wait([task])
                    raise
                current.uncancel()
                if patience is None:
                    way.beside.append(asyncio.create_task(self._tell_stop(turn, way)))
                patience = STOPS_WITHIN
        return task.result()

    async def _tell_stop(self, turn: Turn, way: _Way) -> None:
        """Unless it only gives way to what is said after it, which is about the same files."""
        settings = self._services.conversations.settings
        try:
            known = await asyncio.to_thread(settings, turn.lane.removesuffix(URGENT))
        except StoreFailed:
            known = {}
        if known.get(GIVES_WAY) != turn.id:
            way.stopped.set()

    async def _let_in(
        self,
        bot: Bot,
        turn: Turn,
        event: Inbound | Notice,
        journal: Journal,
        past: Sequence[TurnEvent],
        way: _Way,
    ) -> Task | None:
        """What the agent is to do; None if the turn has ended without."""
        lane = turn.lane.removesuffix(URGENT)
        known = await recall(self._services, lane)
        language = language_of(bot.rules, event, known.settings.get(LANGUAGE))
        if not past:
            journal.add(write_event(Noted(LANGUAGE, {LANGUAGE: language})))
        if any(isinstance(said, Said) for said in past) and not _paying(past):
            await _write(journal, Ended("finished"))
            return None
        if isinstance(event, Notice) and event.kind is not NoticeKind.DUE:
            await _write(journal, Said(texts.say("joined", language)), Ended("finished"))
            return None
        if isinstance(event, Notice):
            visit = self._visit(bot, turn, _asks_nothing(event), known, language)
            await _write(journal, *await _unasked(visit))
            return None
        visit = self._visit(bot, turn, event, known, language)
        visit.stopped = way.stopped
        visit.resumed = any(isinstance(said, Asked) for said in past)
        visit.always = self._commands.always(_said(event, bot.rules))
        if known.settings.get(LANGUAGE) != language:
            way.beside.append(asyncio.create_task(self._learn(lane, language)))
        result = await bot.pipeline(visit)
        if known.owing and isinstance(result, Ask) and result.plain and not visit.resumed:
            await self._pay(visit, journal, past)
        return await self._carry_out(result, visit, turn, journal)

    def _visit(
        self, bot: Bot, turn: Turn, event: Inbound, known: Memory, language: Language
    ) -> Visit:
        return Visit(
            bot=bot.name,
            rules=bot.rules,
            inbound=event,
            turn=turn.id,
            lane=turn.lane.removesuffix(URGENT),
            language=language,
            services=self._services,
            text=event.text,
            settings=known.settings,
            history=known.history,
        )

    async def _learn(self, lane: str, language: Language) -> None:
        """The next words that tell no language are answered in this one."""
        change = self._services.conversations.change
        try:
            await asyncio.to_thread(change, lane, {LANGUAGE: language})
        except StoreFailed as failed:
            _LOG.warning("a language is not remembered", lane=lane, reason=str(failed))

    async def _pay(self, visit: Visit, journal: Journal, past: Sequence[TurnEvent]) -> None:
        """First tells the person what an earlier answer still owes them, in one message."""
        if any(isinstance(said, Said) for said in past):
            return  # an earlier life of this turn has
        can = self._outbox.channel(visit.bot).adapter.capabilities(visit.inbound.place)
        owed = await arrears(visit, None if can.replies is None else can.max_chars)
        if owed:
            if not _paying(past):
                journal.add(write_event(Noted(PAYS, {FIRST: True, LEFT: owed.left})))
            for event in owed.events:
                journal.add(write_event(event))

    async def _carry_out(
        self, result: Result, visit: Visit, turn: Turn, journal: Journal
    ) -> Task | None:
        match result:
            case Silence():
                await _write(journal, Ended("refused"))
            case Say(text, refused, note):
                if note:
                    journal.add(write_event(Noted(note)))
                await _write(journal, Said(text), Ended("refused" if refused else "finished"))
            case Ask(given, plain):
                if given.released and not visit.resumed:
                    journal.add(write_event(Noted(GOES_ON, {"text": given.released})))
                given = replace(given, replaceable=self._replaceable(visit))
                if plain and turn.lane == visit.lane:
                    given = await self._with_company(given, visit, turn)
                return given
        return None

    def _replaceable(self, visit: Visit) -> bool:
        """Whether text that was shown can be taken back where this person reads."""
        adapter = self._outbox.channel(visit.bot).adapter
        can = adapter.capabilities(visit.inbound.place)
        return can.live or can.surface is Surface.REPLACE

    async def _with_company(self, given: Task, visit: Visit, turn: Turn) -> Task:
        """What the same person said meanwhile is answered too, where the bot's settings say so."""
        if visit.rules.when_busy == "queue" or visit.resumed:
            return given
        engine = self._services.engine
        waiting = await engine.waiting(turn.lane)
        if self._stopping(turn):
            return given  # what is said now has an answer of its own
        own = [other for other in waiting if _is_of(other, visit)]
        alike = list(takewhile(lambda other: self._joins(other, visit), own))
        absorbed = await engine.absorb([other.id for other in alike], turn.id) if alike else []
        known = await engine.absorbed(turn.id)
        everything = {other.id: other for other in (*known, *absorbed)}
        parts = given.asked.parts
        for other in everything.values():
            parts = (*parts, Text(f"\n\n{_words(other, visit)}"))
        return replace(given, asked=replace(given.asked, parts=parts))

    def _joins(self, other: Turn, visit: Visit) -> bool:
        """Plain words; commands, files and what answers another message have a turn of their own,
        and so has what was said after them.
        """
        event = read_inbound(other.body)
        assert isinstance(event, Inbound)
        words = _words(other, visit)
        is_command = words[:1] in ("/", "／") or self._commands.find(words) is not None
        return bool(words) and not (is_command or event.attachments or event.quote)


def _is_of(other: Turn, visit: Visit) -> bool:
    """Whether the same person said it."""
    event = read_inbound(other.body)
    return isinstance(event, Inbound) and event.sender.id == visit.inbound.sender.id


def _words(other: Turn, visit: Visit) -> str:
    event = read_inbound(other.body)
    assert isinstance(event, Inbound)
    return _said(event, visit.rules)


def _said(event: Inbound, rules: BotSettings) -> str:
    """What is said to the bot, without the word that calls it."""
    return uncalled(event.text, called_by(event, rules))


def _asks_nothing(due: Notice) -> Inbound:
    return Inbound(due.bot, due.platform, due.id, due.place, Person(due.person), "", due.at)


async def _unasked(visit: Visit) -> Sequence[TurnEvent]:
    """What is owed to a person, told without their asking: unless they, or the hour, forbid it.
    Then it stays owed.
    """
    hours = visit.rules.quiet or ""
    quiet = bool(hours) and not visit.owner and within(hours, visit.services.hour())
    shut = visit.settings.get(UNASKED) is False
    owed = None if quiet or shut else await dues(visit)
    return (Noted(PAYS), *owed.events, Ended("finished")) if owed else (Ended("refused"),)


async def answer(visit: Visit) -> Result:
    """The core of every pipeline: the message goes to a model."""
    parts: tuple[Part, ...] = tuple(visit.parts)
    text = visit.text
    if visit.inbound.place.scene is Scene.GROUP and visit.inbound.sender.name:
        text = f"{visit.inbound.sender.name}: {text}"
    message = Message(Role.USER, (Text(text), *parts) if text else parts)
    return Ask(await task(visit, message), plain=True)


def _paying(past: Sequence[TurnEvent]) -> bool:
    """Whether what this turn said was owed from before, and its own answer is still to come."""
    return any(isinstance(e, Noted) and e.key == PAYS and e.values.get(FIRST) for e in past)


def reply_to(turn: Turn) -> Reply:
    """Where a turn's answer goes."""
    event = read_inbound(turn.body)
    person = event.sender.id if isinstance(event, Inbound) else ""
    return Reply(turn.id, event.place, event.at, event.bot, turn.lane, person)


def language_of(rules: BotSettings, event: Inbound | Notice, remembered: object) -> Language:
    """The bot's own, else that of the person's words, else what the conversation was in, else that
    of the program they write with.
    """
    if rules.language == "zh":
        return "zh"
    if rules.language == "en":
        return "en"
    hint = "" if isinstance(event, Notice) else event.language
    before = remembered or hint
    known: Language = "en" if before == "en" else "zh"
    if isinstance(event, Notice):
        return known
    word = called_by(event, rules) or ""
    text = event.text.strip()[len(word) :] or word
    is_command = text[:1] in ("/", "／") and text[1:].isascii()  # which says nothing of a language
    return (None if is_command and before else texts.spoken(text)) or known


async def _write(journal: Journal, *events: TurnEvent) -> None:
    for event in events:
        journal.add(write_event(event))
    await journal.settle()
