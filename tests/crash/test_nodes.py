"""A cluster of real processes: gateways, connectors and workers, of which any may die, or sleep."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from tests.crash.asking import Question, judge_page
from tests.crash.cluster import LONG, SOME, Cluster, asks, play
from tests.crash.proxy import Proxy
from tests.crash.town import MOMENT, SEED, WORK, settled, worlds
from tests.launching import Launcher

WORLDS = worlds(5, 10)  # a fifth of the deaths of whole servers
DEMO = Question("text:demo")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfds of Linux"),
]


@pytest.mark.parametrize(("seed", "kills"), WORLDS)
def test_any_node_may_be_killed(launcher: Launcher, tmp_path: Path, seed: int, kills: int) -> None:
    async def story(there: Cluster) -> None:
        dice = random.Random(seed)
        town = there.town(seed)
        await settled(there.qq)
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


def test_an_answer_goes_on_elsewhere_soon_after_its_worker_was_killed(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        with there.pulse.held(after=SOME):
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

    play(launcher, tmp_path, story, "gateway", "worker1")


def test_a_worker_that_slept_longer_than_its_lease_is_not_heard(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        with there.pulse.held(after=SOME):
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
        await there.until_nats("connected")
        with there.pulse.held(after=SOME):
            _, reading = await asks(there)
            there.nats.cut()
            await there.until_nats("away")
        await town.round()
        assert judge_page(await reading, LONG) == ""
        assert (await there.standing())["nats"] == "away"
        there.nats.mend()
        await there.until_nats("connected")
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


def test_a_postgres_that_says_nothing_for_a_while_costs_nobody_an_answer(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        await town.round()
        with there.pulse.held(after=SOME):
            page, reading = await asks(there)
            there.postgres.swallow()
        _, url = await there.gateway.url()
        path = f"/chat/api/conversations/{'f' * 32}/messages"
        message = {"id": "e" * 32, "text": DEMO.words}
        refused = await there.gateway.http.post(url + path, json=message)
        assert refused.status_code == 503
        there.postgres.mend()
        assert judge_page(await reading, LONG) == ""
        assert judge_page(await page.follow(await page.say(DEMO.words, "f" * 32)), DEMO) == ""
        await town.round()
        problems = town.judge()
        assert not problems, "\n".join(problems)

    play(launcher, tmp_path, story, "gateway", "worker1", "worker2", "connector1")


def test_a_worker_that_is_cut_off_from_nats_still_does_its_part(
    launcher: Launcher, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        town = there.town(SEED)
        async with Proxy(there.nats.url) as line:
            await (await there.begin("worker1", line)).life.ready()
            await town.round()
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(town.live(over))
                await there.pulse.beats(WORK)
                line.cut()
                await there.begin("worker2")
                await there.pulse.beats(WORK)
                await there.nodes["worker2"].life.kill()  # the one that is cut off is left
                await there.pulse.beats(WORK)
                line.mend()
                over.set()
            problems = town.judge()
            assert not problems, "\n".join(problems)

    play(launcher, tmp_path, story, "gateway", "connector1")
