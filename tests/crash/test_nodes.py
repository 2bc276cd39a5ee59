"""A cluster of real processes: gateways, connectors and workers, of which any may die, or sleep."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.databases import NATS, nats_prefix, postgres_schema
from tests.crash.asking import Page, Question, judge_page
from tests.crash.proxy import Proxy
from tests.crash.pulse import Pulse
from tests.crash.served import Launcher, Lives
from tests.crash.town import MOMENT, SEED, WORK, Town, settings, worlds
from tests.serving import PATIENCE

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

TAKE_OVER = 10.0  # seconds
LEASE = 2.0
WORLDS = worlds(5, 10)  # a fifth of the deaths of whole servers
LONG, DEMO = Question("Please text:long"), Question("text:demo")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]


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

    async def begin(self, name: str) -> Lives:
        """Begins it, or begins it again."""
        if name not in self.nodes:
            env = {"HOLDFAST_CRASH_LEDGER": str(self.folder / "ledger.txt")}
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


@asynccontextmanager
async def cluster(
    launcher: Launcher, folder: Path, database: str, name: str
) -> AsyncIterator[Cluster]:
    (folder / "ledger.txt").touch()
    pulse = Pulse()
    async with (
        SimulatedUpstream(sleep=pulse.sleep) as upstream,
        SimulatedQQ() as qq,
        Proxy(NATS) as nats,
        Proxy(database) as postgres,
        AsyncExitStack() as stack,
    ):
        tables = f"""
[server]
database_url = "{postgres.url}"
[cluster]
nats = "{nats.url}"
name = "{name}"
lease = {LEASE}
"""
        (folder / "holdfast.toml").write_text(settings(upstream, qq, tables), encoding="utf-8")
        yield Cluster(launcher, folder, qq, pulse, nats, postgres, stack)


Story = Callable[[Cluster], Coroutine[Any, Any, None]]


def play(launcher: Launcher, folder: Path, story: Story, *names: str) -> None:
    async def main(database: str, prefix: str) -> None:
        async with cluster(launcher, folder, database, prefix[:32]) as there:
            for name in names:
                await there.begin(name)
            await there.ready()
            if any(name.startswith("connector") for name in names):
                await there.qq.connected()
            await story(there)

    with postgres_schema() as database, nats_prefix() as prefix:
        asyncio.run(main(database, prefix))


@pytest.mark.parametrize(("seed", "kills"), WORLDS)
def test_any_node_may_be_killed(launcher: Launcher, tmp_path: Path, seed: int, kills: int) -> None:
    async def story(there: Cluster) -> None:
        dice = random.Random(seed)
        town = there.town(seed)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(town.live(over))
            for _ in range(kills):
                name = dice.choice([*there.nodes])
                life = there.nodes[name].life
                await life.ready()
                await there.pulse.beats(dice.randrange(WORK))
                await life.survives(dice.uniform(0.0, MOMENT))
                await life.kill()
                await there.begin(name)
            over.set()
        problems = town.judge()
        print(f"{kills} killed, answered {dict(town.answered)}, {town.orphans} streams lost")
        assert not problems, "\n".join(problems)

    play(launcher, tmp_path, story, "gateway", "worker1", "worker2", "connector1", "connector2")


async def asks(there: Cluster) -> tuple[Page, asyncio.Task[list[dict[str, Any]]]]:
    """A page on which some of a long answer has come."""
    page = Page(there.gateway, "c" * 32)
    turn = await page.say(LONG.words, "d" * 32)
    reading = asyncio.create_task(page.follow(turn))
    await page.until(5)
    return page, reading


def test_an_answer_goes_on_elsewhere_soon_after_its_worker_was_killed(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        page, reading = await asks(there)
        second = await page.say("And text:short", "e" * 32)
        await (await there.begin("worker2")).life.ready()
        killed = asyncio.get_running_loop().time()
        await there.nodes["worker1"].life.kill()
        known = len(page.read)
        await page.until(known + 2)
        took = asyncio.get_running_loop().time() - killed
        print(f"taken over after {took:.1f} s")
        assert judge_page(await reading, LONG) == ""
        assert judge_page(await page.follow(second), Question("And text:short")) == ""
        assert [turn["asked"] for turn in await page.turns()] == [LONG.words, "And text:short"]
        assert took <= TAKE_OVER

    play(launcher, tmp_path, story, "gateway", "worker1")


def test_a_worker_that_slept_longer_than_its_lease_is_not_heard(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        page, reading = await asks(there)
        await (await there.begin("worker2")).life.ready()
        there.nodes["worker1"].life.signal(signal.SIGSTOP)
        known = len(page.read)
        await page.until(known + 2)  # from the other
        there.nodes["worker1"].life.signal(signal.SIGCONT)
        assert judge_page(await reading, LONG) == ""
        assert judge_page(await page.follow(await page.say("text:demo", "e" * 32)), DEMO) == ""

    play(launcher, tmp_path, story, "gateway", "worker1")


def test_a_connector_that_slept_is_not_heard_and_the_standby_holds_the_session(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        await town.round()
        await (await there.begin("connector2")).life.ready()
        there.nodes["connector1"].life.signal(signal.SIGSTOP)
        await town.round()  # through the other
        there.nodes["connector1"].life.signal(signal.SIGCONT)
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(launcher, tmp_path, story, "gateway", "worker1", "connector1")


def test_without_nats_all_goes_on_and_readyz_says_so(launcher: Launcher, tmp_path: Path) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        assert (await there.standing())["nats"] == "connected"
        _, reading = await asks(there)
        there.nats.cut()
        await town.round()
        assert judge_page(await reading, LONG) == ""
        assert (await there.standing())["nats"] == "away"
        there.nats.mend()
        async with asyncio.timeout(PATIENCE):
            while (await there.standing())["nats"] != "connected":
                pass
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(launcher, tmp_path, story, "gateway", "worker1", "worker2", "connector1")


def test_the_line_to_postgres_is_cut_again_and_again(launcher: Launcher, tmp_path: Path) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        async with asyncio.TaskGroup() as group:
            group.create_task(town.round())
            for away in (0, 50, 500, 0):
                await there.pulse.beats(50)
                there.postgres.cut()
                await there.pulse.beats(away)
                there.postgres.mend()
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(launcher, tmp_path, story, "gateway", "worker1", "worker2", "connector1")
