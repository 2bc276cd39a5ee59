"""A bot with everything real but its platform: database, engine, agent, executor, sockets."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.bot.people import C2C, GROUP, Fault, Platform
from tests.pulse import Pulse
from tests.scenarios.house import PATIENT
from tests.upstream import leaks
from tests.upstream.leaks import HANG

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
from holdfast.bot.pipeline import Fetch, Services
from holdfast.bot.service import Bots, Extras, bots
from holdfast.config import BotSettings, Settings
from holdfast.core.failure import Failure, Hop, Kind, Phase, StreamFailed
from holdfast.core.request import Surface
from holdfast.engine.local import Limits, LocalEngine
from holdfast.engine.parked import recorded
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

HASTY = {**PATIENT, "headers": 0.5}  # seconds, for a target that is to be found silent


async def until(condition: Callable[[], object]) -> None:
    """Polls: for what nobody tells."""
    await leaks.until(lambda: bool(condition()))


UNASKED = "unasked"  # for the id of the message that is answered, where none is


class Phone:
    """An adapter in memory: a platform per conversation, and people who write."""

    name = "helper"

    def __init__(self, direct: Capabilities, group: Capabilities) -> None:
        self._can = {Scene.DIRECT: direct, Scene.GROUP: group}
        self.chats: dict[str, Platform] = {}
        self.faults: list[Fault] = []
        self.unasked_faults: list[Fault] = []
        self._sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()
        self._ids = itertools.count(1)
        self.clock = SystemClock()

    def capabilities(self, place: Place) -> Capabilities:
        can = self._can[place.scene]
        if place.anchor:
            return can
        return replace(can, surface=Surface.NONE, replies=None, window=None, typing=False)

    async def run(self, sink: Sink) -> None:
        self._sink.set_result(sink)
        await asyncio.Event().wait()

    async def send(self, outbound: Outbound, key: str) -> Receipt:
        await asyncio.sleep(0)
        place = outbound.place
        chat = f"{place.conversation} {place.anchor.get('msg_id', UNASKED)}"
        can = self.capabilities(place)
        platform = self.chats.setdefault(chat, Platform(can))
        faults = self.faults if place.anchor else self.unasked_faults
        return platform.receive(outbound, faults.pop(0) if faults else "ok")

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
    pulse: Pulse  # of the model, where it has a pace
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
        async with asyncio.timeout(HANG):
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
) -> Settings:
    """A model is asked with patience unless it is given as "hasty/MODEL"."""
    for model in (model for models in targets.values() for model in models):
        name = re.split("[@;]", model.removeprefix("hasty/"))[0]
        assert name in FAULTS, f"the simulator knows no {model}"
    known = {
        "platform": "webchat",
        "route": next(iter(targets)),
        "access": {"direct": "open", "group": "open"},
    }
    return Settings.model_validate(
        {
            "providers": {
                "sim": {"base_url": base_url, "timeouts": PATIENT},
                "hasty": {"base_url": base_url, "timeouts": HASTY},
            },
            "routes": {
                name: {"targets": [m if "/" in m else f"sim/{m}" for m in models], "deadline": 60}
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
    hour: Callable[[], str] = lambda: "12:00",
    limits: Limits | None = None,
    abilities: Abilities | None = None,
    fetch: Fetch | None = None,
    **rules: Any,
) -> AsyncIterator[House]:
    """Everything in one process, in the database in `folder`; leaving stops it in order."""
    clock, fences = SystemClock(), dict[str, Fence]()
    async with AsyncExitStack() as stack:
        pulse = Pulse()
        upstream = await stack.enter_async_context(SimulatedUpstream(sleep=pulse.sleep))
        told = settings(upstream.base_url, targets or {"main": ["ok"]}, rules)
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

        parked = recorded(incidents, clock, new_ref)
        engine = LocalEngine(turns, clock, fences, last_word, limits or Limits(), parked=parked)
        files: dict[str, bytes] = {}

        async def found(attachment: Attachment, limit: int) -> bytes:
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
            fetch=fetch or found,
            new_code=lambda: "".join(random.choices("ABCDEFGH", k=8)),
            hour=hour,
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
            yield House(phone, made, engine, services, upstream, turns, keeper, pulse, files)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await made.aclose()


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(HANG):
            await scene()

    asyncio.run(bounded())
