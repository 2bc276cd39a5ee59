"""Everybody who talks to one server over all of its surfaces, and what must be true in the end."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.crash.asking import (
    Page,
    Question,
    call,
    judge_call,
    judge_page,
    question,
    squeezed,
)
from tests.crash.served import Lives
from tests.pulse import Pulse
from tests.serving import configuration
from tests.upstream.leaks import HANG

from holdfast.bot import texts
from holdfast.platforms.webchat.adapter import PLATFORM as WEBCHAT
from holdfast.sim.qq.people import Group, Person
from holdfast.sim.qq.seen import Shown
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

RUNS = int(os.environ.get("HOLDFAST_CRASH_RUNS", "6"))
SEED = int(os.environ.get("HOLDFAST_CRASH_SEED", "1"))

_AGAIN = (*texts.TEXTS["again"], *texts.TEXTS["stub"])
_UNKNOWN = tuple(text.format(tool="pay") for text in texts.TEXTS["tool_unknown"])

NEIGHBOURS = 2  # of each kind, at any time
WAITS = HANG  # until somebody on QQ goes home
STAYS = 3 * HANG  # until anybody does
WORK = 400  # beats within which a life is killed, and
MOMENT = 0.05  # seconds more; or else
START = 0.3  # seconds within which it dies before it is ready
MODEL = "ok;pace=0.003;chunk=16"
_RULES = """
[bots.page]
platform = "webchat"
route = "main"
tools = ["pay"]
access = {{ direct = "open", group = "open" }}
rate = {{ person = 100000, conversation = 100000 }}

[bots.helper]
platform = "qq"
route = "main"
tools = ["pay"]
access = {{ direct = "open", group = "open" }}
rate = {{ person = 100000, conversation = 100000 }}
{qq}
"""


def settings(upstream: SimulatedUpstream, qq: SimulatedQQ, more: str = "") -> str:
    bot = "\n".join(f'{name} = "{value}"' for name, value in qq.settings().items())
    return configuration(upstream.base_url, {"main": [MODEL]}, more + _RULES.format(qq=bot))


Visit = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Said:
    """Questions in one chat on QQ, by the ids of their messages."""

    chat: Person | Group
    asked: dict[str, Question] = field(default_factory=dict)


class Town:
    """People of every kind, who come one after the other as long as `live` is told to let them.

    `ledger` is where the tool writes. `waiting` is how many of each kind wait for an answer.
    """

    def __init__(self, lives: Lives, qq: SimulatedQQ, ledger: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.problems: list[str] = []
        self.answered: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()
        self._lives = lives
        self._qq = qq
        self._ledger = ledger
        self._serial = 0
        self._said: list[Said] = []
        self._paying: dict[str, bool] = {}  # conversations: whether they were told of a doubt
        self._visits: dict[str, Visit] = {
            "web": self._page,
            "web tool": partial(self._page, tool=True),
            "c2c": self._privately,
            "c2c tool": partial(self._privately, tool=True),
            "group": self._in_group,
            "call": self._call,
            "call with a key": partial(self._call, keyed=True),
        }

    async def round(self) -> None:
        """One visit of each kind. Returns when everybody who came has an end on the screen."""
        over = asyncio.Event()
        over.set()
        await self.live(over)

    async def live(self, over: asyncio.Event) -> None:
        """All kinds at any time, until then. Returns when everybody has an end on the screen."""
        async with asyncio.TaskGroup() as group:
            for kind, visit in self._visits.items():
                for _ in range(NEIGHBOURS):
                    group.create_task(self._come(kind, visit, over))

    def judge(self) -> list[str]:
        """What is wrong, of all that happened."""
        problems = [*self.problems, *self._qq.complaints]
        for said in self._said:
            problems += _judge_chat(said)
        paid = Counter(self._ledger.read_text("utf-8").split("\n")[:-1])
        problems += [f"{who} paid {times} times" for who, times in paid.items() if times > 1]
        unpaid = [who for who, doubt in self._paying.items() if not (paid[who] or doubt)]
        return problems + [f"{who} neither paid nor was told of a doubt" for who in unpaid]

    @property
    def orphans(self) -> int:
        return sum(len(orphans(said.chat)) for said in self._said)

    async def _come(self, kind: str, visit: Visit, over: asyncio.Event) -> None:
        while True:
            self.waiting[kind] += 1
            try:
                async with asyncio.timeout(STAYS):
                    await visit()
            except TimeoutError:
                self.problems.append(f"somebody left after {STAYS} s without an answer: {kind}")
            self.waiting[kind] -= 1
            self.answered[kind] += 1
            if over.is_set():
                return

    def _question(self, *, tool: bool = False) -> Question:
        self._serial += 1
        return question(self._serial, self.dice, tool=tool)

    async def _privately(self, *, tool: bool = False) -> None:
        person = self._qq.person("Anna")
        questions = [self._question(), self._question(tool=tool)]
        said = Said(person, {person.says(asked.words): asked for asked in questions})
        await self._until_told(said)
        if tool:
            read = "".join(shown.body for shown in person.shown)
            doubt = any(sentence in read for sentence in _UNKNOWN)
            self._paying[f"qq:c2c:{person.id}"] = doubt

    async def _in_group(self) -> None:
        group, people = self._qq.group(), [self._qq.person("Anna"), self._qq.person("Bob")]
        questions = [(person, self._question()) for person in people]
        asked = {group.says(who, asked.words): asked for who, asked in questions}
        await self._until_told(Said(group, asked))

    async def _until_told(self, said: Said) -> None:
        self._said.append(said)
        try:
            await self._qq.until(lambda: _told(said), WAITS)
        except TimeoutError:
            seen = [
                (each.answers, each.state(self._qq.now()), each.body) for each in said.chat.shown
            ]
            self.problems.append(f"{said.asked} waited in vain and saw {seen}")

    async def _page(self, *, tool: bool = False) -> None:
        page = Page(self._lives, f"{self.dice.getrandbits(128):032x}")
        asked = [self._question(), self._question(tool=tool)]
        turns = [await page.say(each.words, f"{self.dice.getrandbits(128):032x}") for each in asked]
        for turn, each in zip(turns, asked, strict=True):
            problem = judge_page(await page.follow(turn), each)
            self.problems += [problem] if problem else []
        if tool:
            self._paying[f"{WEBCHAT}:{page.conversation}"] = page.doubt
        stand = await page.turns()
        if [turn["asked"] for turn in stand] != [each.words for each in asked]:
            self.problems.append(f"out of order: {[turn['asked'] for turn in stand]}")

    async def _call(self, *, keyed: bool = False) -> None:
        asked = self._question()
        key = f"{self.dice.getrandbits(64):x}" if keyed else ""
        read = await call(self._lives, asked.words, key)
        problem = judge_call(read, asked)
        self.problems += [problem] if problem else []


async def settled(qq: SimulatedQQ) -> None:
    """Returns once somebody was answered: whoever is born from now on resumes the session. One
    that ends before its process could write it down is nobody's, and so is what it brought.
    """
    await qq.connected()
    person = qq.person("Zoe")
    person.says("text:short")
    await qq.until(lambda: any(each.finished for each in person.shown), HANG)


def _told(said: Said) -> bool:
    """Whether every question has its end under it."""
    shown = _answers(said.chat)
    return {each.answers for each in shown} >= set(said.asked) and all(e.finished for e in shown)


def _answers(chat: Person | Group) -> list[Shown]:
    """What was said, but for that the store failed, which is told when it does; the message is
    answered when the platform brings it again.
    """
    lost, sorry = orphans(chat), texts.TEXTS["store_failed"]
    return [each for each in chat.shown if each not in lost and each.body not in sorry]


def orphans(chat: Person | Group) -> list[Shown]:
    """Streams that nobody can end: the process died after the platform had taken their first
    frame and before it was told their name, which the platform tells once. The answer is then
    given whole, and says that some of it may be a repetition.
    """
    return [
        stream
        for stream in chat.generating
        if len(stream.frames) == 1
        and any(
            each.answers == stream.answers and each.finished and each.body.startswith(_AGAIN)
            for each in chat.shown
        )
    ]


def _judge_chat(said: Said) -> list[str]:
    chat, lost = said.chat, orphans(said.chat)
    shown = _answers(chat)
    problems = [f"never ended: {each.body!r}" for each in shown if not each.finished]
    order = [each.answers for each in shown]
    wanted = [id for id in said.asked for _ in range(order.count(id))]
    if order != wanted:
        problems.append(f"out of order: {order} for {list(said.asked)}")
    for id, asked in said.asked.items():
        told = "".join(each.body for each in shown if each.answers == id)
        if any(each.answers == id for each in lost):
            told = next(told.removeprefix(mark) for mark in _AGAIN if told.startswith(mark))
        problem = _judge_text(told, asked)
        problems += [f"{chat.conversation.place}: {problem}"] if problem else []
    return problems


def _judge_text(told: str, asked: Question) -> str:
    read = told.replace("．", ".")  # QQ's rule of addresses
    if asked.tool:
        for sentence in _UNKNOWN:
            read = read.replace(sentence, "")
    return "" if squeezed(read) == squeezed(asked.answer) else f"{asked.words!r} read {told!r}"


def worlds(share: int, most: int) -> list[tuple[int, int]]:
    """Seeds, and how many deaths each of them decides: at most `most`, and one for `share` runs
    in all.
    """
    deaths = -(-RUNS // share)
    return [(SEED + n, min(most, deaths - n * most)) for n in range(-(-deaths // most))]


async def kill_at_random(lives: Lives, pulse: Pulse, dice: random.Random, kills: int) -> None:
    """Kills so many lives, each at a random moment: some before they are ready."""
    for _ in range(kills):
        life = lives.life
        if dice.random() < 0.8:
            await life.ready()
            await pulse.beats(dice.randrange(WORK))
            await life.survives(dice.uniform(0.0, MOMENT))
        else:
            await life.survives(dice.uniform(0.0, START))
        await life.kill()
        lives.begin()
