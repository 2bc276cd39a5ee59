"""Every way by which people reach a bot, before the server as it is served.

A private chat and a group of QQ over its gateway, a private chat and a channel over the webhook,
and the page in a browser. All doors lead to one server, one database and one simulated model.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import uuid4

import httpx2
from tests.scenarios.house import nobody, served
from tests.upstream.leaks import HANG

from holdfast.app import DATABASE, gateway
from holdfast.config import Settings
from holdfast.engine.ports import Engine
from holdfast.sim.qq import people
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream
from holdfast.store.conversations import SqlConversations
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.ports import SETTLED

SECRET = "sk-planted-4f9c2e7b1d"  # the model's key: nobody may read it
UNSEEN = {"reasoning_added", "tool_asked", "tool_answered", "hidden"}  # of no account here
SPEED = 10.0  # of the simulated models
LOOK = 0.25  # seconds between looks at what has become of a delivery

BOTS: Mapping[str, Literal["websocket", "webhook"]] = {
    "helper": "websocket",
    "called": "webhook",
}
OPEN = {
    "access": {"direct": "open", "group": "open"},
    "rate": {"person": 10_000, "conversation": 10_000},
}


class Chat(Protocol):
    """One conversation with the bot, as its person has it."""

    @property
    def lane(self) -> str: ...

    @property
    def reads(self) -> list[str]:
        """What stands there of the bot, message by message."""
        ...

    async def says(self, text: str) -> str:
        """Sends a message; the turn that answers it."""
        ...


@dataclass
class OnQQ:
    """In one of QQ's places."""

    bot: str
    qq: SimulatedQQ
    chat: people.Person | people.Group | people.GuildChat

    @property
    def lane(self) -> str:
        return f"{self.bot}:qq:{self.chat.conversation.place}:{self.chat.id}"

    @property
    def reads(self) -> list[str]:
        return self.chat.reads

    async def says(self, text: str) -> str:
        match self.chat:
            case people.Person() as person:
                message = person.says(text)
            case there:
                message = there.says(self.qq.person("Anna"), text)
        return f"{self.bot}:{message}"


@dataclass
class Tab:
    """A tab of a browser: it asks as `web/src/chat/api.ts` does, and shows as `turn.ts` does."""

    http: httpx2.AsyncClient
    conversation: str = field(default_factory=lambda: uuid4().hex)
    turns: dict[str, Shown] = field(default_factory=dict)
    _following: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def lane(self) -> str:
        return f"page:webchat:{self.conversation}"

    @property
    def reads(self) -> list[str]:
        return [text for turn in self.turns.values() if (text := turn.text)]

    async def says(self, text: str) -> str:
        turn = await self.post(uuid4().hex, text)
        self.watch(turn)
        return turn

    async def post(self, id: str, text: str) -> str:
        """Sends a message, or the same once more."""
        path = f"/chat/api/conversations/{self.conversation}/messages"
        answer = await self.http.post(path, json={"id": id, "text": text})
        assert answer.status_code == 202, answer.text
        turn: str = answer.json()["turn"]
        return turn

    def watch(self, turn: str) -> None:
        self._following[turn] = asyncio.create_task(self.follow(turn))

    async def ended(self, turn: str) -> None:
        """Returns once the page shows the end of what it watches."""
        await self._following[turn]

    async def follow(self, turn: str, entries: int | None = None) -> None:
        """Until the turn ends, or the line is dropped after so many entries."""
        shown = self.turns.setdefault(turn, Shown())
        path = f"/chat/api/turns/{turn}/events"
        stream = self.http.stream("GET", path, params={"after": shown.last}, timeout=None)
        async with stream as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                if not line.startswith("data: "):
                    continue
                entry = json.loads(line.removeprefix("data: "))
                if "end" in entry:
                    shown.over = True
                    return
                shown.fold(entry)
                if entries is not None and (entries := entries - 1) <= 0:
                    return

    async def reload(self) -> None:
        """Forgets everything, and shows what the server tells of the conversation."""
        answer = await self.http.get(f"/chat/api/conversations/{self.conversation}")
        self.turns = {}
        for told in answer.json()["turns"]:
            shown = self.turns[told["id"]] = Shown()
            for entry in told["entries"]:
                shown.fold(entry)
            shown.over = shown.sentence is not None

    async def aclose(self) -> None:
        for task in self._following.values():
            task.cancel()
        await asyncio.gather(*self._following.values(), return_exceptions=True)


@dataclass
class Shown:
    """What the page shows of one turn."""

    steps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sentence: str | None = None
    step: int = 0
    last: int = 0
    over: bool = False

    def fold(self, entry: Mapping[str, Any]) -> None:
        if entry["sequence"] <= self.last:
            return
        assert entry["sequence"] == self.last + 1, "an entry is missing"
        assert self.sentence is None, "something came after the end"
        self.last = entry["sequence"]
        event = entry["event"]
        match event["type"]:
            case "step_began":
                if event["step"] != self.step:
                    self.step = event["step"]
                    self.steps.append("")
            case "text_added":
                self.steps[-1] += event["text"]
            case "replaced":
                self.steps[-1] = ""
            case "said":
                self.steps.append(event["text"])
            case "noted":
                self.notes.append(event["sentence"])
            case "ended":
                self.sentence = event["sentence"]
            case other:
                assert other in UNSEEN, other

    @property
    def text(self) -> str:
        return "\n\n".join(part for part in (*self.steps, self.sentence) if part)


@dataclass
class Building:
    """The server with all its doors."""

    url: str
    sim: SimulatedUpstream
    qq: Mapping[str, SimulatedQQ]  # by the bot that it talks to
    http: httpx2.AsyncClient
    conversations: SqlConversations
    engine: Engine
    deliveries: SqlDeliveries

    def chat(self, door: str) -> OnQQ | Tab:
        """A new conversation behind a door of DOORS."""
        bot, make = DOORS[door]
        if bot == "page":
            return Tab(self.http)
        return OnQQ(bot, self.qq[bot], make(self.qq[bot]))

    def choose(self, chat: Chat, route: str) -> None:
        """As by /model."""
        self.conversations.change(chat.lane, {"route": route})

    async def over(self, chat: Chat, turn: str) -> None:
        """Returns once the turn has ended and nothing more will be shown of it."""
        async with asyncio.timeout(HANG):
            if isinstance(chat, Tab):
                await chat.ended(turn)
                return
            async for _ in self.engine.watch(turn):
                """Whatever it says, until it says no more."""
            while not self._delivered(turn):
                await asyncio.sleep(LOOK)

    def _delivered(self, turn: str) -> bool:
        rows = self.deliveries.of_turn(turn)
        return bool(rows) and rows[0].state in SETTLED


Place = people.Person | people.Group | people.GuildChat
DOORS: Mapping[str, tuple[str, Callable[[SimulatedQQ], Place]]] = {
    "c2c": ("helper", lambda qq: qq.person("Anna")),
    "group": ("helper", lambda qq: qq.group()),
    "channel": ("called", lambda qq: qq.channel()),
    "guild chat": ("helper", lambda qq: qq.guild_dm()),
    "webhook": ("called", lambda qq: qq.person("Anna")),
    "web chat": ("page", lambda qq: qq.person("Anna")),
}


Layout = Callable[[SimulatedUpstream, SimulatedUpstream], Mapping[str, Any]]


@asynccontextmanager
async def building(layout: Layout) -> AsyncIterator[Building]:
    """`layout` makes providers and routes of the two upstreams, the second of which has a
    certificate of nobody's.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            SimulatedUpstream(speed=SPEED) as sim,
            SimulatedUpstream(speed=SPEED, ssl_context=nobody()) as sim_tls,
            SimulatedQQ() as connected,
            SimulatedQQ() as calling,
        ):
            qq = {"helper": connected, "called": calling}
            raw = {"server": {"data_dir": folder}, **layout(sim, sim_tls)}
            route = next(iter(raw["routes"]))
            raw["bots"] = {
                "page": {"platform": "webchat", "route": route, **OPEN},
                **{
                    name: {"platform": "qq", "route": route, **OPEN, **qq[name].settings(transport)}
                    for name, transport in BOTS.items()
                },
            }
            async with gateway(Settings.model_validate(raw)) as running, served(running) as url:
                calling.webhook.url = f"{url}/webhooks/called"
                # A session whose name was not read yet would be nobody's if its line dropped.
                await connected.until(lambda: bool(connected.gateway.beats))
                await calling.until(lambda: any(a.path == "/users/@me" for a in calling.asked))
                with closing(Database(folder / DATABASE)) as database:
                    async with httpx2.AsyncClient(
                        base_url=url, trust_env=False, timeout=HANG
                    ) as http:
                        chosen, rows = SqlConversations(database), SqlDeliveries(database, {})
                        engine = running.services.engine
                        assert engine is not None
                        yield Building(url, sim, qq, http, chosen, engine, rows)
