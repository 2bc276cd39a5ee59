"""A cluster of real processes: gateways, connectors and workers, of which any may die, or sleep."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conformance.databases import NATS, nats_prefix, postgres_schema
from tests.crash.asking import Page, Question, judge_page
from tests.crash.proxy import Proxy
from tests.crash.served import Launcher, Lives
from tests.crash.town import Town, settings
from tests.serving import PATIENCE

from holdfast.sim.qq.simulator import SimulatedQQ
from holdfast.sim.upstream import SimulatedUpstream

RUNS = int(os.environ.get("HOLDFAST_CRASH_RUNS", "6"))
SEED = int(os.environ.get("HOLDFAST_CRASH_SEED", "1"))
TAKE_OVER = 10.0  # seconds
LEASE = 2.0
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
    nats: Proxy
    postgres: Proxy
    nodes: dict[str, Lives] = field(default_factory=dict)

    def begin(self, name: str) -> Lives:
        """Begins it, or begins it again."""
        if name not in self.nodes:
            env = {"HOLDFAST_CRASH_LEDGER": str(self.folder / "ledger.txt")}
            self.nodes[name] = Lives(self.launcher, self.folder, env)
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
        async with httpx2.AsyncClient(base_url=url) as http:
            told: dict[str, Any] = (await http.get("/readyz")).json()
            return told


@asynccontextmanager
async def cluster(folder: Path, database: str, name: str) -> AsyncIterator[Cluster]:
    (folder / "ledger.txt").touch()
    async with (
        SimulatedUpstream() as upstream,
        SimulatedQQ() as qq,
        Proxy(NATS) as nats,
        Proxy(database) as postgres,
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
        with Launcher() as launcher:
            yield Cluster(launcher, folder, qq, nats, postgres)


def play(folder: Path, story: Callable[[Cluster], Coroutine[Any, Any, None]], *names: str) -> None:
    async def main(database: str, prefix: str) -> None:
        async with cluster(folder, database, prefix[:32]) as there:
            for name in names:
                there.begin(name)
            await there.ready()
            if any(name.startswith("connector") for name in names):
                await there.qq.connected()
            await story(there)

    with postgres_schema() as database, nats_prefix() as prefix:
        asyncio.run(main(database, prefix))


def test_any_node_may_be_killed(tmp_path: Path) -> None:
    async def story(there: Cluster) -> None:
        dice = random.Random(SEED)
        town = there.town(SEED)
        await town.round()

        async def kill(times: int) -> None:
            for _ in range(times):
                name = dice.choice([*there.nodes])
                await there.nodes[name].life.ready()
                await asyncio.sleep(dice.uniform(0.0, 1.5))  # when it strikes is random
                await there.nodes[name].life.kill()
                there.begin(name)

        for _ in range(RUNS // 2):
            async with asyncio.TaskGroup() as group:
                group.create_task(town.round())
                group.create_task(kill(2))
        problems = town.judge()
        print(f"{RUNS} killed, answered {dict(town.answered)}, {town.orphans} streams lost")
        assert not problems, "\n".join(problems)

    play(tmp_path, story, "gateway", "worker1", "worker2", "connector1", "connector2")


async def asks(there: Cluster) -> tuple[Page, asyncio.Task[list[dict[str, Any]]]]:
    """A page on which some of a long answer has come."""
    page = Page(there.gateway, "c" * 32)
    turn = await page.say(LONG.words, "d" * 32)
    reading = asyncio.create_task(page.follow(turn))
    await page.until(5)
    return page, reading


def test_an_answer_goes_on_elsewhere_soon_after_its_worker_was_killed(tmp_path: Path) -> None:
    async def story(there: Cluster) -> None:
        page, reading = await asks(there)
        second = await page.say("And text:short", "e" * 32)
        await there.begin("worker2").life.ready()
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

    play(tmp_path, story, "gateway", "worker1")


def test_a_worker_that_slept_longer_than_its_lease_is_not_heard(tmp_path: Path) -> None:
    async def story(there: Cluster) -> None:
        page, reading = await asks(there)
        await there.begin("worker2").life.ready()
        there.nodes["worker1"].life.signal(signal.SIGSTOP)
        known = len(page.read)
        await page.until(known + 2)  # from the other
        there.nodes["worker1"].life.signal(signal.SIGCONT)
        assert judge_page(await reading, LONG) == ""
        assert judge_page(await page.follow(await page.say("text:demo", "e" * 32)), DEMO) == ""

    play(tmp_path, story, "gateway", "worker1")


def test_a_connector_that_slept_is_not_heard_and_the_standby_holds_the_session(
    tmp_path: Path,
) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        await town.round()
        await there.begin("connector2").life.ready()
        there.nodes["connector1"].life.signal(signal.SIGSTOP)
        await town.round()  # through the other
        there.nodes["connector1"].life.signal(signal.SIGCONT)
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(tmp_path, story, "gateway", "worker1", "connector1")


def test_without_nats_all_goes_on_and_readyz_says_so(tmp_path: Path) -> None:
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
                await asyncio.sleep(0.2)
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(tmp_path, story, "gateway", "worker1", "worker2", "connector1")


def test_the_line_to_postgres_is_cut_again_and_again(tmp_path: Path) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        async with asyncio.TaskGroup() as group:
            group.create_task(town.round())
            for away in (0.0, 0.3, 1.0, 0.0):
                await asyncio.sleep(0.5)  # when it strikes does not matter
                there.postgres.cut()
                await asyncio.sleep(away)
                there.postgres.mend()
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(tmp_path, story, "gateway", "worker1", "worker2", "connector1")
