"""The adapter against the simulated platform, both on real sockets."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import httpx2
import uvicorn
from starlette.applications import Starlette
from tests.upstream.leaks import HANG, until, watched

from holdfast.app import SystemClock
from holdfast.bot.event import Content, Frame, Inbound, Notice, Outbound, Place, Receipt, Whole
from holdfast.config import BotSettings
from holdfast.core.failure import Failure, StreamFailed
from holdfast.platforms.qq.adapter import QQAdapter
from holdfast.platforms.qq.session import Pace
from holdfast.sim.qq.people import Person
from holdfast.sim.qq.rules import Rules
from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.store.ports import StoreFailed
from holdfast.upstream.transport import HttpTransport

Transport = Literal["websocket", "webhook"]

# No pauses: what is to be waited for is waited for by its effect.
AT_ONCE = Pace(backoff=(0.0, 0.0, 0.01), quick_pause=0.0, invalid=0.0, again=(0.0, 0.01))


@dataclass
class Inbox:
    """A sink as the bot's: durable, and it knows what it has had.

    `failing` times it cannot keep anything; math.inf: for the time being.
    """

    had: list[Inbound | Notice] = field(default_factory=list)
    repeated: list[Inbound | Notice] = field(default_factory=list)
    refused: list[Inbound | Notice] = field(default_factory=list)
    failing: float = 0

    async def take(self, event: Inbound | Notice) -> bool:
        if self.failing:
            self.failing -= 1
            self.refused.append(event)
            raise StoreFailed("the disk is full")
        known = event.id in {other.id for other in self.had}
        (self.repeated if known else self.had).append(event)
        return not known

    @property
    def messages(self) -> list[Inbound]:
        return [event for event in self.had if isinstance(event, Inbound)]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]


class Notes:
    """Facts that outlive an adapter."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def put(self, key: str, value: Any) -> None:
        self.kept[key] = value


@dataclass
class Rig:
    qq: SimulatedQQ
    adapter: QQAdapter
    inbox: Inbox
    running: asyncio.Task[None]

    async def greeted(self) -> Person:
        """Somebody who has said hello."""
        anna = self.qq.person("Anna")
        anna.says("hello")
        await self.hears(len(self.inbox.had) + 1)
        return anna

    async def hears(self, count: int) -> list[Inbound | Notice]:
        """The events, once there are so many."""
        await until(lambda: len(self.inbox.had) >= count or self.running.done())
        assert not self.running.done(), "the adapter stopped"
        return self.inbox.had

    async def send(self, content: Content, slot: int = 1, place: Place | None = None) -> Receipt:
        """As a reply to the last message."""
        to = place or self.inbox.messages[-1].place
        return await self.adapter.send(Outbound(to, content, slot), f"{to.conversation}-{slot}")

    async def failure(self, content: Content, slot: int = 1, place: Place | None = None) -> Failure:
        try:
            receipt = await self.send(content, slot, place)
        except StreamFailed as failed:
            return failed.failure
        raise AssertionError(f"it was sent: {receipt}")

    async def says(self, text: str, slot: int = 1, *, plain: bool = False) -> Receipt:
        return await self.send(Whole(text, plain), slot)

    async def streams(self, *texts: str, slot: int = 1) -> None:
        known = ""
        for index, text in enumerate(texts):
            frame = Frame(index, text, index == len(texts) - 1, known)
            known = (await self.send(frame, slot)).message_id or known


@cache
def _ssl_context() -> ssl.SSLContext:
    """Takes a while to make, and nothing here speaks TLS."""
    return httpx2.create_ssl_context()


@asynccontextmanager
async def rig(
    qq: SimulatedQQ,
    notes: Notes | None = None,
    transport: Transport = "websocket",
    inbox: Inbox | None = None,
    pace: Pace = AT_ONCE,
    connected: bool = True,
    kind: type[QQAdapter] = QQAdapter,
    **settings: Any,
) -> AsyncIterator[Rig]:
    """A running adapter, called, or connected unless that is not to be waited for."""
    told = BotSettings.model_validate(
        {"platform": "qq", "route": "demo", **qq.settings(transport), **settings}
    )
    inbox = inbox or Inbox()
    async with HttpTransport(_ssl_context()) as http:
        clock, notes = SystemClock(), notes or Notes()
        adapter = kind("helper", told, http, clock, random.random, notes, pace, HANG)
        running = asyncio.ensure_future(adapter.run(inbox.take))
        try:
            if transport == "webhook":
                async with served(adapter) as url:
                    qq.webhook.url = url
                    await until(lambda: any(a.path == "/users/@me" for a in qq.asked))
                    yield Rig(qq, adapter, inbox, running)
                    qq.webhook.url = ""
            else:
                await until(lambda: qq.gateway.live or running.done() or not connected)
                yield Rig(qq, adapter, inbox, running)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def served(adapter: QQAdapter) -> AsyncIterator[str]:
    """The adapter's callback address on a real server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=adapter.routes), log_config=None, lifespan="off")
    )
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{adapter.routes[0].path}"
    finally:
        server.should_exit = True
        await serving


new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop

Scene = Callable[[Rig], Awaitable[None]]


def play(
    scene: Scene, rules: Rules | None = None, transport: Transport = "websocket", **settings: Any
) -> None:
    async def main() -> None:
        async with SimulatedQQ(rules) as qq, rig(qq, transport=transport, **settings) as it:
            await scene(it)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(watched(main()))
