"""A cluster of real processes, on lines that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.databases import NATS, nats_prefix, postgres_schema
from tests.crash.asking import Page, Question
from tests.crash.proxy import Proxy
from tests.crash.served import Lives
from tests.crash.town import Town, settings
from tests.launching import Launcher
from tests.pulse import Pulse
from tests.serving import PATIENCE

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

LEASE = 2.0
LONG = Question("Please text:long")
SOME = 20  # pieces of it, which has many more


@dataclass
class Cluster:
    """Nodes by name; what a name begins with is its role."""

    launcher: Launcher
    folder: Path
    qq: SimulatedQQ
    pulse: Pulse
    nats: Proxy
    postgres: Proxy
    stack: AsyncExitStack
    nodes: dict[str, Lives] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)  # of every node

    async def begin(self, name: str, nats: Proxy | None = None) -> Lives:
        """Begins it, or begins it again; `nats` is its line if it has one of its own."""
        if name not in self.nodes:
            line = nats or self.nats
            ledger = str(self.folder / "ledger.txt")
            env = {"HOLDFAST_CRASH_LEDGER": ledger, "LINE": line.url, **self.env}
            lives = Lives(self.launcher, self.folder, env)
            self.nodes[name] = await self.stack.enter_async_context(lives)
        self.nodes[name].begin("--role", name.rstrip("0123456789"))
        return self.nodes[name]

    async def ready(self) -> None:
        await asyncio.gather(*(lives.life.ready() for lives in self.nodes.values()))

    @property
    def gateway(self) -> Lives:
        return self.nodes["gateway"]

    def town(self, seed: int) -> Town:
        return Town(self.gateway, self.qq, self.folder / "ledger.txt", seed)

    async def standing(self) -> dict[str, Any]:
        """What the gateway says of itself."""
        _, url = await self.gateway.url()
        told: dict[str, Any] = (await self.gateway.http.get(f"{url}/readyz")).json()
        return told

    async def until_nats(self, stands: str) -> None:
        """Returns once the gateway says so: it serves before it is connected, too."""
        async with asyncio.timeout(PATIENCE):
            while (await self.standing())["nats"] != stands:
                pass


@asynccontextmanager
async def cluster(
    launcher: Launcher, folder: Path, database: str, server: str, name: str
) -> AsyncIterator[Cluster]:
    (folder / "ledger.txt").touch()
    pulse = Pulse()
    async with (
        SimulatedUpstream(sleep=pulse.sleep) as upstream,
        SimulatedQQ() as qq,
        Proxy(server) as nats,
        Proxy(database) as postgres,
        AsyncExitStack() as stack,
    ):
        tables = f"""
[server]
database_url = "{postgres.url}"
[cluster]
nats = "env:LINE"
name = "{name}"
lease = {LEASE}
"""
        (folder / "holdfast.toml").write_text(settings(upstream, qq, tables), encoding="utf-8")
        yield Cluster(launcher, folder, qq, pulse, nats, postgres, stack)


Story = Callable[[Cluster], Coroutine[Any, Any, None]]


async def played(there: Cluster, story: Story, names: Sequence[str]) -> None:
    for name in names:
        await there.begin(name)
    await there.ready()
    if any(name.startswith("connector") for name in names):
        await there.qq.connected()
    await story(there)


def play(launcher: Launcher, folder: Path, story: Story, *names: str) -> None:
    """On the servers that all tests share."""

    async def main(database: str, prefix: str) -> None:
        async with cluster(launcher, folder, database, NATS, prefix[:32]) as there:
            await played(there, story, names)

    with postgres_schema() as database, nats_prefix() as prefix:
        asyncio.run(main(database, prefix))


async def asks(there: Cluster) -> tuple[Page, asyncio.Task[list[dict[str, Any]]]]:
    """A page on which some of a long answer has come. Whoever needs the rest to be still to come
    holds the model after `SOME` pieces.
    """
    page = Page(there.gateway, "c" * 32)
    turn = await page.say(LONG.words, "d" * 32)
    reading = asyncio.create_task(page.follow(turn))
    await page.begun()
    return page, reading
