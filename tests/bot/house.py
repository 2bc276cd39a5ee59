"""A bot with everything real but its platform: database, engine, agent, executor, sockets."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bot.people import C2C, GROUP, Fault, Platform
from tests.upstream import leaks

from holdfast.agent.abilities import Abilities
from holdfast.agent.asking import Models
from holdfast.agent.framing import Framer
from holdfast.agent.memory import Memory
from holdfast.agent.runner import Runner
from holdfast.agent.tools import AgentTool, Toolbox
from holdfast.app import SystemClock, calling, new_ref
from holdfast.bot.adapter import Adapter, Capabilities, Sink
from holdfast.bot.event import Attachment, Inbound, Notice, Outbound, Person, Place, Receipt, Scene
from holdfast.bot.ledger import StoredLedger
from holdfast.bot.pipeline import Services
from holdfast.bot.service import Bots, Extras, bots
from holdfast.config import BotSettings, Settings
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed
from holdfast.engine.local import Limits, LocalEngine
from holdfast.gateway.keeper import Keeper
from holdfast.sim.catalogue import FAULTS
from holdfast.sim.upstream import SimulatedUpstream
from holdfast.store.conversations import SqlConversations, SqlPairings
from holdfast.store.database import Database
from holdfast.store.deliveries import SqlDeliveries
from holdfast.store.incidents import SqlIncidents
from holdfast.store.ports import Fence
from holdfast.store.turns import SqlTurns
from holdfast.upstream.catalog import routes

PATIENCE = 20.0  # seconds for anything to happen

FAST = {"connect": 1.0, "headers": 1.0, "first_event": 1.0, "bytes_idle": 1.0, "content_idle": 1.0}


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Polls: for what nobody tells."""
    await leaks.until(lambda: bool(condition()), patience)


class Phone:
    """An adapter in memory: a platform per conversation, and people who write."""

    name = "helper"

    def __init__(self, direct: Capabilities, group: Capabilities) -> None:
        self._can = {Scene.DIRECT: direct, Scene.GROUP: group}
        self.chats: dict[str, Platform] = {}
        self.faults: list[Fault] = []
        self._sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()
        self._ids = itertools.count(1)
        self.clock = SystemClock()

    def capabilities(self, place: Place) -> Capabilities:
        return self._can[place.scene]

    async def run(self, sink: Sink) -> None:
        self._sink.set_result(sink)
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        await asyncio.sleep(0)
        place = outbound.place
        chat = f"{place.conversation} {place.anchor['msg_id']}"
        can = self.capabilities(place)
        platform = self.chats.setdefault(chat, Platform(can))
        return platform.receive(outbound, self.faults.pop(0) if self.faults else "ok")

    async def says(self, text: str, **given: Any) -> str:
        """A message; the name of its chat."""
        inbound = self.message(text, **given)
        assert await self.event(inbound)
        return self.chat_of(inbound)

    async def event(self, event: Inbound | Notice) -> bool:
        sink = await self._sink
        return await sink(event)

    def message(
        self,
        text: str,
        who: str = "anna",
        where: str = "",
        name: str = "",
        attachments: Sequence[Attachment] = (),
        **given: Any,
    ) -> Inbound:
        number = f"m{next(self._ids)}"
        scene = Scene.GROUP if where.startswith("group") else Scene.DIRECT
        place = Place(f"sim:{where or who}", scene, {"msg_id": number})
        return Inbound(
            "helper",
            "sim",
            number,
            place,
            Person(who, name),
            text,
            self.clock.wall(),
            attachments=tuple(attachments),
            **given,
        )

    def chat_of(self, event: Inbound | Notice) -> str:
        return f"{event.place.conversation} {event.place.anchor['msg_id']}"

    def reads(self, chat: str) -> list[str]:
        return self.chats[chat].texts() if chat in self.chats else []

    def done(self, chat: str) -> bool:
        seen = self.chats[chat].screen.values() if chat in self.chats else ()
        return bool(seen) and all(message.final for message in seen)


@dataclass
class House:
    phone: Phone
    bots: Bots
    engine: LocalEngine
    services: Services
    upstream: SimulatedUpstream
    turns: SqlTurns
    keeper: Keeper
    files: dict[str, bytes] = field(default_factory=dict)

    async def ask(self, text: str, **given: Any) -> list[str]:
        """What the person reads in answer, once it is delivered."""
        inbound = self.phone.message(text, **given)
        assert await self.phone.event(inbound)
        return await self.answer_to(inbound)

    async def answer_to(self, inbound: Inbound | Notice) -> list[str]:
        await self.end_of(inbound)
        await until(lambda: not self.bots.outbox.attends(f"helper:{inbound.id}"))
        return self.phone.reads(self.phone.chat_of(inbound))

    async def end_of(self, inbound: Inbound | Notice) -> None:
        """Until its turn says no more."""
        async with asyncio.timeout(PATIENCE):
            async for _ in self.engine.watch(f"helper:{inbound.id}"):
                pass

    @property
    def asked(self) -> list[Any]:
        """The bodies that the model was asked."""
        return [seen.body for seen in self.upstream.requests]


def settings(
    base_url: str,
    targets: Mapping[str, Sequence[str]],
    rules: Mapping[str, Any],
    timeouts: Mapping[str, float],
) -> Settings:
    for model in (model for models in targets.values() for model in models):
        assert re.split("[@;]", model)[0] in FAULTS, f"the simulator knows no {model}"
    known = {
        "platform": "webchat",
        "route": next(iter(targets)),
        "access": {"direct": "open", "group": "open"},
    }
    return Settings.model_validate(
        {
            "providers": {"sim": {"base_url": base_url, "timeouts": timeouts}},
            "routes": {
                name: {"targets": [f"sim/{model}" for model in models], "deadline": 60}
                for name, models in targets.items()
            },
            "bots": {"helper": {**known, **rules}},
        }
    )


@asynccontextmanager
async def house(
    folder: Path,
    targets: Mapping[str, Sequence[str]] | None = None,
    *,
    adapter: Callable[[BotSettings, AsyncExitStack], Awaitable[Adapter]] | None = None,
    direct: Capabilities = C2C,
    group: Capabilities = GROUP,
    extras: Extras | None = None,
    offered: Sequence[AgentTool] = (),
    hour: str = "12:00",
    limits: Limits | None = None,
    abilities: Abilities | None = None,
    timeouts: Mapping[str, float] = FAST,
    **rules: Any,
) -> AsyncIterator[House]:
    """Everything in one process, in the database in `folder`; leaving stops it in order."""
    clock, fences = SystemClock(), dict[str, Fence]()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(SimulatedUpstream())
        told = settings(upstream.base_url, targets or {"main": ["ok"]}, rules, timeouts)
        database = Database(folder / "bot.db")
        stack.callback(database.close)
        incidents = SqlIncidents(database)
        keeper = Keeper(incidents, clock)
        stack.callback(keeper.close)
        executor = await stack.enter_async_context(calling("holdfast-test", [keeper]))
        known = routes(told, b"pepper")
        models = Models(executor, known.find, new_ref, clock)
        framer = Framer(models, lambda route: abilities or Abilities(), Memory())
        runner = Runner(models, framer, Toolbox(offered))
        turns = SqlTurns(database)
        handler: list[Any] = []

        async def last_word(*given: Any) -> None:
            await handler[0].last_word(*given)

        engine = LocalEngine(turns, clock, fences, last_word, limits or Limits())
        files: dict[str, bytes] = {}

        async def fetch(attachment: Attachment, limit: int) -> bytes:
            data = files.get(attachment.url)
            kind = Kind.NOT_FOUND if data is None else Kind.TOO_LONG
            if data is None or len(data) > limit:
                raise StreamFailed(Failure(kind, Phase.HEADERS, Hop.PLATFORM))
            return data

        services = Services(
            engine=engine,
            conversations=SqlConversations(database),
            pairings=SqlPairings(database),
            incidents=incidents,
            ledger=StoredLedger(SqlDeliveries(database, fences)),
            clock=clock,
            routes=known.names(),
            fetch=fetch,
            new_code=lambda: "".join(random.choices("ABCDEFGH", k=8)),
            hour=lambda: hour,
        )
        phone = Phone(direct, group)
        rule = told.bots["helper"]
        used: Adapter = await adapter(rule, stack) if adapter else phone
        made = bots(
            told.bots,
            {"helper": used},
            engine,
            services.ledger,
            services,
            runner,
            random.random,
            extras,
        )
        handler.append(made.handler)
        running = asyncio.create_task(made.run(engine))
        try:
            yield House(phone, made, engine, services, upstream, turns, keeper, files)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await made.aclose()


def play(scene: Callable[[], Awaitable[None]], patience: float = 60.0) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(patience):
            await scene()

    asyncio.run(bounded())
