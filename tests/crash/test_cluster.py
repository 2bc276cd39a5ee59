"""Workers that die, sleep and come back; a NATS that restarts."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.conformance.databases import NATS, nats_prefix, postgres_schema
from tests.crash.machine import Nats
from tests.crash.platform import Platform
from tests.crash.trial import (
    CRASHES,
    PATIENCE,
    PER_CRASH,
    judge,
    kill,
    lanes,
    some_work,
    start,
    until_all_shown,
)
from tests.launching import Forked
from tests.ports import reserved

from holdfast.store.database import Database
from holdfast.store.turns import SqlTurns

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows"),
]


class Workers:
    """Processes of one cluster, by what they call themselves."""

    def __init__(self, platform: Platform, arguments: list[str]) -> None:
        self._platform = platform
        self._arguments = arguments
        self.alive: dict[str, Forked] = {}

    async def add(self) -> None:
        greeted = self._platform.greeted
        process = start(self._platform, *self._arguments)
        self.alive[str(process.pid)] = process
        async with asyncio.timeout(PATIENCE):
            await self._platform.until_greeted(greeted + 1)

    def kill(self, name: str) -> None:
        kill(self.alive.pop(name))

    def signal(self, name: str, number: signal.Signals) -> None:
        self.alive[name].send_signal(number)


Story = Callable[[Platform, Workers], Awaitable[None]]


def trial(story: Story, said: dict[str, list[str]], server: str = NATS) -> None:
    async def main(url: str, prefix: str) -> Platform:
        async with Platform(said) as platform:
            workers = Workers(platform, ["cluster", url, server, prefix])
            try:
                await workers.add()
                await workers.add()
                speaking = asyncio.create_task(platform.speak())
                await story(platform, workers)
                await until_all_shown(platform)
                async with asyncio.timeout(PATIENCE):
                    await speaking
            finally:
                for name in list(workers.alive):
                    workers.kill(name)
        return platform

    with postgres_schema() as url, nats_prefix() as prefix:
        Database(url).close()
        platform = asyncio.run(main(url, prefix))
        database = Database(url)
        judge(platform, SqlTurns(database))
        database.close()
    print(f"{len(platform.shown)} answered, {platform.repeats} sent again")


def test_workers_are_killed_and_others_go_on() -> None:
    dice = random.Random(3)

    async def story(platform: Platform, workers: Workers) -> None:
        for _ in range(CRASHES):
            await some_work(platform, dice)
            workers.kill(dice.choice(list(workers.alive)))
            await workers.add()

    trial(story, lanes(CRASHES * PER_CRASH * 6))  # the other worker goes on meanwhile


def test_a_turn_goes_on_elsewhere_soon_after_its_worker_was_killed() -> None:
    async def story(platform: Platform, workers: Workers) -> None:
        node, _ = await platform.life(1, "slow")
        killed = asyncio.get_running_loop().time()
        workers.kill(node)
        async with asyncio.timeout(PATIENCE):
            other, at = await platform.life(2, "slow")
        assert other != node
        print(f"taken over after {at - killed:.1f} s")

    trial(story, {"a": ["slow", "next"]})


def test_a_worker_that_slept_longer_than_its_lease_is_not_heard() -> None:
    async def story(platform: Platform, workers: Workers) -> None:
        node, _ = await platform.life(1, "slow1")
        workers.signal(node, signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE):
            other, _ = await platform.life(2, "slow1")
        assert other != node
        workers.signal(node, signal.SIGCONT)

    trial(story, {"a": ["slow1", "slow2", "next"], "b": ["other"]})


def test_nats_may_be_killed_and_started_again(tmp_path: Path) -> None:
    async def story(platform: Platform, workers: Workers) -> None:
        await nats.start()
        try:
            for quarter in (1, 2, 3):
                async with asyncio.timeout(PATIENCE):
                    await platform.until_shown(quarter * 10)
                await nats.kill()
                async with asyncio.timeout(PATIENCE):
                    await platform.until_shown(quarter * 10 + 5)
                await nats.start()
            await until_all_shown(platform)
        finally:
            await nats.kill()

    with reserved() as port:
        nats = Nats(tmp_path, port)
        trial(story, {f"l{n}": [f"l{n}-{m}" for m in range(10)] for n in range(4)}, nats.url)
